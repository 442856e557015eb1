use hks_protocol::Limits;
use hks_protocol::manifest::Grants;
use wit_parser::decoding::{DecodedWasm, decode};
use wit_parser::{InterfaceId, Resolve, WorldId, WorldItem, WorldKey};

use super::error::Denied;
use super::recognise::world_of;
use super::scan::{Counts, scan};
use super::signature::{difference, differs, ours, short, unnamed};
use super::{Error, Offer, Reason, World, guarded};

/// What a component is, for those who keep it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Shape {
    /// What is called in it.
    pub world: World,
    /// What it imports, sorted.
    pub imports: Vec<String>,
    /// Its file.
    pub size_bytes: u64,
    /// Core modules in it.
    pub modules: u64,
    /// Functions of all of them.
    pub functions: u64,
    /// What their memories begin with.
    pub memory_bytes: u64,
}

/// Compares a component with what is offered, what the function is granted, and its limits.
///
/// # Errors
/// Not a valid component, over a bound or the memory limit, with imports that cannot be satisfied (all of them), or with
/// exports of other types than what is called.
pub fn validate(component: &[u8], offer: &Offer, grants: &Grants, limits: &Limits) -> Result<Shape, Error> {
    let scan = scan(component, &offer.bounds)?;
    if !scan.is_component {
        return Err(Error::Damaged("a core module, not a component".into()));
    }
    check_memory(&scan.counts, limits)?;
    let world = world_of(&scan)?;
    if !offer.worlds.contains(&world) {
        return Err(Error::World(world));
    }
    let decoded = guarded("its types cannot be read", || decode(component))?;
    let DecodedWasm::Component(resolve, id) = decoded else {
        return Err(Error::Exports("a WIT package, not a program; build the component that implements it".into()));
    };
    check_imports(&scan.imports, &Types { resolve: &resolve, world: id }, offer, grants)?;
    check_entry(world, &Types { resolve: &resolve, world: id })?;
    let Counts { modules, functions, memory_bytes, .. } = scan.counts;
    let mut imports: Vec<String> = scan.imports.iter().map(|import| (*import).to_owned()).collect();
    imports.sort_unstable();
    Ok(Shape { world, imports, size_bytes: component.len() as u64, modules, functions, memory_bytes })
}

fn check_memory(counts: &Counts, limits: &Limits) -> Result<(), Error> {
    const MIB: u64 = 1 << 20;
    let (needs, has) = (counts.memory_bytes, limits.memory_bytes());
    if needs <= has {
        return Ok(());
    }
    let (needs, has) = (needs.div_ceil(MIB), has / MIB);
    Err(Error::TooLarge(format!(
        "it begins with {needs} MiB of memory, and the function's limit is {has} MiB; raise limits.memory_mb, or build \
         it with a smaller initial memory"
    )))
}

/// The types of a component.
struct Types<'a> {
    resolve: &'a Resolve,
    world: WorldId,
}

impl Types<'_> {
    fn imported(&self, name: &str) -> Option<InterfaceId> {
        self.find(&self.resolve.worlds[self.world].imports, |found| found == name)
    }

    fn exported(&self, world: World) -> Option<InterfaceId> {
        let is_of = |found: &str| found.split('@').next() == Some(world.interface());
        self.find(&self.resolve.worlds[self.world].exports, is_of)
    }

    fn find<'i>(
        &self,
        items: impl IntoIterator<Item = (&'i WorldKey, &'i WorldItem)>,
        is_it: impl Fn(&str) -> bool,
    ) -> Option<InterfaceId> {
        items.into_iter().find_map(|(key, item)| match (key, item) {
            (WorldKey::Interface(_), WorldItem::Interface { id, .. }) if is_it(&self.resolve.id_of(*id)?) => Some(*id),
            _ => None,
        })
    }
}

fn check_imports(imports: &[&str], types: &Types<'_>, offer: &Offer, grants: &Grants) -> Result<(), Error> {
    let denied = |import: &&str| {
        let reason = offer.denies(import, grants).or_else(|| other_type(import, types).map(Reason::Type))?;
        Some(Denied { import: (*import).to_owned(), reason })
    };
    let denied: Vec<Denied> = imports.iter().filter_map(denied).collect();
    if denied.is_empty() { Ok(()) } else { Err(Error::Imports(denied)) }
}

/// How an interface of ours that it imports differs from ours.
fn other_type(import: &str, types: &Types<'_>) -> Option<String> {
    let name = import.strip_prefix("hks:function/")?.split('@').next()?;
    let ours = ours();
    let offered = &ours.resolve.interfaces[ours.interface(name)?];
    let imported = &types.resolve.interfaces[types.imported(import)?];
    imported.functions.values().find_map(|found| match offered.functions.get(&found.name) {
        Some(expected) => difference((&ours.resolve, expected), (types.resolve, found)),
        None => Some(format!("it has no function {}", found.name)),
    })
}

fn check_entry(world: World, types: &Types<'_>) -> Result<(), Error> {
    let name = world.interface();
    let wrong = |reason: String| Error::Exports(format!("its {name} is not the one that is called: {reason}"));
    let Some(id) = types.exported(world) else {
        return Err(wrong("it is not an interface".into()));
    };
    let difference = match world {
        World::Function => from_ours("handler", id, types),
        World::Interpreter => from_ours("interpret", id, types),
        World::HttpProxy => from_text("handle", "func(incoming-request, response-outparam)", id, types),
        World::Command => from_text("run", "func() -> result", id, types),
    };
    difference.map_or(Ok(()), |reason| Err(wrong(reason)))
}

/// How an exported interface differs from ours of that name.
fn from_ours(name: &str, found: InterfaceId, types: &Types<'_>) -> Option<String> {
    let ours = ours();
    let expected = &ours.resolve.interfaces[ours.interface(name)?];
    let found = &types.resolve.interfaces[found];
    expected.functions.values().find_map(|expected| match found.functions.get(&expected.name) {
        Some(found) => difference((&ours.resolve, expected), (types.resolve, found)),
        None => Some(differs(&expected.name, &short(&ours.resolve, expected), "nothing")),
    })
}

/// The same for an interface of which we have no WIT.
fn from_text(function: &str, expected: &str, found: InterfaceId, types: &Types<'_>) -> Option<String> {
    match types.resolve.interfaces[found].functions.get(function) {
        Some(found) if unnamed(types.resolve, found) == expected => None,
        Some(found) => Some(differs(function, expected, &short(types.resolve, found))),
        None => Some(differs(function, expected, "nothing")),
    }
}
