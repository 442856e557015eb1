//! Follows the imports of every core instance to what stands at their end.
//!
//! Linked modules refer to each other by instances' exports, aliases of them, and bags of aliases. Some functions cannot
//! be linked like that, because they need the memory of an instance that needs them: for these wit-component makes a
//! *shim*, whose functions call through a table of its own, and a *fix-up* that fills this table in the end. Here a function
//! of the shim is the same as what the fix-up puts into its slot, so that neither is left after the fusion.

use std::collections::HashMap;

use anyhow::{Context as _, Result, bail, ensure};
use wasmparser::{ElementItems, ElementKind, FunctionBody, Instance, InstantiationArg, Operator};

use super::module::Space;
use super::parse::{Component, CoreItem};

/// What stands at the end of a chain of imports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Definition {
    /// An item that a module defines; the index counts its imports, as code does.
    Own { module: usize, index: u32 },
    /// Index into [`Component::canonicals`].
    Canonical(usize),
}

/// A component whose imports can be followed.
pub(super) struct Linked<'c, 'a> {
    pub(super) component: &'c Component<'a>,
    /// For each module the arguments of its only instance, if it has one.
    arguments: Vec<Option<&'c [InstantiationArg<'a>]>>,
    /// Modules in the order of their instances, without the shim and the fix-up.
    pub(super) order: Vec<usize>,
    shim: Option<Shim>,
}

struct Shim {
    module: usize,
    functions: HashMap<u32, Definition>,
}

/// The name by which wit-component's shim exports its table, and its fix-up imports it.
const SHIM_TABLE: &str = "$imports";

impl<'c, 'a> Linked<'c, 'a> {
    pub(super) fn new(component: &'c Component<'a>) -> Result<Self> {
        let mut arguments = vec![None; component.modules.len()];
        let mut order = Vec::new();
        for instance in &component.instances {
            if let Instance::Instantiate { module_index, args } = instance {
                let module = *module_index as usize;
                let slot = arguments.get_mut(module).with_context(|| format!("there is no core module {module}"))?;
                ensure!(slot.replace(&args[..]).is_none(), "core module {module} has two instances");
                order.push(module);
            }
        }
        let mut linked = Self { component, arguments, order, shim: None };
        linked.find_shim()?;
        Ok(linked)
    }

    fn find_shim(&mut self) -> Result<()> {
        let modules = &self.component.modules;
        let shim = modules.iter().position(|module| module.exports.contains_key(SHIM_TABLE));
        let fixes = |import: &super::module::Import<'_>| import.name == SHIM_TABLE;
        let fix_up = modules.iter().position(|module| module.imports[Space::Table].iter().any(fixes));
        let (shim, fix_up) = match (shim, fix_up) {
            (None, None) => return Ok(()),
            (Some(shim), Some(fix_up)) => (shim, fix_up),
            _ => bail!("there is a shim without a fix-up, or the other way round"),
        };
        let module = &modules[shim];
        let only_functions = module.elements.is_empty() && module.data.is_empty() && module.memories.is_empty();
        ensure!(only_functions && module.tables.len() == 1, "the shim has more than functions and a table");
        let slots = self.filled_slots(shim, fix_up).context("the fix-up is of an unknown shape")?;
        let mut functions = HashMap::new();
        for (index, body) in (module.first_own(Space::Function)..).zip(&module.bodies) {
            let parameters = module.function_type_of(index)?.params().len();
            let slot = shim_slot(body, parameters)
                .with_context(|| format!("function {index} of the shim is of an unknown shape"))?;
            let target = slots.get(&slot).with_context(|| format!("slot {slot} of the shim is never filled"))?;
            functions.insert(index, *target);
        }
        self.order.retain(|module| ![shim, fix_up].contains(module));
        self.shim = Some(Shim { module: shim, functions });
        Ok(())
    }

