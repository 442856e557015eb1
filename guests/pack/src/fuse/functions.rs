//! Gives every function of the fused module its index.
//!
//! First come the imports: canonical functions that need no memory. Then a *relay* for each of those that do: they can be
//! made only when the fused instance, whose memory they need, exists, so the relay calls through a slot that the new
//! fix-up fills. Then the functions of all modules, in the order of their instances.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context as _, Result};
use wasm_encoder::Instruction;
use wasmparser::{CanonicalFunction, CanonicalOption, FuncType};

use super::module::Space;
use super::parse::options;
use super::resolve::{Definition, Linked};

/// A canonical function that the fused module calls.
pub(super) struct Host<'c> {
    /// Index into [`Component::canonicals`](super::parse::Component::canonicals).
    pub(super) canonical: usize,
    /// As core code sees it.
    pub(super) ty: &'c FuncType,
}

pub(super) struct Functions<'c> {
    /// Imported by the fused module.
    pub(super) imported: Vec<Host<'c>>,
    /// Called through the slots after those of the main table.
    pub(super) relayed: Vec<Host<'c>>,
    map: HashMap<Definition, u32>,
}

impl<'c> Functions<'c> {
    pub(super) fn new(linked: &Linked<'c, '_>) -> Result<Self> {
        let (relayed, imported): (Vec<_>, Vec<_>) =
            called(linked)?.into_iter().partition(|host| needs_memory(&linked.component.canonicals[host.canonical]));
        let hosts = imported.iter().chain(&relayed).map(|host| Definition::Canonical(host.canonical));
        let own = linked.merged().flat_map(|module| {
            let parsed = &linked.component.modules[module];
            let indices = parsed.first_own(Space::Function)..parsed.len(Space::Function);
            indices.map(move |index| Definition::Own { module, index })
        });
        let map = hosts.chain(own).zip(0..).collect();
        Ok(Self { imported, relayed, map })
    }

    pub(super) fn index(&self, function: Definition) -> Result<u32> {
        self.map.get(&function).copied().with_context(|| format!("{function:?} is not in the fused module"))
    }
}

/// The canonical functions that some module imports, with their types there.
fn called<'c>(linked: &Linked<'c, '_>) -> Result<Vec<Host<'c>>> {
    let mut called = BTreeMap::new();
    for module in linked.order.iter().copied() {
        let parsed = &linked.component.modules[module];
        for index in 0..parsed.first_own(Space::Function) {
            if let Definition::Canonical(canonical) = linked.resolve(module, Space::Function, index)? {
                called.insert(canonical, parsed.function_type_of(index)?);
            }
        }
    }
    Ok(called.into_iter().map(|(canonical, ty)| Host { canonical, ty }).collect())
}

fn needs_memory(canonical: &CanonicalFunction) -> bool {
    let needs = |option: &CanonicalOption| matches!(option, CanonicalOption::Memory(_) | CanonicalOption::Realloc(_));
    options(canonical).iter().any(needs)
}

/// Hands the parameters on to what `slot` of the table holds.
pub(super) fn relay(ty: &FuncType, type_index: u32, slot: u32) -> wasm_encoder::Function {
    let mut function = wasm_encoder::Function::new([]);
    for (parameter, _) in (0..).zip(ty.params()) {
        function.instruction(&Instruction::LocalGet(parameter));
    }
    function.instruction(&Instruction::I32Const(slot.cast_signed()));
    function.instruction(&Instruction::CallIndirect { type_index, table_index: 0 });
    function.instruction(&Instruction::End);
    function
}
