//! Packages of WIT that use each other's types in a circle.
//!
//! WIT has no such packages, but a component can be written so, and `wit-parser` then calls itself until the stack is gone,
//! which nothing catches. So they are found and refused before it sees them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use wasmparser::component_types::{
    ComponentAnyTypeId, ComponentEntityType, ComponentInstanceTypeId, ComponentItem, ResourceId,
};
use wasmparser::types::Types;

use super::Error;
use super::bounds::check;
use super::error::Shown;

/// Which package made a type.
#[derive(Default)]
struct Makers<'a> {
    resources: HashMap<ResourceId, &'a str>,
    types: HashMap<ComponentAnyTypeId, &'a str>,
}

/// Which package uses which. What is merged later is checked together.
#[derive(Default)]
pub(super) struct Uses(BTreeMap<String, BTreeSet<String>>);

/// What `wit-parser` calls the package of a component's own world.
const ROOT: &str = "root:component";

impl Uses {
    /// How many packages may use others. With all of WASI there are a dozen.
    const PACKAGES_MAX: u64 = 500;

    /// Adds what a component imports and exports.
    pub(super) fn add(&mut self, types: &Types, imports: &[&str], exports: &[&str]) {
        let imports = imports.iter().filter_map(|name| Some((*name, types.component_item_for_import(name)?)));
        let exports = exports.iter().filter_map(|name| Some((*name, types.component_item_for_export(name)?)));
        let mut reader = Reader { types, makers: Makers::default(), uses: self };
        for (name, item) in imports.chain(exports) {
            reader.item(ROOT, name, item);
        }
    }

    fn insert(&mut self, package: &str, used: &str) {
        if package == used {
            return;
        }
        let uses = self.0.entry(package.to_owned()).or_default();
        if !uses.contains(used) {
            uses.insert(used.to_owned());
        }
    }

    /// Takes away packages that use none of those that are left, until nothing is left or only circles are.
    pub(super) fn check(&self) -> Result<(), Error> {
        check("WIT packages", self.0.len() as u64, Self::PACKAGES_MAX)?;
        let mut left: BTreeSet<&String> = self.0.keys().collect();
        loop {
            let mut still = left.clone();
            still.retain(|package| self.0[*package].iter().any(|used| left.contains(used)));
            match still.first() {
                None => return Ok(()),
                Some(package) if still.len() == left.len() => {
                    let package = Shown(package);
                    return Err(Error::Damaged(format!(
                        "its WIT packages use each other in a circle, one is {package}"
                    )));
                }
                Some(_) => left = still,
            }
        }
    }
}

struct Reader<'a, 'u> {
    types: &'a Types,
    makers: Makers<'a>,
    uses: &'u mut Uses,
}

impl<'a> Reader<'a, '_> {
    /// Components are in components up to the validator's bound on the depth of types.
    fn item(&mut self, owner: &'a str, name: &'a str, item: &'a ComponentItem) {
        let package = package_of(name);
        match item.ty {
            ComponentEntityType::Component(id)
            | ComponentEntityType::Type { created: ComponentAnyTypeId::Component(id), .. } => {
                let component = &self.types[id];
                for (name, item) in component.imports.iter().chain(&component.exports) {
                    self.item(package.unwrap_or(owner), name, item);
                }
            }
            ComponentEntityType::Instance(id) => self.instance(owner, package.unwrap_or(owner), id),
            _ => {}
        }
    }

    /// A world uses the packages of its interfaces, and an interface those whose types it names.
    fn instance(&mut self, owner: &'a str, package: &'a str, id: ComponentInstanceTypeId) {
        self.uses.insert(owner, package);
        for export in self.types[id].exports.values() {
            if let ComponentEntityType::Type { referenced, created } = export.ty {
                self.names(package, referenced);
                self.makers.insert(package, created);
            }
        }
    }

    fn names(&mut self, package: &str, referenced: ComponentAnyTypeId) {
        let mut next = Some(referenced);
        while let Some(id) = next {
            if let Some(maker) = self.makers.find(id) {
                self.uses.insert(package, maker);
            }
            next = self.types.peel_alias(id);
        }
    }
}

impl<'a> Makers<'a> {
    /// The first one that has a type is the one that made it.
    fn insert(&mut self, package: &'a str, created: ComponentAnyTypeId) {
        match created {
            ComponentAnyTypeId::Resource(resource) => self.resources.entry(resource.resource()).or_insert(package),
            other => self.types.entry(other).or_insert(package),
        };
    }

    fn find(&self, id: ComponentAnyTypeId) -> Option<&'a str> {
        match id {
            ComponentAnyTypeId::Resource(resource) => self.resources.get(&resource.resource()).copied(),
            other => self.types.get(&other).copied(),
        }
    }
}

/// `wasi:cli` of `wasi:cli/stdout@0.2.0`; nothing of what is in no package. Versions of one package count as one.
fn package_of(name: &str) -> Option<&str> {
    name.split_once('/').map(|(package, _)| package)
}
