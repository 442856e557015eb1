//! Makes room in the memory of a Go program for WASI's adapter.
//!
//! The adapter lives in the program's memory: 128 KiB for its state and its stack. It takes them from an exported `cabi_realloc`, or
//! else by `memory.grow`. But Go believes that nobody else grows its memory: its heap begins where its data ends (`runtime.end`,
//! rounded up to a page), goes on without a gap, and so sooner or later through whatever lies there. What the adapter then reads is a
//! Go object, and what Go's collector finds is the adapter's.
//!
//! So the heap is told to begin later, and the adapter gets what is left free before it:
//!
//! - `runtime.firstmoduledata.end`, from which Go computes the beginning of its heap and nothing else, is raised. Where it lies in the
//!   data is found by the fields around it, which are addresses in order, and by the size of the memory, which the linker computed of
//!   that very value. If not exactly one place fits, the program is of a Go that we do not know, and refused.
//! - The memory is made as much larger.
//! - A `cabi_realloc` is added that gives out the room, and traps when it is used up.
//!
//! Everything else is copied as it stands.

use std::ops::Range;

use wasm_encoder::{
    BlockType, ConstExpr, Encode, ExportKind, Function, GlobalType, MemorySection, MemoryType, Module, RawSection,
    SectionId, ValType,
};
use wasmparser::{BinaryReader, DataKind, Operator, Parser, Payload, SectionLimited, TypeRef};

use super::Error;

const PAGE: u64 = 64 << 10;
/// The adapter takes two pages; more are for one that takes more.
const ROOM_PAGES: u64 = 4;
/// What Go's linker adds to the end of the data for the size of the memory.
const LINKER_SLACK: u64 = 1 << 20;
/// No honest program has more data; it is laid out in memory here.
const DATA_BYTES_MAX: u64 = 128 << 20;
/// What lies below is for the environment.
const DATA_BEGIN: u64 = 4096;
/// The fields of `moduledata` from `text` to `end`.
const FIELDS: usize = 13;

const REALLOC: &str = "cabi_realloc";

/// The same program with room for the adapter. One that exports its own `cabi_realloc` already stays as it is.
pub(super) fn make_room(module: &[u8]) -> Result<Vec<u8>, Error> {
    let program = Program::read(module).map_err(|error| Error::Damaged(error.to_string()))?;
    if program.has_realloc {
        return Ok(module.to_vec());
    }
    let unknown = || {
        Error::Foreign(
            "made by a Go whose memory layout is not known here; build it with `GOOS=wasip1 GOARCH=wasm go build` of Go 1.24 to 1.27"
                .into(),
        )
    };
    let room = program.room().ok_or_else(unknown)?;
    program.with(&room, module).ok_or_else(unknown)
}

/// What matters of a program.
#[derive(Default)]
struct Program {
    memory_pages: Option<u64>,
    types: u32,
    functions: u32,
    globals: u32,
    /// What memory begins with, as far as there is data.
    data: Vec<u8>,
    has_realloc: bool,
}

/// Where the adapter's memory comes from.
struct Room {
    /// Where the program keeps the end of its data.
    field: u32,
    /// What it is to read there.
    end: u64,
    /// What is free then.
    free: Range<u32>,
}

