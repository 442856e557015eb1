//! A component as the fusion needs it: what its core level is made of, in lists, and the rest in the order of the file.
//!
//! Component-level sections are kept as they are, because nothing in them names a core item, except for aliases and
//! canonical functions, which come one by one. What could name a core item in another way is refused.

use std::ops::Range;

use anyhow::{Context as _, Result, bail, ensure};
use wasmparser::{
    CanonicalFunction, CanonicalOption, ComponentAlias, ComponentExternalKind, ComponentInstance,
    ComponentOuterAliasKind, ComponentType, ComponentTypeRef, Instance, Parser, Payload,
};

use super::module::{Module, PerSpace, Space};

/// An item of one of the component's core index spaces.
#[derive(Debug, Clone, Copy)]
pub(super) enum CoreItem<'a> {
    /// Index into [`Component::canonicals`].
    Canonical(usize),
    Export {
        instance: u32,
        name: &'a str,
    },
}

/// A part of the component level.
pub(super) enum Part<'a> {
    Section { id: u8, bytes: &'a [u8] },
    Alias(ComponentAlias<'a>),
    Lift(CanonicalFunction),
}

#[derive(Default)]
pub(super) struct Component<'a> {
    pub(super) modules: Vec<Module<'a>>,
    /// The core instances.
    pub(super) instances: Vec<Instance<'a>>,
    /// The core index spaces.
    pub(super) core: PerSpace<Vec<CoreItem<'a>>>,
    /// Canonical functions that make core functions: all but lifts.
    pub(super) canonicals: Vec<CanonicalFunction>,
    pub(super) parts: Vec<Part<'a>>,
}

impl<'a> Component<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut component = Self::default();
        // payloads of nested modules and components follow those that announce them, and are skipped here
        let mut depth = 0;
        for payload in Parser::new(0).parse_all(bytes) {
            let payload = payload?;
            let nested = depth > 0;
            match &payload {
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
                Payload::End(_) if nested => depth -= 1,
                _ => {}
            }
            if !nested {
                component.add(bytes, payload)?;
            }
        }
        Ok(component)
    }

    fn add(&mut self, bytes: &'a [u8], payload: Payload<'a>) -> Result<()> {
        match &payload {
            Payload::ModuleSection { unchecked_range, .. } => {
                let number = self.modules.len();
                let module = Module::parse(part(bytes, unchecked_range)?);
                self.modules.push(module.with_context(|| format!("core module {number} cannot be fused"))?);
                return Ok(());
            }
            Payload::ComponentSection { unchecked_range, .. } => {
                let nested = part(bytes, unchecked_range)?;
                require_plain(nested).context("a nested component is of an unknown shape")?;
                self.parts.push(Part::Section { id: NESTED_COMPONENT, bytes: nested });
                return Ok(());
            }
            Payload::InstanceSection(section) => {
                for instance in section.clone() {
                    self.instances.push(instance?);
                }
                return Ok(());
            }
            Payload::ComponentAliasSection(section) => {
                return section.clone().into_iter().try_for_each(|alias| self.add_alias(alias?));
            }
            Payload::ComponentCanonicalSection(section) => {
                return section.clone().into_iter().try_for_each(|canonical| self.add_canonical(canonical?));
            }
            // names and producers: of no use to the host
            Payload::Version { .. } | Payload::End(_) | Payload::CustomSection(_) => return Ok(()),
            other => require_no_core_items(other)?,
        }
        let (id, range) = payload.as_section().with_context(|| format!("unknown section {payload:?}"))?;
        self.parts.push(Part::Section { id, bytes: part(bytes, &range)? });
        Ok(())
    }

    pub(super) fn lifts(&self) -> impl Iterator<Item = &CanonicalFunction> {
        self.parts.iter().filter_map(|part| match part {
            Part::Lift(lift) => Some(lift),
            _ => None,
        })
    }

    fn add_alias(&mut self, alias: ComponentAlias<'a>) -> Result<()> {
        match alias {
            ComponentAlias::CoreInstanceExport { kind, instance_index: instance, name } => {
                self.core[kind.try_into()?].push(CoreItem::Export { instance, name });
            }
            ComponentAlias::InstanceExport { kind: ComponentExternalKind::Module, name, .. } => {
                bail!("`{name}` is a core module of a component instance");
            }
            ComponentAlias::Outer { .. } => bail!("an alias of something outside of the component"),
            other @ ComponentAlias::InstanceExport { .. } => self.parts.push(Part::Alias(other)),
        }
        Ok(())
    }

    fn add_canonical(&mut self, canonical: CanonicalFunction) -> Result<()> {
        let options = options(&canonical);
        for option in options {
            use CanonicalOption::{CompactUTF16, Memory, PostReturn, Realloc, UTF8, UTF16};
            ensure!(
                matches!(option, UTF8 | UTF16 | CompactUTF16 | Memory(_) | Realloc(_) | PostReturn(_)),
                "a canonical function with the option {option:?}"
            );
        }
        match canonical {
            CanonicalFunction::Lift { .. } => self.parts.push(Part::Lift(canonical)),
            CanonicalFunction::Lower { .. }
            | CanonicalFunction::ResourceDrop { .. }
            | CanonicalFunction::ResourceNew { .. }
            | CanonicalFunction::ResourceRep { .. } => {
                let lifts = self.parts.iter().any(|part| matches!(part, Part::Lift(_)));
                ensure!(!lifts, "a canonical function after the first that is lifted: {canonical:?}");
                self.core[Space::Function].push(CoreItem::Canonical(self.canonicals.len()));
                self.canonicals.push(canonical);
            }
            other => bail!("the canonical function {other:?}"),
        }
        Ok(())
    }
}

