//! One core module: what it starts with, and the same module without its data but with access to its globals.

use std::ops::Range;

use wasm_encoder::{
    CodeSection, ConstExpr, DataSection, DataSegment, DataSegmentMode, Encode, ExportKind, Function, Instruction,
};
use wasmparser::{
    BinaryReader, DataKind, FunctionBody, GlobalType, Operator, Parser, Payload, Result, TypeRef, ValType,
};

/// Core export that reads a mutable global by its place among those.
pub(super) const GET: &str = "hks:get-global";
/// Core export that writes one.
pub(super) const SET: &str = "hks:set-global";

const WASM_PAGE_BYTES: u64 = 65_536;

/// Sections by their id, in the order in which a module has them.
const ORDER: [u8; 13] = [1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11];
const TYPE: u8 = 1;
const FUNCTION: u8 = 3;
const EXPORT: u8 = 7;
const CODE: u8 = 10;
const DATA: u8 = 11;
const DATA_COUNT: u8 = 12;

/// What is known of a module.
#[derive(Default)]
pub(super) struct Module<'a> {
    bytes: &'a [u8],
    sections: Vec<(u8, Range<usize>)>,
    segments: Vec<Segment<'a>>,
    types: u32,
    functions: u32,
    imported_globals: u32,
    /// Mutable globals that it defines: index and type.
    mutable: Vec<(u32, ValType)>,
    /// Minimum sizes, in bytes, of the 32-bit memories that it defines.
    pub(super) memories: Vec<u64>,
    pub(super) imports_memory: bool,
    /// It runs code when it is instantiated.
    pub(super) has_start: bool,
    /// Its code changes tables or drops segments, which memory and globals do not tell.
    pub(super) has_other_state: bool,
    /// Its code names data segments, so that they must keep their numbers.
    names_segments: bool,
    taken_names: bool,
}

struct Segment<'a> {
    /// Where it is copied to in memory 0 at instantiation; none if it is passive, or its place is computed.
    offset: Option<u64>,
    is_active: bool,
    data: &'a [u8],
}

