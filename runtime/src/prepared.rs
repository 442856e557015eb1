//! Artifacts that were checked and linked once, so that an attempt only has to instantiate them.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use hks_engine::{Artifact, Digest};
use hks_protocol::LineTable;
use wasmtime::component::types::{ComponentFunc, ComponentItem, Record, Type};
use wasmtime::component::{Component, ComponentExportIndex, InstancePre, Linker};

use crate::host::{Guest, Packages};
use crate::snapshot::{InvalidSnapshot, Places, Snapshot};
use crate::{Error, Result};

const VERSION: &str = "0.1.0";

/// Stands for every version of WASI that is compatible with it, 0.2 all of them.
const WASI_VERSION: &str = "0.2.0";

/// More than a CPython with its adapters has.
const MEMORIES_MAX: u32 = 4;
const TABLES_MAX: u32 = 8;
const TABLE_ENTRIES_MAX: u64 = 40_000;

/// What is ready to be run: an artifact, linked with the host, and the snapshot that its instances start from. Cheap to
/// clone.
#[derive(Clone)]
pub struct Prepared(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    linked: Arc<Linked>,
    snapshot: Option<Snapshot>,
    packages: Arc<Packages>,
    lines: Option<Arc<LineTable>>,
    function: Function,
}

/// What of an interpreter's function is there before an attempt comes.
#[derive(Clone)]
enum Function {
    /// Nothing: attempts bring their source. Or it is no interpreter.
    None,
    /// Its source, which each execution runs from the top.
    Source(Arc<Code>),
    /// All of it: the snapshot is behind the top level of a source.
    Loaded,
}

/// A function's source, and what the interpreter made of it.
pub(crate) struct Code {
    pub(crate) text: String,
    pub(crate) compiled: Option<Vec<u8>>,
}

/// What all snapshots of an artifact have in common.
struct Linked {
    artifact: Artifact,
    instance: InstancePre<Guest>,
    entry: Entry,
}

/// What is called in an instance.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Entry {
    /// The functions of `interpret`: a language runtime.
    Interpreter(Interpreter),
    /// `handler.handle(event, context)`: the function itself.
    Function(ComponentExportIndex),
    /// `handle` of `wasi:http/incoming-handler`: a server of requests.
    Http(ComponentExportIndex),
    /// `run` of `wasi:cli/run`: a program that ends.
    Command(ComponentExportIndex),
}

/// The functions of the interface `interpret`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Interpreter {
    pub(crate) run: ComponentExportIndex,
    pub(crate) compile: ComponentExportIndex,
    pub(crate) load: ComponentExportIndex,
    pub(crate) call: ComponentExportIndex,
}

