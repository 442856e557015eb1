//! A core module as the fusion needs it: its sections in lists, with one index space per kind of item.
//!
//! Whatever could not be fused faithfully is refused here, while the reason is still in sight: code that runs when an
//! instance is made, segments that code applies later, and items of proposals that no guest of ours uses.

use std::collections::HashMap;
use std::ops::{Index, IndexMut};

use anyhow::{Context as _, Result, bail, ensure};
use wasmparser::{
    CompositeInnerType, Data, Element, ExternalKind, FuncType, FunctionBody, Global, MemoryType, Parser, Payload,
    TableType, TypeRef, ValType,
};

/// The index spaces that modules share items of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Space {
    Function,
    Table,
    Memory,
    Global,
}

impl TryFrom<ExternalKind> for Space {
    type Error = anyhow::Error;

    fn try_from(kind: ExternalKind) -> Result<Self> {
        Ok(match kind {
            ExternalKind::Func | ExternalKind::FuncExact => Self::Function,
            ExternalKind::Table => Self::Table,
            ExternalKind::Memory => Self::Memory,
            ExternalKind::Global => Self::Global,
            ExternalKind::Tag => bail!("exception tags cannot be fused"),
        })
    }
}

/// One value for each index space.
#[derive(Debug, Default)]
pub(super) struct PerSpace<T>([T; 4]);

impl<T> Index<Space> for PerSpace<T> {
    type Output = T;

    fn index(&self, space: Space) -> &T {
        &self.0[space as usize]
    }
}

impl<T> IndexMut<Space> for PerSpace<T> {
    fn index_mut(&mut self, space: Space) -> &mut T {
        &mut self.0[space as usize]
    }
}

#[derive(Debug)]
pub(super) struct Import<'a> {
    pub(super) module: &'a str,
    pub(super) name: &'a str,
    ty: TypeRef,
}

/// Imports come first in every index space; the lists of tables, memories and so on hold what the module defines.
#[derive(Default)]
pub(super) struct Module<'a> {
    pub(super) types: Vec<FuncType>,
    pub(super) imports: PerSpace<Vec<Import<'a>>>,
    /// Types of the defined functions.
    functions: Vec<u32>,
    pub(super) tables: Vec<TableType>,
    pub(super) memories: Vec<MemoryType>,
    pub(super) globals: Vec<Global<'a>>,
    pub(super) exports: HashMap<&'a str, (Space, u32)>,
    pub(super) elements: Vec<Element<'a>>,
    pub(super) bodies: Vec<FunctionBody<'a>>,
    pub(super) data: Vec<Data<'a>>,
}

impl<'a> Module<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut module = Self::default();
        for payload in Parser::new(0).parse_all(bytes) {
            module.add(payload?)?;
        }
        ensure!(module.functions.len() == module.bodies.len(), "a function has no body");
        Ok(module)
    }

    fn add(&mut self, payload: Payload<'a>) -> Result<()> {
        match payload {
            Payload::TypeSection(section) => self.add_types(section)?,
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import?;
                    self.imports[space_of(import.ty)?].push(Import {
                        module: import.module,
                        name: import.name,
                        ty: import.ty,
                    });
                }
            }
            Payload::FunctionSection(section) => self.functions = section.into_iter().collect::<Result<_, _>>()?,
            Payload::TableSection(section) => {
                for table in section {
                    let table = table?;
                    ensure!(matches!(table.init, wasmparser::TableInit::RefNull), "a table has an initial value");
                    self.tables.push(table.ty);
                }
            }
            Payload::MemorySection(section) => self.memories = section.into_iter().collect::<Result<_, _>>()?,
            Payload::GlobalSection(section) => self.globals = section.into_iter().collect::<Result<_, _>>()?,
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export?;
                    self.exports.insert(export.name, (export.kind.try_into()?, export.index));
                }
            }
            Payload::ElementSection(section) => self.elements = section.into_iter().collect::<Result<_, _>>()?,
            Payload::DataSection(section) => self.data = section.into_iter().collect::<Result<_, _>>()?,
            Payload::CodeSectionEntry(body) => self.bodies.push(body),
            Payload::TagSection(_) => bail!("exception tags cannot be fused"),
            Payload::StartSection { .. } => bail!("a start function would run before the modules are joined"),
            Payload::Version { .. }
            | Payload::CustomSection(_)
            | Payload::DataCountSection { .. }
            | Payload::CodeSectionStart { .. }
            | Payload::End(_) => {}
            other => bail!("unknown section {other:?}"),
        }
        Ok(())
    }

    fn add_types(&mut self, section: wasmparser::TypeSectionReader<'a>) -> Result<()> {
        for group in section {
            let group = group?;
            ensure!(group.types().len() == 1, "types that refer to each other");
            for ty in group.into_types() {
                // Modules' types become one where they look the same, which holds for plain types only.
                ensure!(ty.is_final && ty.supertype_idx.is_none(), "the type {ty} has relatives");
                match ty.composite_type.inner {
                    CompositeInnerType::Func(function) if is_plain(&function) => self.types.push(function),
                    CompositeInnerType::Func(function) => bail!("the type {function} refers to another"),
                    other => bail!("the type {other} is not that of a function"),
                }
            }
        }
        Ok(())
    }

    /// The index at which the items of `space` that the module defines itself begin.
    pub(super) fn first_own(&self, space: Space) -> u32 {
        u32::try_from(self.imports[space].len()).expect("index spaces have 32 bits")
    }

    /// How many items `space` has, imported or not.
    pub(super) fn len(&self, space: Space) -> u32 {
        let own = match space {
            Space::Function => self.functions.len(),
            Space::Table => self.tables.len(),
            Space::Memory => self.memories.len(),
            Space::Global => self.globals.len(),
        };
        self.first_own(space) + u32::try_from(own).expect("index spaces have 32 bits")
    }

    /// The index of that type.
    pub(super) fn function_type(&self, function: u32) -> Result<u32> {
        let imports = &self.imports[Space::Function];
        match imports.get(function as usize) {
            Some(Import { ty: TypeRef::Func(ty) | TypeRef::FuncExact(ty), .. }) => Ok(*ty),
            Some(_) => bail!("function {function} has no function type"),
            None => {
                let own = self.functions.get(function as usize - imports.len());
                own.copied().with_context(|| format!("there is no function {function}"))
            }
        }
    }

    /// The type of a function, imported or not.
    pub(super) fn function_type_of(&self, function: u32) -> Result<&FuncType> {
        let ty = self.function_type(function)?;
        self.types.get(ty as usize).with_context(|| format!("there is no type {ty}"))
    }
}

/// Whether a type means the same in every module.
fn is_plain(function: &FuncType) -> bool {
    let refers = |ty: &ValType| matches!(ty, ValType::Ref(ty) if ty.is_concrete_type_ref());
    !function.params().iter().chain(function.results()).any(refers)
}

fn space_of(ty: TypeRef) -> Result<Space> {
    Ok(match ty {
        TypeRef::Func(_) | TypeRef::FuncExact(_) => Space::Function,
        TypeRef::Table(_) => Space::Table,
        TypeRef::Memory(_) => Space::Memory,
        TypeRef::Global(_) => Space::Global,
        TypeRef::Tag(_) => bail!("exception tags cannot be fused"),
    })
}
