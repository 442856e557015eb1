//! Artifacts that were checked and linked once, so that an attempt only has to instantiate them.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use hks_engine::{Artifact, Digest};
use wasmtime::component::types::{ComponentFunc, ComponentItem, Record, Type};
use wasmtime::component::{Component, ComponentExportIndex, InstancePre, Linker};

use crate::host::Guest;
use crate::{Error, Result};

const VERSION: &str = "0.1.0";

/// More than a CPython with its adapters has.
const MEMORIES_MAX: u32 = 4;
const TABLES_MAX: u32 = 8;
const TABLE_ENTRIES_MAX: u64 = 40_000;

/// An artifact that is ready to be run. Cheap to clone.
#[derive(Clone)]
pub struct Prepared(Arc<Inner>);

struct Inner {
    digest: Digest,
    instance: InstancePre<Guest>,
    entry: Entry,
}

/// What is called in an instance.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Entry {
    /// `interpret.run(code, event, context)`: a language runtime.
    Interpreter(ComponentExportIndex),
    /// `handler.handle(event, context)`: the function itself.
    Function(ComponentExportIndex),
}

impl Prepared {
    /// Digest of the component that it was made from.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.0.digest
    }

    /// Whether attempts must bring source text along.
    #[must_use]
    pub fn is_interpreter(&self) -> bool {
        matches!(self.0.entry, Entry::Interpreter(_))
    }

    pub(crate) fn instance(&self) -> &InstancePre<Guest> {
        &self.0.instance
    }

    pub(crate) fn entry(&self) -> Entry {
        self.0.entry
    }

    fn make(artifact: &Artifact, linker: &Linker<Guest>) -> Result<Self> {
        let component = artifact.component();
        check_shape(component)?;
        let entry = find_entry(component)?;
        let instance = linker.instantiate_pre(component).map_err(|error| Error::Refused(format!("{error:#}")))?;
        Ok(Self(Arc::new(Inner { digest: artifact.digest(), instance, entry })))
    }
}

/// Refuses what no honest function needs, before a single byte of it is instantiated.
fn check_shape(component: &Component) -> Result<()> {
    let Some(needs) = component.resources_required() else {
        return Err(Error::Refused("it imports core modules, so what it needs cannot be known".into()));
    };
    let refuse =
        |what: &str, has: u64, max: u64| Err(Error::Refused(format!("{has} {what}, at most {max} are granted")));
    let entries = needs.max_initial_table_size.unwrap_or(0);
    if needs.num_memories > MEMORIES_MAX {
        return refuse("memories", needs.num_memories.into(), MEMORIES_MAX.into());
    }
    if needs.num_tables > TABLES_MAX {
        return refuse("tables", needs.num_tables.into(), TABLES_MAX.into());
    }
    if entries > TABLE_ENTRIES_MAX {
        return refuse("table entries", entries, TABLE_ENTRIES_MAX);
    }
    Ok(())
}

/// Finds what to call, and checks its type once for all attempts.
fn find_entry(component: &Component) -> Result<Entry> {
    if let Some(export) = find_function(component, "interpret", "run", 3)? {
        return Ok(Entry::Interpreter(export));
    }
    if let Some(export) = find_function(component, "handler", "handle", 2)? {
        return Ok(Entry::Function(export));
    }
    let wanted = format!("hks:function/handler@{VERSION} or hks:function/interpret@{VERSION}");
    Err(Error::Refused(format!("it exports neither of {wanted}")))
}

/// The function of that name, which takes so many texts and returns a text or a failure.
fn find_function(
    component: &Component,
    interface: &str,
    function: &str,
    texts: usize,
) -> Result<Option<ComponentExportIndex>> {
    let name = format!("hks:function/{interface}@{VERSION}");
    let Some(interface) = component.get_export_index(None, &name) else { return Ok(None) };
    match component.get_export(Some(&interface), function) {
        Some((ComponentItem::ComponentFunc(found), export)) if is_handler(&found, texts) => Ok(Some(export)),
        Some(_) => Err(Error::Refused(format!("{function} of its {name} has another type than the interface says"))),
        None => Err(Error::Refused(format!("its {name} has no function {function}"))),
    }
}

fn is_handler(function: &ComponentFunc, texts: usize) -> bool {
    let takes_texts = function.params().len() == texts && function.params().all(|(_, ty)| ty == Type::String);
    let mut results = function.results();
    let returns = match (results.next(), results.next()) {
        (Some(Type::Result(result)), None) => {
            result.ok() == Some(Type::String)
                && matches!(result.err(), Some(Type::Record(failure)) if is_failure(&failure))
        }
        _ => false,
    };
    takes_texts && returns
}

fn is_failure(record: &Record) -> bool {
    let fields: Vec<_> = record.fields().map(|field| (field.name.to_owned(), field.ty)).collect();
    fields == ["name", "value", "traceback"].map(|name| (name.to_owned(), Type::String))
}

/// Prepared artifacts by digest, up to a number; the least recently used one makes room.
pub(crate) struct PreparedCache {
    linker: Linker<Guest>,
    max: NonZeroUsize,
    entries: Mutex<Entries>,
}

#[derive(Default)]
struct Entries {
    by_digest: HashMap<Digest, (Prepared, u64)>,
    uses: u64,
}

impl PreparedCache {
    pub(crate) fn new(linker: Linker<Guest>, max: NonZeroUsize) -> Self {
        Self { linker, max, entries: Mutex::default() }
    }

    pub(crate) fn prepare(&self, artifact: &Artifact) -> Result<Prepared> {
        let digest = artifact.digest();
        if let Some(prepared) = self.lock().touch(digest) {
            return Ok(prepared);
        }
        // Not under the lock: two at once do the work twice, and nobody waits.
        let prepared = Prepared::make(artifact, &self.linker)?;
        self.lock().insert(digest, prepared.clone(), self.max);
        Ok(prepared)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entries {
    fn touch(&mut self, digest: Digest) -> Option<Prepared> {
        self.uses += 1;
        let (prepared, used) = self.by_digest.get_mut(&digest)?;
        *used = self.uses;
        Some(prepared.clone())
    }

    fn insert(&mut self, digest: Digest, prepared: Prepared, max: NonZeroUsize) {
        while self.by_digest.len() >= max.get() {
            let oldest = self.by_digest.iter().min_by_key(|(_, (_, used))| *used).map(|(digest, _)| *digest);
            oldest.map(|digest| self.by_digest.remove(&digest));
        }
        self.uses += 1;
        self.by_digest.insert(digest, (prepared, self.uses));
    }
}
