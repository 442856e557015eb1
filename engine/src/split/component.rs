//! The component level: which modules there are, how often each is instantiated, and the sections that are added.

use std::ops::Range;

use wasm_encoder::{
    Alias, CanonicalFunctionSection, ComponentAliasSection, ComponentExportKind, ComponentExportSection,
    ComponentSection, ComponentTypeSection, ComponentValType, Encode, ExportKind, PrimitiveValType,
};
use wasmparser::{
    CanonicalFunction, ComponentAlias, ComponentExternalKind, ComponentOuterAliasKind, ComponentTypeRef, Instance,
    Parser, Payload, SectionLimited, Validator, WasmFeatures,
};

use super::module::{GET, Module, SET};
use super::{Memory, Shape, Split, get_global, set_global, trim};
use crate::{Error, Result};

/// Memories that begin larger than this keep their segments.
pub(super) const IMAGE_BYTES_MAX: u64 = 1 << 30;

const CORE_MODULE: u8 = 1;
const NESTED_COMPONENT: u8 = 4;

pub(super) fn split(bytes: &[u8]) -> Result<Split> {
    if !Parser::is_component(bytes) {
        return Err(Error::InvalidComponent("it is not a component".into()));
    }
    let counts = validate(bytes)?;
    let component = Component::parse(bytes)?;
    let owner = component.memory_owner();
    let memory = owner.and_then(|module| component.modules[module].initial_memory());
    let image = memory.as_deref().and_then(trim);
    let with_globals: Vec<usize> = component.once().filter(|m| component.modules[*m].mutable_globals() > 0).collect();
    let mut unstorable = component.unstorable();
    if component.has_memory() && image.is_none() {
        unstorable.push("what its memory begins with is known only when it is instantiated".into());
    }
    let reachable = unstorable.is_empty();
    let with_globals = if reachable { with_globals } else { Vec::new() };
    let shape = Shape {
        memory: image.and(memory.as_ref()).map(|memory| Memory { bytes: memory.len() as u64 }),
        globals: with_globals.iter().map(|module| component.modules[*module].mutable_globals() as u32).collect(),
        unstorable,
    };
    let output = component.write(owner.filter(|_| shape.memory.is_some()), &with_globals, counts);
    validate(&output)?;
    Ok(Split { component: output, shape, pages: image.unwrap_or_default().to_vec() })
}

/// How many items the index spaces of a component have that are added to.
#[derive(Clone, Copy)]
struct Counts {
    core_functions: u32,
    types: u32,
    functions: u32,
}

fn validate(bytes: &[u8]) -> wasmparser::Result<Counts> {
    let types = Validator::new_with_features(WasmFeatures::default()).validate_all(bytes)?;
    let types = types.as_ref();
    Ok(Counts {
        core_functions: types.function_count(),
        types: types.component_type_count(),
        functions: types.component_function_count(),
    })
}

#[derive(Default)]
struct Component<'a> {
    bytes: &'a [u8],
    /// Sections in the order of the file; for modules and nested components with the number of the former.
    sections: Vec<Section>,
    modules: Vec<Module<'a>>,
    /// Core instances; the module of those that are made of one.
    instances: Vec<Option<u32>>,
    nested_modules: bool,
    /// Modules have other numbers, or other instances, than the top level's own sections tell.
    shares_modules: bool,
    has_start: bool,
    /// Canonical functions other than calls in either direction and drops of handles.
    has_own_resources: bool,
    takes_our_names: bool,
}

enum Section {
    Module(usize),
    Other { id: u8, range: Range<usize> },
}

