//! Writes the component around the fused module.
//!
//! Everything at component level keeps its order, and with it its index. All that is core stands in one place, before the
//! first function that is lifted: canonical functions without memory, the fused instance that imports them, those that
//! need its memory, and a fix-up that puts these into the slots that the relays call.

use std::collections::{BTreeSet, HashMap};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use wasm_encoder::reencode::{self, Reencode, ReencodeComponent, RoundtripReencoder};
use wasm_encoder::{
    Alias, CanonicalFunctionSection, Component, ComponentAliasSection, ConstExpr, ElementSection, Elements, EntityType,
    ExportKind, ImportSection, InstanceSection, Module, ModuleArg, RawSection,
};
use wasmparser::{CanonicalFunction, CanonicalOption};

use super::functions::{Functions, Host};
use super::merge::{HOST, MEMORY, TABLE, Types, export_name, import_name};
use super::module::Space;
use super::parse::{self, Part};
use super::resolve::{Definition, Linked};
use super::storage::Storage;

/// Core functions that the component level names, by their index there, and the functions of the fused module they are.
pub(super) struct Named(HashMap<u32, u32>);

impl Named {
    pub(super) fn new(linked: &Linked<'_, '_>, functions: &Functions<'_>) -> Result<Self> {
        let component = linked.component;
        let relayed = functions.relayed.iter().map(|host| &component.canonicals[host.canonical]);
        let mut named = HashMap::new();
        for canonical in relayed.chain(component.lifts()) {
            for index in named_by(canonical) {
                let function = linked.core(Space::Function, index)?;
                ensure!(matches!(function, Definition::Own { .. }), "{canonical:?} names a function of the host");
                named.insert(index, functions.index(function)?);
            }
        }
        Ok(Self(named))
    }

    /// The functions of the fused module.
    pub(super) fn exported(&self) -> BTreeSet<u32> {
        self.0.values().copied().collect()
    }
}

/// The core functions that a canonical function names.
fn named_by(canonical: &CanonicalFunction) -> Vec<u32> {
    let lifted = match canonical {
        CanonicalFunction::Lift { core_func_index, .. } => Some(*core_func_index),
        _ => None,
    };
    let optional = parse::options(canonical).iter().filter_map(|option| match option {
        CanonicalOption::Realloc(function) | CanonicalOption::PostReturn(function) => Some(*function),
        _ => None,
    });
    lifted.into_iter().chain(optional).collect()
}

/// The component with `fused` in place of all its modules.
pub(super) fn wrap(
    linked: &Linked<'_, '_>,
    functions: &Functions<'_>,
    storage: &Storage,
    named: &Named,
    fused: &[u8],
) -> Result<Vec<u8>> {
    let mut output = Component::new();
    let mut core = None;
    for part in &linked.component.parts {
        match part {
            Part::Section { id, bytes } => {
                output.section(&RawSection { id: *id, data: bytes });
            }
            Part::Alias(alias) => {
                let mut section = ComponentAliasSection::new();
                section.alias(RoundtripReencoder.component_alias(alias.clone()).map_err(|error| anyhow!("{error}"))?);
                output.section(&section);
            }
            Part::Lift(lift) => {
                if core.is_none() {
                    core = Some(Core::write(linked, functions, storage, named, fused, &mut output)?);
                }
                let renumber = core.as_mut().context("the core level was not written")?;
                renumber.canonical(lift.clone(), &mut output)?;
            }
        }
    }
    if core.is_none() {
        bail!("the component lifts no function, so nothing can be called");
    }
    Ok(output.finish())
}

const MODULE_SECTION: u8 = 1;

/// Indices at the new core level.
struct Core {
    /// Core functions by their index in the old component.
    functions: HashMap<u32, u32>,
}

