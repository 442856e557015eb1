//! The one table and the one memory, and what they hold at the start.
//!
//! Functions are known to the snapshot by their place in the table, and everything else by its address: both stay exactly
//! as they are. The relays' slots follow after the last place of the table.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail, ensure};
use wasm_encoder::{ConstExpr, DataSection, ElementSection, Elements};
use wasmparser::{
    CanonicalOption, ConstExpr as Expression, DataKind, Element, ElementItems, ElementKind, MemoryType, Operator,
    TableType,
};

use super::functions::Functions;
use super::globals::Globals;
use super::module::Space;
use super::parse;
use super::resolve::{Definition, Linked};

const PAGE_BYTES: u64 = 65_536;

/// More than CPython's by a factor of 600, and few enough to count further in 32 bits. WebAssembly's JavaScript interface
/// has the same limit.
const PLACES_MAX: u64 = 10_000_000;

pub(super) struct Storage {
    pub(super) table: TableType,
    pub(super) memory: MemoryType,
    table_definition: Definition,
}

impl Storage {
    /// Finds the table and the memory that all modules share.
    pub(super) fn new(linked: &Linked<'_, '_>) -> Result<Self> {
        let modules = &linked.component.modules;
        let (mut tables, mut memories) = (Vec::new(), Vec::new());
        for &module in &linked.order {
            tables.extend(modules[module].tables.iter().map(|table| (module, *table)));
            memories.extend(modules[module].memories.iter().map(|memory| (module, *memory)));
        }
        let ([(table_owner, table)], [(memory_owner, memory)]) = (&tables[..], &memories[..]) else {
            bail!("{} tables and {} memories, where one of each is known", tables.len(), memories.len());
        };
        ensure!(!table.table64 && !table.shared && table.element_type == wasmparser::RefType::FUNCREF, "{table:?}");
        ensure!(!memory.memory64 && !memory.shared && memory.page_size_log2.is_none(), "{memory:?}");
        ensure!(table.initial <= PLACES_MAX, "the table has {} places, more than {PLACES_MAX}", table.initial);
        let first_own = |module: usize, space| Definition::Own { module, index: modules[module].first_own(space) };
        let table_definition = first_own(*table_owner, Space::Table);
        require_shared(linked, Space::Table, table_definition)?;
        require_shared(linked, Space::Memory, first_own(*memory_owner, Space::Memory))?;
        require_memory_of_canonicals(linked, first_own(*memory_owner, Space::Memory))?;
        Ok(Self { table: *table, memory: *memory, table_definition })
    }

    /// The first slot after the table as the snapshot knows it.
    pub(super) fn first_slot(&self) -> Result<u32> {
        u32::try_from(self.table.initial).context("the table has more places than 32 bits can count")
    }

    /// The type of the table with `slots` more places.
    pub(super) fn table_type(&self, slots: usize) -> wasm_encoder::TableType {
        wasm_encoder::TableType {
            element_type: wasm_encoder::RefType::FUNCREF,
            table64: false,
            minimum: self.table.initial + slots as u64,
            maximum: self.table.maximum.map(|maximum| maximum + slots as u64),
            shared: false,
        }
    }

    pub(super) fn memory_type(&self) -> wasm_encoder::MemoryType {
        wasm_encoder::MemoryType {
            minimum: self.memory.initial,
            maximum: self.memory.maximum,
            memory64: false,
            shared: false,
            page_size_log2: None,
        }
    }

    /// What the table holds once every instance is made, as few segments as possible.
    pub(super) fn elements(
        &self,
        linked: &Linked<'_, '_>,
        functions: &Functions<'_>,
        globals: &Globals,
    ) -> Result<ElementSection> {
        let mut places = BTreeMap::new();
        for &module in &linked.order {
            for element in &linked.component.modules[module].elements {
                self.place(linked, globals, module, element, &mut places)
                    .with_context(|| format!("an element segment of core module {module} cannot be fused"))?;
            }
        }
        let mut section = ElementSection::new();
        let mut run: Vec<u32> = Vec::new();
        let mut places = places.into_iter().peekable();
        while let Some((place, function)) = places.next() {
            run.push(functions.index(function)?);
            if places.peek().is_none_or(|(next, _)| *next != place + 1) {
                let first = place + 1 - u32::try_from(run.len())?;
                let items = Elements::Functions(std::mem::take(&mut run).into());
                section.active(None, &ConstExpr::i32_const(first.cast_signed()), items);
            }
        }
        Ok(section)
    }