impl<'a> Component<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut component = Self { bytes, ..Self::default() };
        let mut depth = 0_u32;
        for payload in Parser::new(0).parse_all(bytes) {
            let payload = payload?;
            match &payload {
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => {
                    component.nested_modules |= depth > 0 && matches!(payload, Payload::ModuleSection { .. });
                    if depth == 0 {
                        component.add(&payload)?;
                    }
                    depth += 1;
                }
                Payload::End(_) => depth = depth.saturating_sub(1),
                _ if depth == 0 => component.add(&payload)?,
                // Nested components reach modules outside of them by aliases and by arguments.
                Payload::InstanceSection(section) => component.shares_modules |= instantiates(section)?,
                _ => {}
            }
        }
        Ok(component)
    }

    fn add(&mut self, payload: &Payload<'a>) -> Result<()> {
        match payload {
            Payload::ModuleSection { unchecked_range, .. } => {
                self.sections.push(Section::Module(self.modules.len()));
                self.modules.push(Module::parse(self.part(unchecked_range)?)?);
                return Ok(());
            }
            Payload::ComponentSection { unchecked_range, .. } => {
                self.part(unchecked_range)?;
                self.sections.push(Section::Other { id: NESTED_COMPONENT, range: unchecked_range.clone() });
                return Ok(());
            }
            Payload::InstanceSection(section) => {
                for instance in section.clone() {
                    self.instances.push(match instance? {
                        Instance::Instantiate { module_index, .. } => Some(module_index),
                        Instance::FromExports(_) => None,
                    });
                }
            }
            Payload::ComponentCanonicalSection(section) => {
                for function in section.clone() {
                    self.has_own_resources |= !matches!(
                        function?,
                        CanonicalFunction::Lift { .. }
                            | CanonicalFunction::Lower { .. }
                            | CanonicalFunction::ResourceDrop { .. }
                    );
                }
            }
            Payload::ComponentImportSection(section) => {
                for import in section.clone() {
                    self.shares_modules |= matches!(import?.ty, ComponentTypeRef::Module(_));
                }
            }
            Payload::ComponentAliasSection(section) => {
                for alias in section.clone() {
                    self.shares_modules |= is_module(&alias?);
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section.clone() {
                    let export = export?;
                    // Names that differ only in case are the same.
                    self.takes_our_names |= export.name.name.to_ascii_lowercase().starts_with("hks-");
                    // What is exported gets one more number.
                    self.shares_modules |= export.kind == ComponentExternalKind::Module;
                }
            }
            Payload::ComponentStartSection { .. } => self.has_start = true,
            _ => {}
        }
        if let Some((id, range)) = payload.as_section() {
            self.sections.push(Section::Other { id, range });
        }
        Ok(())
    }

    /// A nested part, which may say that it is longer than the file.
    fn part(&self, range: &Range<usize>) -> Result<&'a [u8]> {
        let too_long = || Error::InvalidComponent("a nested part ends beyond the component".into());
        self.bytes.get(range.clone()).ok_or_else(too_long)
    }

    fn instantiations(&self, module: usize) -> usize {
        self.instances.iter().filter(|instance| **instance == u32::try_from(module).ok()).count()
    }

    /// Modules that are instantiated exactly once.
    fn once(&self) -> impl Iterator<Item = usize> {
        (0..self.modules.len()).filter(|module| self.instantiations(*module) == 1)
    }

    fn has_memory(&self) -> bool {
        self.modules.iter().any(|module| !module.memories.is_empty())
    }

    /// The module that has the one memory of the component, if there is exactly one.
    fn memory_owner(&self) -> Option<usize> {
        let mut owners = (0..self.modules.len()).filter(|module| !self.modules[*module].memories.is_empty());
        let owner = owners.next()?;
        let only = owners.next().is_none() && self.modules[owner].memories.len() == 1;
        let is_known = !self.nested_modules && !self.shares_modules;
        (only && is_known && !self.modules[owner].imports_memory && self.instantiations(owner) == 1).then_some(owner)
    }

    /// Why its running instances cannot be stored.
    fn unstorable(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        let mut add = |holds: bool, reason: &str| holds.then(|| reasons.push(reason.to_owned()));
        let any = |test: fn(&Module) -> bool| self.modules.iter().any(test);
        add(self.nested_modules, "it has modules in nested components");
        add(self.shares_modules, "it shares modules with other components");
        add(!self.has_memory(), "it has no memory");
        add(self.has_start || any(|module| module.has_start), "it runs code when it is instantiated");
        add(any(|module| module.has_other_state), "its code changes tables or drops segments");
        add(self.has_own_resources, "it has resources of its own, or calls asynchronously");
        add(self.takes_our_names, "it exports names that begin with hks-");
        let often = |m: usize| self.instantiations(m) > 1 && self.modules[m].mutable_globals() > 0;
        add((0..self.modules.len()).any(often), "a module with globals is instantiated more than once");
        for reason in self.modules.iter().filter_map(Module::unreachable_globals) {
            add(true, reason);
        }
        reasons
    }

    /// The component again, with the accessors of `with_globals` exported, and without the data of `without_data`.
    fn write(&self, without_data: Option<usize>, with_globals: &[usize], counts: Counts) -> Vec<u8> {
        let mut output = self.bytes[..8].to_vec();
        for section in &self.sections {
            let (id, content) = match section {
                Section::Module(number) => {
                    let (data, globals) = (without_data == Some(*number), with_globals.contains(number));
                    (CORE_MODULE, self.modules[*number].rewrite(data, globals))
                }
                Section::Other { id, range } => (*id, self.bytes[range.clone()].to_vec()),
            };
            output.push(id);
            content.encode(&mut output);
        }
        if !with_globals.is_empty() {
            self.export_accessors(&mut output, with_globals, counts);
        }
        output
    }

    fn export_accessors(&self, output: &mut Vec<u8>, with_globals: &[usize], counts: Counts) {
        const U32: ComponentValType = ComponentValType::Primitive(PrimitiveValType::U32);
        const U64: ComponentValType = ComponentValType::Primitive(PrimitiveValType::U64);
        let mut aliases = ComponentAliasSection::new();
        let mut types = ComponentTypeSection::new();
        let mut lifts = CanonicalFunctionSection::new();
        let mut exports = ComponentExportSection::new();
        types.function().params([("index", U32)]).result(Some(U64));
        types.function().params([("index", U32), ("bits", U64)]).result(None);
        let mut added = 0;
        for (k, module) in with_globals.iter().enumerate() {
            let of_module = |instance: &Option<u32>| *instance == u32::try_from(*module).ok();
            let instance = self.instances.iter().position(of_module).expect("it is instantiated once") as u32;
            for (ty, core_name, name) in [(0, GET, get_global(k)), (1, SET, set_global(k))] {
                aliases.alias(Alias::CoreInstanceExport { instance, kind: ExportKind::Func, name: core_name });
                lifts.lift(counts.core_functions + added, counts.types + ty, []);
                // An export is itself one more function of the index space.
                exports.export(name.as_str(), ComponentExportKind::Func, counts.functions + added, None);
                added += 1;
            }
        }
        append(output, &aliases);
        append(output, &types);
        append(output, &lifts);
        append(output, &exports);
    }
}

fn instantiates(section: &SectionLimited<Instance>) -> wasmparser::Result<bool> {
    for instance in section.clone() {
        if matches!(instance?, Instance::Instantiate { .. }) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn is_module(alias: &ComponentAlias) -> bool {
    matches!(
        alias,
        ComponentAlias::InstanceExport { kind: ComponentExternalKind::Module, .. }
            | ComponentAlias::Outer { kind: ComponentOuterAliasKind::CoreModule, .. }
    )
}

fn append(output: &mut Vec<u8>, section: &impl ComponentSection) {
    output.push(section.id());
    section.encode(output);
}