impl Core {
    fn write(
        linked: &Linked<'_, '_>,
        functions: &Functions<'_>,
        storage: &Storage,
        named: &Named,
        fused: &[u8],
        output: &mut Component,
    ) -> Result<Self> {
        let canonicals = &linked.component.canonicals;
        let mut core = Self { functions: HashMap::new() };
        for host in &functions.imported {
            core.canonical(canonicals[host.canonical].clone(), output)?;
        }
        output.section(&RawSection { id: MODULE_SECTION, data: fused });
        let mut instances = InstanceSection::new();
        instances.export_items(handed_over(&functions.imported, 0));
        instances.instantiate(0, [(HOST, ModuleArg::Instance(0))]);
        output.section(&instances);

        let exported = named.exported();
        let first_alias = u32::try_from(functions.imported.len())?;
        let aliased: HashMap<u32, u32> = exported.iter().copied().zip(first_alias..).collect();
        core.functions = named.0.iter().map(|(old, function)| (*old, aliased[function])).collect();
        output.section(&aliases(&exported));

        for host in &functions.relayed {
            core.canonical(canonicals[host.canonical].clone(), output)?;
        }
        if !functions.relayed.is_empty() {
            let fix_up = fix_up(&functions.relayed, storage)?;
            output.section(&RawSection { id: MODULE_SECTION, data: &fix_up });
            let mut instances = InstanceSection::new();
            let mut items = handed_over(&functions.relayed, first_alias + u32::try_from(exported.len())?);
            items.push((TABLE.to_owned(), ExportKind::Table, 0));
            instances.export_items(items);
            instances.instantiate(1, [(HOST, ModuleArg::Instance(2))]);
            output.section(&instances);
        }
        Ok(core)
    }

    fn canonical(&mut self, canonical: CanonicalFunction, output: &mut Component) -> Result<()> {
        let mut section = CanonicalFunctionSection::new();
        self.parse_component_canonical(&mut section, canonical).map_err(|error| anyhow!("{error}"))?;
        output.section(&section);
        Ok(())
    }
}

impl Reencode for Core {
    type Error = anyhow::Error;

    fn function_index(&mut self, index: u32) -> Result<u32, reencode::Error<anyhow::Error>> {
        let new = self.functions.get(&index).copied();
        new.ok_or_else(|| reencode::Error::UserError(anyhow!("core function {index} is not exported")))
    }

    fn memory_index(&mut self, _: u32) -> Result<u32, reencode::Error<anyhow::Error>> {
        Ok(0)
    }
}

impl ReencodeComponent for Core {}

/// Canonical functions under their names, beginning with the core function `first`.
fn handed_over(hosts: &[Host<'_>], first: u32) -> Vec<(String, ExportKind, u32)> {
    let named = hosts.iter().map(|host| import_name(host.canonical)).zip(first..);
    named.map(|(name, function)| (name, ExportKind::Func, function)).collect()
}

/// What the component level needs of the fused instance.
fn aliases(exported: &BTreeSet<u32>) -> ComponentAliasSection {
    const FUSED: u32 = 1;
    let mut section = ComponentAliasSection::new();
    section.alias(Alias::CoreInstanceExport { instance: FUSED, kind: ExportKind::Memory, name: MEMORY });
    section.alias(Alias::CoreInstanceExport { instance: FUSED, kind: ExportKind::Table, name: TABLE });
    for function in exported {
        let name = export_name(*function);
        section.alias(Alias::CoreInstanceExport { instance: FUSED, kind: ExportKind::Func, name: &name });
    }
    section
}

/// A module without code that fills the relays' slots.
fn fix_up(relayed: &[Host<'_>], storage: &Storage) -> Result<Vec<u8>> {
    let mut types = Types::default();
    let mut imports = ImportSection::new();
    for host in relayed {
        imports.import(HOST, &import_name(host.canonical), EntityType::Function(types.index(host.ty)?));
    }
    imports.import(HOST, TABLE, EntityType::Table(storage.table_type(relayed.len())));
    let mut elements = ElementSection::new();
    let functions: Vec<u32> = (0..).zip(relayed).map(|(index, _)| index).collect();
    let first = ConstExpr::i32_const(storage.first_slot()?.cast_signed());
    elements.active(None, &first, Elements::Functions(functions.into()));
    let mut module = Module::new();
    module.section(&types.section).section(&imports).section(&elements);
    Ok(module.finish())
}