impl<'a> Module<'a> {
    /// Reads a module that is known to be valid.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut module = Self { bytes, ..Self::default() };
        for payload in Parser::new(0).parse_all(bytes) {
            let payload = payload?;
            if let Some(section) = payload.as_section() {
                module.sections.push(section);
            }
            module.read(payload)?;
        }
        Ok(module)
    }

    fn read(&mut self, payload: Payload<'a>) -> Result<()> {
        match payload {
            Payload::TypeSection(section) => {
                for group in section {
                    self.types += u32::try_from(group?.types().len()).unwrap_or(u32::MAX);
                }
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    match import?.ty {
                        TypeRef::Func(_) => self.functions += 1,
                        TypeRef::Memory(_) => self.imports_memory = true,
                        TypeRef::Global(_) => self.imported_globals += 1,
                        _ => {}
                    }
                }
            }
            Payload::FunctionSection(section) => self.functions += section.count(),
            Payload::MemorySection(section) => {
                for memory in section {
                    self.memories.push(memory?.initial.saturating_mul(WASM_PAGE_BYTES));
                }
            }
            Payload::GlobalSection(section) => {
                for (index, global) in (self.imported_globals..).zip(section) {
                    let GlobalType { content_type, mutable, .. } = global?.ty;
                    if mutable {
                        self.mutable.push((index, content_type));
                    }
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    self.taken_names |= [GET, SET].contains(&export?.name);
                }
            }
            Payload::StartSection { .. } => self.has_start = true,
            Payload::CodeSectionEntry(body) => self.read_code(&body)?,
            Payload::DataSection(section) => {
                for data in section {
                    let data = data?;
                    let (is_active, offset) = match data.kind {
                        DataKind::Passive => (false, None),
                        DataKind::Active { memory_index, offset_expr } => {
                            (true, constant(&offset_expr)?.filter(|_| memory_index == 0))
                        }
                    };
                    self.segments.push(Segment { offset, is_active, data: data.data });
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn read_code(&mut self, body: &FunctionBody) -> Result<()> {
        for operator in body.get_operators_reader()? {
            match operator? {
                Operator::TableSet { .. }
                | Operator::TableGrow { .. }
                | Operator::TableFill { .. }
                | Operator::TableCopy { .. }
                | Operator::TableInit { .. }
                | Operator::ElemDrop { .. } => self.has_other_state = true,
                Operator::DataDrop { .. } => (self.has_other_state, self.names_segments) = (true, true),
                Operator::MemoryInit { .. } => self.names_segments = true,
                _ => {}
            }
        }
        Ok(())
    }

    pub(super) fn mutable_globals(&self) -> usize {
        self.mutable.len()
    }

    /// Why its globals cannot be read and written, if so.
    pub(super) fn unreachable_globals(&self) -> Option<&'static str> {
        let plain = |ty: &ValType| matches!(ty, ValType::I32 | ValType::I64 | ValType::F32 | ValType::F64);
        if self.taken_names {
            return Some("a module uses export names of ours");
        }
        (!self.mutable.iter().all(|(_, ty)| plain(ty))).then_some("a module has globals of vectors or references")
    }

    /// The memory as its data segments leave it, or `None` where that cannot be told beforehand.
    pub(super) fn initial_memory(&self) -> Option<Vec<u8>> {
        let [bytes] = self.memories[..] else { return None };
        let mut memory =
            vec![0; usize::try_from(bytes).ok().filter(|bytes| *bytes as u64 <= super::component::IMAGE_BYTES_MAX)?];
        for segment in self.segments.iter().filter(|segment| segment.is_active) {
            let start = usize::try_from(segment.offset?).ok()?;
            let end = start.checked_add(segment.data.len())?;
            memory.get_mut(start..end)?.copy_from_slice(segment.data);
        }
        Some(memory)
    }

    /// The module again: `without_data` leaves the data out, or every active segment empty where segments have to keep their
    /// numbers (each costs a call at every start); `with_globals` adds the two exports.
    pub(super) fn rewrite(&self, without_data: bool, with_globals: bool) -> Vec<u8> {
        let mut sections: Vec<(u8, Vec<u8>)> =
            self.sections.iter().map(|(id, range)| (*id, self.bytes[range.clone()].to_vec())).collect();
        if without_data && !self.names_segments {
            sections.retain(|(id, _)| ![DATA, DATA_COUNT].contains(id));
        } else if without_data && let Some((_, data)) = sections.iter_mut().find(|(id, _)| *id == DATA) {
            *data = self.empty_data();
        }
        if with_globals {
            self.add_accessors(&mut sections);
        }
        let mut output = self.bytes[..8].to_vec();
        for (id, content) in sections {
            output.push(id);
            content.encode(&mut output);
        }
        output
    }

    fn empty_data(&self) -> Vec<u8> {
        let mut section = DataSection::new();
        for segment in &self.segments {
            let zero = ConstExpr::i32_const(0);
            let mode = match segment.is_active {
                true => DataSegmentMode::Active { memory_index: 0, offset: &zero },
                false => DataSegmentMode::Passive,
            };
            let data: &[u8] = if segment.is_active { &[] } else { segment.data };
            section.segment(DataSegment { mode, data: data.iter().copied() });
        }
        content_of(&section)
    }

    fn add_accessors(&self, sections: &mut Vec<(u8, Vec<u8>)>) {
        use wasm_encoder::ValType::{I32, I64};
        let mut types = wasm_encoder::TypeSection::new();
        types.ty().function([I32], [I64]);
        types.ty().function([I32, I64], []);
        append(sections, TYPE, 2, &content_of(&types));
        let mut functions = wasm_encoder::FunctionSection::new();
        functions.function(self.types).function(self.types + 1);
        append(sections, FUNCTION, 2, &content_of(&functions));
        let mut exports = wasm_encoder::ExportSection::new();
        exports.export(GET, ExportKind::Func, self.functions).export(SET, ExportKind::Func, self.functions + 1);
        append(sections, EXPORT, 2, &content_of(&exports));
        let mut code = CodeSection::new();
        code.function(&self.getter()).function(&self.setter());
        append(sections, CODE, 2, &content_of(&code));
    }

    /// `func(place: i32) -> i64`: one comparison a global, since there are a handful.
    fn getter(&self) -> Function {
        let mut body = Function::new([]);
        for (place, (index, ty)) in (0_i32..).zip(&self.mutable) {
            if_place(&mut body, place);
            body.instruction(&Instruction::GlobalGet(*index));
            match ty {
                ValType::I32 => drop(body.instruction(&Instruction::I64ExtendI32U)),
                ValType::F32 => {
                    body.instruction(&Instruction::I32ReinterpretF32).instruction(&Instruction::I64ExtendI32U);
                }
                ValType::F64 => drop(body.instruction(&Instruction::I64ReinterpretF64)),
                _ => {}
            }
            body.instruction(&Instruction::Return).instruction(&Instruction::End);
        }
        body.instruction(&Instruction::Unreachable).instruction(&Instruction::End);
        body
    }

    /// `func(place: i32, bits: i64)`.
    fn setter(&self) -> Function {
        let mut body = Function::new([]);
        for (place, (index, ty)) in (0_i32..).zip(&self.mutable) {
            if_place(&mut body, place);
            body.instruction(&Instruction::LocalGet(1));
            match ty {
                ValType::I32 => drop(body.instruction(&Instruction::I32WrapI64)),
                ValType::F32 => {
                    body.instruction(&Instruction::I32WrapI64).instruction(&Instruction::F32ReinterpretI32);
                }
                ValType::F64 => drop(body.instruction(&Instruction::F64ReinterpretI64)),
                _ => {}
            }
            body.instruction(&Instruction::GlobalSet(*index));
            body.instruction(&Instruction::Return).instruction(&Instruction::End);
        }
        body.instruction(&Instruction::Unreachable).instruction(&Instruction::End);
        body
    }
}

fn if_place(body: &mut Function, place: i32) {
    body.instruction(&Instruction::LocalGet(0))
        .instruction(&Instruction::I32Const(place))
        .instruction(&Instruction::I32Eq)
        .instruction(&Instruction::If(wasm_encoder::BlockType::Empty));
}

/// The value of an offset that is one constant.
fn constant(expression: &wasmparser::ConstExpr) -> Result<Option<u64>> {
    let mut operators = expression.get_operators_reader();
    let first = operators.read()?;
    let last = operators.read()?;
    Ok(match (first, last) {
        (Operator::I32Const { value }, Operator::End) => Some(u64::from(value.cast_unsigned())),
        _ => None,
    })
}

/// A section's content without its length.
fn content_of(section: &impl Encode) -> Vec<u8> {
    let mut bytes = Vec::new();
    section.encode(&mut bytes);
    let mut reader = BinaryReader::new(&bytes, 0);
    reader.read_var_u32().expect("an encoded section begins with its length");
    bytes.split_off(reader.original_position())
}

/// Adds the items of `content`, itself a section's content with so many items, to the section of that id.
fn append(sections: &mut Vec<(u8, Vec<u8>)>, id: u8, items: u32, content: &[u8]) {
    if let Some((_, old)) = sections.iter_mut().find(|(other, _)| *other == id) {
        let mut new = Vec::with_capacity(old.len() + content.len() + 5);
        let (count, rest) = counted(old);
        (count + items).encode(&mut new);
        new.extend_from_slice(rest);
        new.extend_from_slice(counted(content).1);
        *old = new;
        return;
    }
    let rank = |id: u8| ORDER.iter().position(|other| *other == id);
    let place = sections.iter().position(|(other, _)| rank(*other) > rank(id)).unwrap_or(sections.len());
    sections.insert(place, (id, content.to_vec()));
}

/// A section's number of items, and the items.
fn counted(content: &[u8]) -> (u32, &[u8]) {
    let mut reader = BinaryReader::new(content, 0);
    let count = reader.read_var_u32().expect("the section was read before");
    (count, &content[reader.original_position()..])
}