impl Program {
    fn read(module: &[u8]) -> wasmparser::Result<Self> {
        let mut program = Self::default();
        for payload in Parser::new(0).parse_all(module) {
            match payload? {
                Payload::TypeSection(section) => {
                    for group in section {
                        program.types += u32::try_from(group?.types().count()).unwrap_or(u32::MAX);
                    }
                }
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        match import?.ty {
                            TypeRef::Func(_) => program.functions += 1,
                            TypeRef::Global(_) => program.globals += 1,
                            _ => {}
                        }
                    }
                }
                Payload::FunctionSection(section) => program.functions += section.count(),
                Payload::GlobalSection(section) => program.globals += section.count(),
                Payload::MemorySection(section) => {
                    let mut memories = section.into_iter();
                    program.memory_pages = memories.next().transpose()?.map(|memory| memory.initial);
                }
                Payload::ExportSection(section) => {
                    for export in section {
                        program.has_realloc |= export?.name == REALLOC;
                    }
                }
                Payload::DataSection(section) => program.lay_out(section)?,
                _ => {}
            }
        }
        Ok(program)
    }

    fn lay_out(&mut self, section: wasmparser::DataSectionReader<'_>) -> wasmparser::Result<()> {
        for segment in section {
            let segment = segment?;
            let DataKind::Active { memory_index: 0, offset_expr } = segment.kind else { continue };
            let Operator::I32Const { value } = offset_expr.get_operators_reader().read()? else { continue };
            let begin = u64::from(value.cast_unsigned());
            let end = begin + segment.data.len() as u64;
            if end > DATA_BYTES_MAX {
                continue;
            }
            let (begin, end) = (begin as usize, end as usize);
            self.data.resize(self.data.len().max(end), 0);
            self.data[begin..end].copy_from_slice(segment.data);
        }
        Ok(())
    }

    /// The one place that can be the end of the data.
    fn room(&self) -> Option<Room> {
        let pages = self.memory_pages?;
        let mut found =
            self.data.windows(FIELDS * 8).enumerate().step_by(8).filter(|(_, fields)| is_end(fields, pages));
        let (at, fields) = found.next()?;
        if found.next().is_some() {
            return None;
        }
        let end = field(fields, FIELDS - 1);
        let begin = end.next_multiple_of(PAGE);
        let free = u32::try_from(begin).ok()?..u32::try_from(begin + ROOM_PAGES * PAGE).ok()?;
        let place = u32::try_from(at + (FIELDS - 1) * 8).ok()?;
        Some(Room { field: place, end: end + ROOM_PAGES * PAGE, free })
    }

    /// The module with the room in it; `None` if it lacks a section that Go's have.
    fn with(&self, room: &Room, module: &[u8]) -> Option<Vec<u8>> {
        let mut out = Module::new();
        let mut grown = 0;
        let mut grow = |out: &mut Module, id: SectionId, items: (u32, &[u8]), item: &[u8]| {
            let mut data = Vec::with_capacity(items.1.len() + item.len() + 8);
            (items.0 + 1).encode(&mut data);
            data.extend_from_slice(items.1);
            data.extend_from_slice(item);
            out.section(&RawSection { id: id as u8, data: &data });
            grown += 1;
        };
        for payload in Parser::new(0).parse_all(module) {
            let payload = payload.ok()?;
            match &payload {
                Payload::TypeSection(section) => {
                    grow(&mut out, SectionId::Type, items(section, module), &realloc_type())
                }
                Payload::FunctionSection(section) => {
                    grow(&mut out, SectionId::Function, items(section, module), &encoded(&self.types));
                }
                Payload::GlobalSection(section) => {
                    grow(&mut out, SectionId::Global, items(section, module), &next_free(room));
                }
                Payload::ExportSection(section) => {
                    grow(&mut out, SectionId::Export, items(section, module), &realloc_export(self.functions));
                }
                Payload::DataSection(section) => {
                    grow(&mut out, SectionId::Data, items(section, module), &new_end(room))
                }
                Payload::CodeSectionStart { count, range, .. } => {
                    let mut reader = BinaryReader::new(&module[range.clone()], range.start);
                    reader.read_var_u32().ok()?;
                    let bodies = &module[reader.original_position()..range.end];
                    grow(&mut out, SectionId::Code, (*count, bodies), &realloc(self.globals, room));
                }
                Payload::MemorySection(_) => {
                    let minimum = self.memory_pages? + ROOM_PAGES;
                    let memory =
                        MemoryType { minimum, maximum: None, memory64: false, shared: false, page_size_log2: None };
                    out.section(MemorySection::new().memory(memory));
                }
                Payload::DataCountSection { count, .. } => {
                    out.section(&wasm_encoder::DataCountSection { count: count + 1 });
                }
                other => {
                    if let Some((id, range)) = other.as_section() {
                        out.section(&RawSection { id, data: &module[range] });
                    }
                }
            }
        }
        (grown == 6).then(|| out.finish())
    }
}

/// How many items there are, and all of them as they are encoded.
fn items<'a, T>(section: &SectionLimited<'_, T>, module: &'a [u8]) -> (u32, &'a [u8]) {
    (section.count(), &module[section.original_position()..section.range().end])
}

fn field(fields: &[u8], index: usize) -> u64 {
    u64::from_le_bytes(fields[index * 8..][..8].try_into().expect("eight bytes"))
}