    /// What the fix-up puts into the slots of the shim's table.
    fn filled_slots(&self, shim: usize, fix_up: usize) -> Result<HashMap<u32, Definition>> {
        let module = &self.component.modules[fix_up];
        ensure!(module.bodies.is_empty() && module.data.is_empty(), "it has code or data");
        let mut slots = HashMap::new();
        for element in &module.elements {
            let (ElementKind::Active { table_index, offset_expr }, ElementItems::Functions(items)) =
                (&element.kind, &element.items)
            else {
                bail!("it has an element segment of another kind");
            };
            let table = self.resolve(fix_up, Space::Table, table_index.unwrap_or(0))?;
            ensure!(matches!(table, Definition::Own { module, .. } if module == shim), "it fills another table");
            let Operator::I32Const { value } = offset_expr.get_operators_reader().read()? else {
                bail!("the place of its segment is not constant");
            };
            let (first, places) = (value.cast_unsigned(), self.component.modules[shim].tables[0].initial);
            let end = u64::from(first) + u64::from(items.count());
            ensure!(end <= places, "its segment ends at {end}, behind the shim's {places} slots");
            for (function, slot) in items.clone().into_iter().zip(first..) {
                let target = self.resolve(fix_up, Space::Function, function?)?;
                let again = matches!(target, Definition::Own { module, .. } if module == shim);
                ensure!(!again, "slot {slot} calls the shim again");
                slots.insert(slot, target);
            }
        }
        Ok(slots)
    }

    /// What an index of a module means.
    pub(super) fn resolve(&self, module: usize, space: Space, index: u32) -> Result<Definition> {
        if let Some(import) = self.component.modules[module].imports[space].get(index as usize) {
            let arguments = self.arguments[module].with_context(|| format!("core module {module} has no instance"))?;
            return arguments
                .iter()
                .find(|argument| argument.name == import.module)
                .context("there is no such argument")
                .and_then(|argument| self.instance_export(argument.index, space, import.name))
                .with_context(|| format!("cannot follow `{}` of `{}`", import.name, import.module));
        }
        match &self.shim {
            Some(shim) if shim.module == module && space == Space::Function => {
                shim.functions.get(&index).copied().with_context(|| format!("the shim has no function {index}"))
            }
            _ => Ok(Definition::Own { module, index }),
        }
    }

    /// What an index of the component's core level means.
    pub(super) fn core(&self, space: Space, index: u32) -> Result<Definition> {
        match self.component.core[space].get(index as usize) {
            Some(CoreItem::Canonical(canonical)) => Ok(Definition::Canonical(*canonical)),
            Some(CoreItem::Export { instance, name }) => self.instance_export(*instance, space, name),
            None => bail!("the component has no such core {space:?}: {index}"),
        }
    }

    fn instance_export(&self, instance: u32, space: Space, name: &str) -> Result<Definition> {
        match self.component.instances.get(instance as usize) {
            Some(Instance::FromExports(exports)) => {
                for export in exports {
                    if export.name == name && Space::try_from(export.kind)? == space {
                        return self.core(space, export.index);
                    }
                }
                bail!("instance {instance} has no `{name}`");
            }
            Some(Instance::Instantiate { module_index, .. }) => {
                let module = *module_index as usize;
                match self.component.modules[module].exports.get(name) {
                    Some((found, index)) if *found == space => self.resolve(module, space, *index),
                    _ => bail!("module {module} does not export the {space:?} `{name}`"),
                }
            }
            None => bail!("there is no instance {instance}"),
        }
    }

    /// Whether a module's code can never run: nobody can name its functions.
    ///
    /// Such is componentize-py's `__init`, which ran before the snapshot. Its element segments still count.
    pub(super) fn is_idle(&self, module: usize) -> bool {
        self.component.modules[module].exports.is_empty()
    }

    /// The modules whose code is kept, in the order of their instances.
    pub(super) fn merged(&self) -> impl Iterator<Item = usize> + '_ {
        self.order.iter().copied().filter(|module| !self.is_idle(*module))
    }
}

/// The slot that a function of the shim calls: it hands its parameters on and does nothing else.
fn shim_slot(body: &FunctionBody<'_>, parameters: usize) -> Result<u32> {
    let operators = body.get_operators_reader()?.into_iter().collect::<Result<Vec<_>, _>>()?;
    ensure!(operators.len() == parameters + 3, "it does more than to call");
    let (handed_on, call) = operators.split_at(parameters);
    for (parameter, operator) in (0..).zip(handed_on) {
        ensure!(matches!(operator, Operator::LocalGet { local_index } if *local_index == parameter), "{operator:?}");
    }
    match call {
        [Operator::I32Const { value }, Operator::CallIndirect { table_index: 0, .. }, Operator::End] => {
            Ok(value.cast_unsigned())
        }
        other => bail!("{other:?}"),
    }
}