impl Prepared {
    /// Digest of the component that it was made from.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.0.linked.artifact.digest()
    }

    /// Whether attempts must bring source text along: it is an interpreter that has none yet.
    #[must_use]
    pub fn is_interpreter(&self) -> bool {
        matches!((self.entry(), &self.0.function), (Entry::Interpreter(_), Function::None))
    }

    /// What its instances start from; `None` if that is not known beforehand, and they copy their data at every start.
    #[must_use]
    pub fn snapshot(&self) -> Option<&Snapshot> {
        self.0.snapshot.as_ref()
    }

    /// The same with packages that its code can import.
    #[must_use]
    pub fn with_packages(&self, packages: Arc<Packages>) -> Self {
        self.but(|inner| inner.packages = packages)
    }

    /// The same, whose tracebacks name the files and lines that somebody wrote instead of those that are executed.
    #[must_use]
    pub fn with_lines(&self, lines: Arc<LineTable>) -> Self {
        self.but(|inner| inner.lines = Some(lines))
    }

    /// The function with that source, for the interpreter that this is. `compiled` is what [`Runtime::compile`](crate::Runtime::compile)
    /// made of the very same text by the very same interpreter: forged bytes can crash the function's instance.
    #[must_use]
    pub fn with_source(&self, text: String, compiled: Option<Vec<u8>>) -> Self {
        self.but(|inner| inner.function = Function::Source(Arc::new(Code { text, compiled })))
    }

    /// The same interpreter further on: `snapshot` has seen nothing of a function.
    fn from(&self, snapshot: Snapshot) -> Self {
        self.but(|inner| inner.snapshot = Some(snapshot))
    }

    /// The function whose top level has run in the instance that `snapshot` is of.
    pub(crate) fn behind(&self, snapshot: Snapshot) -> Self {
        self.but(|inner| {
            inner.snapshot = Some(snapshot);
            inner.function = Function::Loaded;
        })
    }

    fn but(&self, change: impl FnOnce(&mut Inner)) -> Self {
        let mut inner = Inner::clone(&self.0);
        change(&mut inner);
        Self(Arc::new(inner))
    }

    /// The function that [`Snapshot::to_bytes`] was asked about, for the interpreter that this is.
    ///
    /// # Errors
    /// The bytes are damaged, or of another component.
    pub fn resume(&self, snapshot: &[u8]) -> std::result::Result<Self, InvalidSnapshot> {
        match self.snapshot() {
            Some(initial) => Ok(self.behind(initial.read(snapshot, self.globals())?)),
            None => Err(InvalidSnapshot("the component has no snapshots".into())),
        }
    }

    pub(crate) fn packages(&self) -> &Arc<Packages> {
        &self.0.packages
    }

    pub(crate) fn lines(&self) -> Option<&LineTable> {
        self.0.lines.as_deref()
    }

    /// Its source, if it is a function that runs from the top each time.
    pub(crate) fn code(&self) -> Option<&Arc<Code>> {
        match &self.0.function {
            Function::Source(code) => Some(code),
            Function::None | Function::Loaded => None,
        }
    }

    /// Mutable globals, by module.
    pub(crate) fn globals(&self) -> &[u32] {
        &self.0.linked.artifact.shape().globals
    }

    /// Why its instances cannot be stored.
    pub(crate) fn unstorable(&self) -> &[String] {
        &self.0.linked.artifact.shape().unstorable
    }

    pub(crate) fn instance(&self) -> &InstancePre<Guest> {
        &self.0.linked.instance
    }

    pub(crate) fn entry(&self) -> Entry {
        self.0.linked.entry
    }

    /// Whether its instances can be called more than once.
    pub(crate) fn is_lasting(&self) -> bool {
        matches!(self.entry(), Entry::Interpreter(_) | Entry::Function(_))
    }

    fn make(artifact: &Artifact, linker: &Linker<Guest>, places: &Arc<Places>) -> Result<Self> {
        let component = artifact.component();
        check_shape(component)?;
        let entry = find_entry(component)?;
        let instance = linker.instantiate_pre(component).map_err(|error| Error::Refused(format!("{error:#}")))?;
        let snapshot =
            Snapshot::initial(places, artifact).map_err(|error| Error::Host(format!("snapshot: {error}")))?;
        let linked = Arc::new(Linked { artifact: artifact.clone(), instance, entry });
        Ok(Self(Arc::new(Inner { linked, snapshot, packages: Arc::default(), lines: None, function: Function::None })))
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

/// Finds what to call, and checks its types once for all attempts.
fn find_entry(component: &Component) -> Result<Entry> {
    if let Some(interpret) = Interface::find(component, "interpret") {
        return Ok(Entry::Interpreter(Interpreter {
            run: interpret.function("run", &[is_text, is_optional_bytes, is_text, is_text], is_text)?,
            compile: interpret.function("compile", &[is_text], is_bytes)?,
            load: interpret.function_without_value("load", &[is_text, is_optional_bytes])?,
            call: interpret.function("call", &[is_text, is_text], is_text)?,
        }));
    }
    if let Some(handler) = Interface::find(component, "handler") {
        return Ok(Entry::Function(handler.function("handle", &[is_text, is_text], is_text)?));
    }
    // Before `run`, which some servers export as well.
    if let Some(handler) = Interface::find_wasi(component, "wasi:http/incoming-handler") {
        return Ok(Entry::Http(handler.export("handle", is_request_handler)?));
    }
    if let Some(program) = Interface::find_wasi(component, "wasi:cli/run") {
        return Ok(Entry::Command(program.export("run", is_run)?));
    }
    Err(Error::Refused(format!(
        "it exports nothing that can be called: hks:function/handler@{VERSION}, hks:function/interpret@{VERSION}, \
         wasi:http/incoming-handler@{WASI_VERSION} or wasi:cli/run@{WASI_VERSION}"
    )))
}

type IsType = fn(&Type) -> bool;

/// An exported interface.
struct Interface<'a> {
    component: &'a Component,
    name: String,
    index: ComponentExportIndex,
}

impl<'a> Interface<'a> {
    fn find(component: &'a Component, interface: &str) -> Option<Self> {
        Self::find_named(component, format!("hks:function/{interface}@{VERSION}"))
    }

    fn find_wasi(component: &'a Component, interface: &str) -> Option<Self> {
        Self::find_named(component, format!("{interface}@{WASI_VERSION}"))
    }