/// Whether these are the fields of `moduledata` from `text` to `end`, for a memory of so many pages.
fn is_end(fields: &[u8], pages: u64) -> bool {
    let end = field(fields, FIELDS - 1);
    if end > u64::from(u32::MAX) || (end + LINKER_SLACK) / PAGE != pages {
        return false;
    }
    // Code has addresses of its own, from 0. Then come data and bss, without pointers and with.
    let (text, text_end) = (field(fields, 0), field(fields, 1));
    let sections: [u64; 8] = std::array::from_fn(|index| field(fields, index + 2));
    // Counters of coverage, which a program that is not tested has none of.
    let (counters, counters_end) = (field(fields, 10), field(fields, 11));
    text == 0
        && text < text_end
        && text_end <= sections[0]
        && sections.is_sorted()
        && sections[0] >= DATA_BEGIN
        && sections[0] < sections[7]
        && sections[7] <= end
        && counters <= counters_end
        && counters_end <= end
}

/// Where memory is free, as it goes.
fn next_free(room: &Room) -> Vec<u8> {
    let mut global = Vec::new();
    GlobalType { val_type: ValType::I32, mutable: true, shared: false }.encode(&mut global);
    ConstExpr::i32_const(room.free.start.cast_signed()).encode(&mut global);
    global
}

/// Comes last, and so over what the linker wrote there.
fn new_end(room: &Room) -> Vec<u8> {
    let mut segment = vec![0x00];
    ConstExpr::i32_const(room.field.cast_signed()).encode(&mut segment);
    room.end.to_le_bytes().encode(&mut segment);
    segment
}

/// Old address, old size, alignment and size, to the new address.
fn realloc_type() -> Vec<u8> {
    const FUNCTION: u8 = 0x60;
    let mut ty = vec![FUNCTION];
    [ValType::I32; 4].encode(&mut ty);
    [ValType::I32; 1].encode(&mut ty);
    ty
}

fn realloc_export(function: u32) -> Vec<u8> {
    let mut export = encoded(REALLOC);
    ExportKind::Func.encode(&mut export);
    function.encode(&mut export);
    export
}

/// Gives out the room from its beginning to its end. Nothing is ever given back or made larger.
fn realloc(next: u32, room: &Room) -> Vec<u8> {
    const OLD: u32 = 0;
    const ALIGNMENT: u32 = 2;
    const SIZE: u32 = 3;
    const PLACE: u32 = 4;
    let mut function = Function::new([(1, ValType::I32)]);
    let mut code = function.instructions();
    code.local_get(OLD).if_(BlockType::Empty).unreachable().end();
    // the next free place that is aligned
    code.global_get(next).local_get(ALIGNMENT).i32_add().i32_const(1).i32_sub();
    code.i32_const(0).local_get(ALIGNMENT).i32_sub().i32_and().local_tee(PLACE);
    // is it within, and does what is asked for fit behind it? The first keeps the second from wrapping around
    code.i32_const(room.free.end.cast_signed()).i32_gt_u();
    code.local_get(SIZE).i32_const(room.free.end.cast_signed()).local_get(PLACE).i32_sub().i32_gt_u();
    code.i32_or().if_(BlockType::Empty).unreachable().end();
    code.local_get(PLACE).local_get(SIZE).i32_add().global_set(next);
    code.local_get(PLACE).end();
    encoded(&function)
}

fn encoded<T: Encode + ?Sized>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    value.encode(&mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program whose data has the fields at `at`, with `end` as the last of them.
    fn program(places: &[usize], end: u64) -> Program {
        let mut data = vec![0; 4096];
        for place in places {
            for (index, value) in
                [0, 4500, 5000, 5100, 5100, 5200, 5200, 6000, 6000, 7000, 7000, 7000, end].iter().enumerate()
            {
                data[place + index * 8..][..8].copy_from_slice(&u64::to_le_bytes(*value));
            }
        }
        Program { memory_pages: Some(17), data, ..Program::default() }
    }

    #[test]
    fn the_end_of_the_data_is_found_by_what_stands_around_it() {
        let room = program(&[1600], 70_000).room().unwrap();
        assert_eq!((room.field, room.end, room.free), (1696, 70_000 + 4 * 65_536, 131_072..131_072 + 4 * 65_536));
    }

    #[test]
    fn what_is_not_certain_is_refused() {
        assert!(program(&[], 70_000).room().is_none());
        assert!(program(&[1600, 2000], 70_000).room().is_none(), "two places");
        assert!(program(&[1604], 70_000).room().is_none(), "not aligned");
        assert!(program(&[1600], 140_000).room().is_none(), "for another size of memory");
        assert!(program(&[1600], 6_500).room().is_none(), "within the data");
    }
}
