//! Packages of WIT that use each other's types in a circle.
//!
//! WIT has no such packages, but a component can be written so, and `wit-parser` then calls itself until the stack is gone,
//! which nothing catches. So they are found and refused before it sees them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use wasmparser::component_types::{
    ComponentAnyTypeId, ComponentEntityType, ComponentItem, ComponentTypeId, ResourceId,
};
use wasmparser::types::Types;

use super::Error;
use super::bounds::check;
use super::error::Shown;

/// Which package uses types of which, in everything that `items` hold.
#[derive(Default)]
struct Uses<'a> {
    resources: HashMap<ResourceId, &'a str>,
    types: HashMap<ComponentAnyTypeId, &'a str>,
    packages: BTreeMap<&'a str, BTreeSet<&'a str>>,
}

/// Refuses a component whose imports and exports are of packages in a circle.
pub(super) fn check_component(types: &Types, imports: &[&str], exports: &[&str]) -> Result<(), Error> {
    let mut uses = Uses::default();
    let imports = imports.iter().filter_map(|name| Some((*name, types.component_item_for_import(name)?)));
    let exports = exports.iter().filter_map(|name| Some((*name, types.component_item_for_export(name)?)));
    for (name, item) in imports.chain(exports) {
        uses.item(types, name, item);
    }
    uses.check()
}

impl<'a> Uses<'a> {
    fn component(&mut self, types: &'a Types, id: ComponentTypeId) {
        let component = &types[id];
        for (name, item) in component.imports.iter().chain(&component.exports) {
            self.item(types, name, item);
        }
    }

    /// Components are in components up to the validator's bound on the depth of types.
    fn item(&mut self, types: &'a Types, name: &'a str, item: &'a ComponentItem) {
        match item.ty {
            ComponentEntityType::Component(id)
            | ComponentEntityType::Type { created: ComponentAnyTypeId::Component(id), .. } => self.component(types, id),
            ComponentEntityType::Instance(id) => {
                let Some(package) = package_of(name) else { return };
                for export in types[id].exports.values() {
                    if let ComponentEntityType::Type { referenced, created } = export.ty {
                        self.uses(types, package, referenced);
                        self.has(package, created);
                    }
                }
            }
            _ => {}
        }
    }

    /// The first one that has a type is the one that made it.
    fn has(&mut self, package: &'a str, created: ComponentAnyTypeId) {
        match created {
            ComponentAnyTypeId::Resource(resource) => self.resources.entry(resource.resource()).or_insert(package),
            other => self.types.entry(other).or_insert(package),
        };
    }

    fn uses(&mut self, types: &'a Types, package: &'a str, referenced: ComponentAnyTypeId) {
        let mut next = Some(referenced);
        while let Some(id) = next {
            let owner = match id {
                ComponentAnyTypeId::Resource(resource) => self.resources.get(&resource.resource()),
                other => self.types.get(&other),
            };
            if let Some(owner) = owner.filter(|owner| **owner != package) {
                self.packages.entry(package).or_default().insert(owner);
            }
            next = types.peel_alias(id);
        }
    }

    /// How many packages may use others. With all of WASI there are a dozen.
    const PACKAGES_MAX: u64 = 500;

    /// Takes away packages that use none of those that are left, until nothing is left or only circles are.
    fn check(mut self) -> Result<(), Error> {
        check("WIT packages", self.packages.len() as u64, Self::PACKAGES_MAX)?;
        loop {
            let before = self.packages.len();
            let left: BTreeSet<&str> = self.packages.keys().copied().collect();
            self.packages.retain(|_, uses| uses.iter().any(|used| left.contains(used)));
            match self.packages.keys().next() {
                None => return Ok(()),
                Some(package) if self.packages.len() == before => {
                    let package = Shown(package);
                    return Err(Error::Damaged(format!(
                        "its WIT packages use each other in a circle, one is {package}"
                    )));
                }
                Some(_) => {}
            }
        }
    }
}

/// `wasi:cli` of `wasi:cli/stdout@0.2.0`; nothing of what is in no package. Versions of one package count as one.
fn package_of(name: &str) -> Option<&str> {
    name.split_once('/').map(|(package, _)| package)
}
