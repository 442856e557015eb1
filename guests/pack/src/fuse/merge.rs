//! Writes the fused module: all functions, one table, one memory, and the few globals that change.

use std::collections::{BTreeSet, HashMap};

use anyhow::{Context as _, Result, anyhow, bail};
use wasm_encoder::reencode::{self, Reencode, RoundtripReencoder};
use wasm_encoder::{
    CodeSection, EntityType, ExportKind, ExportSection, FunctionSection, ImportSection, Instruction, MemorySection,
    Module, TableSection, TypeSection,
};
use wasmparser::{FuncType, Operator};

use super::functions::{Functions, relay};
use super::globals::{Global, Globals};
use super::module::Space;
use super::resolve::Linked;
use super::storage::Storage;

/// Names that the component around the fused module uses.
pub(super) const HOST: &str = "host";
pub(super) const MEMORY: &str = "memory";
pub(super) const TABLE: &str = "table";

/// The name under which a function is exported.
pub(super) fn export_name(function: u32) -> String {
    format!("f{function}")
}

/// The name under which a canonical function is imported.
pub(super) fn import_name(canonical: usize) -> String {
    format!("c{canonical}")
}

/// The fused module, with `exported` functions by their new indices.
pub(super) fn merge(
    linked: &Linked<'_, '_>,
    functions: &Functions<'_>,
    storage: &Storage,
    exported: &BTreeSet<u32>,
) -> Result<Vec<u8>> {
    let globals = Globals::new(linked)?;
    let mut types = Types::default();
    let mut imports = ImportSection::new();
    for host in &functions.imported {
        imports.import(HOST, &import_name(host.canonical), EntityType::Function(types.index(host.ty)?));
    }
    let mut declared = FunctionSection::new();
    let mut code = CodeSection::new();
    for (slot, host) in (storage.first_slot()?..).zip(&functions.relayed) {
        let ty = types.index(host.ty)?;
        declared.function(ty);
        code.function(&relay(host.ty, ty, slot));
    }
    for module in linked.merged() {
        let mut renumber = Renumber::new(linked, module, functions, &globals, &mut types)?;
        let parsed = &linked.component.modules[module];
        for (index, body) in (parsed.first_own(Space::Function)..).zip(&parsed.bodies) {
            declared.function(renumber.types[parsed.function_type(index)? as usize]);
            renumber
                .parse_function_body(&mut code, body.clone())
                .map_err(describe)
                .with_context(|| format!("function {index} of core module {module} cannot be fused"))?;
        }
    }
    let (mut tables, mut memories) = (TableSection::new(), MemorySection::new());
    tables.table(storage.table_type(functions.relayed.len()));
    memories.memory(storage.memory_type());
    let mut fused = Module::new();
    fused.section(&types.section).section(&imports).section(&declared).section(&tables).section(&memories);
    fused.section(&globals.section).section(&exports(exported));
    fused
        .section(&storage.elements(linked, functions, &globals)?)
        .section(&code)
        .section(&storage.data(linked, &globals)?);
    Ok(fused.finish())
}

fn exports(functions: &BTreeSet<u32>) -> ExportSection {
    let mut exports = ExportSection::new();
    exports.export(MEMORY, ExportKind::Memory, 0);
    exports.export(TABLE, ExportKind::Table, 0);
    for function in functions {
        exports.export(&export_name(*function), ExportKind::Func, *function);
    }
    exports
}

/// Types of functions, each once.
#[derive(Default)]
pub(super) struct Types {
    pub(super) section: TypeSection,
    map: HashMap<FuncType, u32>,
}

impl Types {
    pub(super) fn index(&mut self, ty: &FuncType) -> Result<u32> {
        if let Some(index) = self.map.get(ty) {
            return Ok(*index);
        }
        let index = self.section.len();
        let encoded = RoundtripReencoder.func_type(ty.clone()).map_err(|error| anyhow!("the type {ty}: {error}"))?;
        self.section.ty().func_type(&encoded);
        self.map.insert(ty.clone(), index);
        Ok(index)
    }
}

/// Rewrites the code of one module. Tables and memories need no map, there is one of each.
struct Renumber {
    types: Vec<u32>,
    functions: Vec<u32>,
    globals: Vec<Global>,
}

impl Renumber {
    fn new(
        linked: &Linked<'_, '_>,
        module: usize,
        functions: &Functions<'_>,
        globals: &Globals,
        types: &mut Types,
    ) -> Result<Self> {
        let parsed = &linked.component.modules[module];
        let new_function = |index| functions.index(linked.resolve(module, Space::Function, index)?);
        let new_global = |index| {
            let global = linked.resolve(module, Space::Global, index)?;
            globals.map.get(&global).copied().with_context(|| format!("{global:?} belongs to no fused module"))
        };
        Ok(Self {
            types: parsed.types.iter().map(|ty| types.index(ty)).collect::<Result<_>>()?,
            functions: (0..parsed.len(Space::Function)).map(new_function).collect::<Result<_>>()?,
            globals: (0..parsed.len(Space::Global)).map(new_global).collect::<Result<_>>()?,
        })
    }
}

type Renumbered<T> = Result<T, reencode::Error<anyhow::Error>>;

fn new_index<T: Copy>(map: &[T], index: u32, what: &str) -> Renumbered<T> {
    let found = map.get(index as usize).copied();
    found.ok_or_else(|| reencode::Error::UserError(anyhow!("there is no {what} {index}")))
}

impl Reencode for Renumber {
    type Error = anyhow::Error;

    fn type_index(&mut self, index: u32) -> Renumbered<u32> {
        new_index(&self.types, index, "type")
    }

    fn function_index(&mut self, index: u32) -> Renumbered<u32> {
        new_index(&self.functions, index, "function")
    }

    fn table_index(&mut self, _: u32) -> Renumbered<u32> {
        Ok(0)
    }

    fn global_index(&mut self, index: u32) -> Renumbered<u32> {
        match new_index(&self.globals, index, "global")? {
            Global::Variable(index) => Ok(index),
            Global::Constant(_) => Err(reencode::Error::UserError(anyhow!("global {index} is constant, and written"))),
        }
    }

    fn instruction<'a>(&mut self, operator: Operator<'a>) -> Renumbered<Instruction<'a>> {
        require_known(&operator).map_err(reencode::Error::UserError)?;
        if let Operator::GlobalGet { global_index } = operator
            && let Global::Constant(value) = new_index(&self.globals, global_index, "global")?
        {
            return Ok(value.instruction());
        }
        reencode::utils::instruction(self, operator)
    }
}

/// Refuses what would see that segments have moved or that the table has grown.
fn require_known(operator: &Operator<'_>) -> Result<()> {
    match operator {
        Operator::MemoryInit { .. } | Operator::DataDrop { .. } => bail!("code uses a data segment: {operator:?}"),
        Operator::TableInit { .. } | Operator::ElemDrop { .. } => bail!("code uses an element segment: {operator:?}"),
        Operator::TableGrow { .. } | Operator::TableSize { .. } => bail!("code uses the table's size: {operator:?}"),
        _ => Ok(()),
    }
}

fn describe(error: reencode::Error<anyhow::Error>) -> anyhow::Error {
    match error {
        reencode::Error::UserError(error) => error,
        other => anyhow!("{other}"),
    }
}