    /// Puts the functions of a segment into their places.
    fn place(
        &self,
        linked: &Linked<'_, '_>,
        globals: &Globals,
        module: usize,
        element: &Element<'_>,
        places: &mut BTreeMap<u32, Definition>,
    ) -> Result<()> {
        let (table_index, offset_expr) = match &element.kind {
            ElementKind::Active { table_index, offset_expr } => (table_index.unwrap_or(0), offset_expr),
            ElementKind::Declared => bail!("it is only declared"),
            ElementKind::Passive => bail!("it is passive"),
        };
        let table = linked.resolve(module, Space::Table, table_index)?;
        ensure!(table == self.table_definition, "it fills {table:?}");
        let items = functions_of(&element.items)?;
        let first = globals.offset(linked, module, offset_expr)?;
        let end = u64::from(first) + items.len() as u64;
        ensure!(end <= self.table.initial, "it ends at {end}, behind the table's {} places", self.table.initial);
        for (function, place) in items.into_iter().zip(first..) {
            match function {
                Some(function) => places.insert(place, linked.resolve(module, Space::Function, function)?),
                None => places.remove(&place),
            };
        }
        Ok(())
    }

    /// All data segments, in the order of the instances, so that those which overlap overwrite each other as before.
    pub(super) fn data(&self, linked: &Linked<'_, '_>, globals: &Globals) -> Result<DataSection> {
        let mut section = DataSection::new();
        for &module in &linked.order {
            for data in &linked.component.modules[module].data {
                let DataKind::Active { offset_expr, .. } = &data.kind else {
                    bail!("a data segment of core module {module} is passive");
                };
                let first = globals.offset(linked, module, offset_expr)?;
                let end = u64::from(first) + data.data.len() as u64;
                ensure!(end <= self.memory.initial * PAGE_BYTES, "a data segment ends behind the memory, at {end}");
                section.active(0, &ConstExpr::i32_const(first.cast_signed()), data.data.iter().copied());
            }
        }
        Ok(section)
    }
}

/// Code names its tables and memories by indices, which all become 0.
fn require_shared(linked: &Linked<'_, '_>, space: Space, shared: Definition) -> Result<()> {
    for &module in &linked.order {
        let count = linked.component.modules[module].len(space);
        ensure!(space != Space::Memory || count <= 1, "core module {module} has several memories");
        for index in 0..count {
            let used = linked.resolve(module, space, index)?;
            ensure!(used == shared, "core module {module} uses a {space:?} that is not the shared one");
        }
    }
    Ok(())
}

/// So do the memories of canonical functions.
fn require_memory_of_canonicals(linked: &Linked<'_, '_>, shared: Definition) -> Result<()> {
    for canonical in linked.component.canonicals.iter().chain(linked.component.lifts()) {
        for option in parse::options(canonical) {
            if let CanonicalOption::Memory(memory) = option {
                let used = linked.core(Space::Memory, *memory)?;
                ensure!(used == shared, "a canonical function uses a memory that is not the shared one: {canonical:?}");
            }
        }
    }
    Ok(())
}

/// The functions of a segment; null references are `None`.
fn functions_of(items: &ElementItems<'_>) -> Result<Vec<Option<u32>>> {
    match items {
        ElementItems::Functions(functions) => {
            functions.clone().into_iter().map(|function| Ok(Some(function?))).collect()
        }
        ElementItems::Expressions(_, expressions) => {
            expressions.clone().into_iter().map(|expression| reference(&expression?)).collect()
        }
    }
}

fn reference(expression: &Expression<'_>) -> Result<Option<u32>> {
    match expression.get_operators_reader().read()? {
        Operator::RefFunc { function_index } => Ok(Some(function_index)),
        Operator::RefNull { .. } => Ok(None),
        other => bail!("an element is {other:?}"),
    }
}