const NESTED_COMPONENT: u8 = 4;

/// A nested module or component may say that it is longer than the file, and still be valid as far as it goes.
fn part<'a>(bytes: &'a [u8], range: &Range<usize>) -> Result<&'a [u8]> {
    bytes.get(range.clone()).with_context(|| format!("a part ends at {}, behind the end of the file", range.end))
}

/// The options of a function that is lifted or lowered.
pub(super) fn options(canonical: &CanonicalFunction) -> &[CanonicalOption] {
    match canonical {
        CanonicalFunction::Lift { options, .. } | CanonicalFunction::Lower { options, .. } => options,
        _ => &[],
    }
}

/// Sections that are copied may not refer to what is about to be renumbered.
fn require_no_core_items(payload: &Payload<'_>) -> Result<()> {
    match payload {
        Payload::ComponentTypeSection(section) => {
            for ty in section.clone() {
                if matches!(ty?, ComponentType::Resource { .. }) {
                    bail!("the component defines a resource, which may have a destructor");
                }
            }
        }
        Payload::ComponentImportSection(section) => {
            for import in section.clone() {
                ensure!(!matches!(import?.ty, ComponentTypeRef::Module(_)), "the component imports a core module");
            }
        }
        Payload::ComponentExportSection(section) => {
            for export in section.clone() {
                ensure!(export?.kind != ComponentExternalKind::Module, "the component exports a core module");
            }
        }
        Payload::ComponentInstanceSection(section) => {
            for instance in section.clone() {
                let core = match instance? {
                    ComponentInstance::Instantiate { args, .. } => {
                        args.iter().any(|argument| argument.kind == ComponentExternalKind::Module)
                    }
                    ComponentInstance::FromExports(exports) => {
                        exports.iter().any(|export| export.kind == ComponentExternalKind::Module)
                    }
                };
                ensure!(!core, "a component instance is given a core module");
            }
        }
        Payload::CoreTypeSection(_) => bail!("the component has core types"),
        other => bail!("unknown section {other:?}"),
    }
    Ok(())
}

/// A nested component only gives names and types to what it is handed: it has no code and looks at nothing around it.
fn require_plain(nested: &[u8]) -> Result<()> {
    for payload in Parser::new(0).parse_all(nested) {
        match payload? {
            Payload::ComponentAliasSection(section) => {
                for alias in section {
                    match alias? {
                        ComponentAlias::InstanceExport { .. }
                        | ComponentAlias::Outer { kind: ComponentOuterAliasKind::Type, .. } => {}
                        other => bail!("it refers to {other:?}"),
                    }
                }
            }
            Payload::Version { .. } | Payload::CustomSection(_) | Payload::End(_) => {}
            other => require_no_core_items(&other)?,
        }
    }
    Ok(())
}