    fn find_named(component: &'a Component, name: String) -> Option<Self> {
        let index = component.get_export_index(None, &name)?;
        Some(Self { component, name, index })
    }

    /// The function that takes such parameters, and returns such a value or a failure.
    fn function(&self, function: &str, parameters: &[IsType], value: IsType) -> Result<ComponentExportIndex> {
        self.find_function(function, parameters, Some(value))
    }

    fn function_without_value(&self, function: &str, parameters: &[IsType]) -> Result<ComponentExportIndex> {
        self.find_function(function, parameters, None)
    }

    fn find_function(
        &self,
        function: &str,
        parameters: &[IsType],
        value: Option<IsType>,
    ) -> Result<ComponentExportIndex> {
        self.export(function, |found| has_type(found, parameters, value))
    }

    fn export(&self, function: &str, has_type: impl Fn(&ComponentFunc) -> bool) -> Result<ComponentExportIndex> {
        let name = &self.name;
        match self.component.get_export(Some(&self.index), function) {
            Some((ComponentItem::ComponentFunc(found), export)) if has_type(&found) => Ok(export),
            Some(_) => {
                Err(Error::Refused(format!("{function} of its {name} has another type than the interface says")))
            }
            None => Err(Error::Refused(format!("its {name} has no function {function}"))),
        }
    }
}

fn is_text(ty: &Type) -> bool {
    *ty == Type::String
}

fn is_bytes(ty: &Type) -> bool {
    matches!(ty, Type::List(bytes) if bytes.ty() == Type::U8)
}

fn is_optional_bytes(ty: &Type) -> bool {
    matches!(ty, Type::Option(some) if is_bytes(&some.ty()))
}

fn has_type(function: &ComponentFunc, parameters: &[IsType], value: Option<IsType>) -> bool {
    let takes = function.params().len() == parameters.len()
        && function.params().zip(parameters).all(|((_, ty), matches)| matches(&ty));
    let mut results = function.results();
    let returns = match (results.next(), results.next()) {
        (Some(Type::Result(result)), None) => {
            let fails = matches!(result.err(), Some(Type::Record(failure)) if is_failure(&failure));
            let succeeds = match (result.ok(), value) {
                (Some(ty), Some(matches)) => matches(&ty),
                (None, None) => true,
                _ => false,
            };
            fails && succeeds
        }
        _ => false,
    };
    takes && returns
}

/// `func(request: incoming-request, response: response-outparam)`. Whose resources these are is seen when it is called.
fn is_request_handler(function: &ComponentFunc) -> bool {
    function.params().len() == 2
        && function.params().all(|(_, ty)| matches!(ty, Type::Own(_)))
        && function.results().len() == 0
}

/// `func() -> result`.
fn is_run(function: &ComponentFunc) -> bool {
    let is_result = |ty| matches!(ty, Type::Result(result) if result.ok().is_none() && result.err().is_none());
    function.params().len() == 0 && function.results().len() == 1 && function.results().all(is_result)
}

fn is_failure(record: &Record) -> bool {
    let fields: Vec<_> = record.fields().map(|field| (field.name.to_owned(), field.ty)).collect();
    fields == ["name", "value", "traceback"].map(|name| (name.to_owned(), Type::String))
}

/// Prepared artifacts by digest, up to a number; the least recently used one makes room.
pub(crate) struct PreparedCache {
    linker: Linker<Guest>,
    places: Arc<Places>,
    max: NonZeroUsize,
    entries: Mutex<Entries>,
}

#[derive(Default)]
struct Entries {
    by_digest: HashMap<Digest, (Prepared, u64)>,
    uses: u64,
}

impl PreparedCache {
    pub(crate) fn new(linker: Linker<Guest>, places: Arc<Places>, max: NonZeroUsize) -> Self {
        Self { linker, places, max, entries: Mutex::default() }
    }

    /// `warm` says where an interpreter is after its first answer.
    pub(crate) fn prepare(
        &self,
        artifact: &Artifact,
        warm: impl FnOnce(&Prepared) -> Option<Snapshot>,
    ) -> Result<Prepared> {
        let digest = artifact.digest();
        if let Some(prepared) = self.lock().touch(digest) {
            return Ok(prepared);
        }
        // Not under the lock: two at once do the work twice, and nobody waits.
        let mut prepared = Prepared::make(artifact, &self.linker, &self.places)?;
        if prepared.is_interpreter()
            && let Some(snapshot) = warm(&prepared)
        {
            prepared = prepared.from(snapshot);
        }
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
