//! The pipeline: source and manifest become an artifact.
//!
//! What is written in goes to its [language](crate::language); what comes back is either WebAssembly, which is
//! [accepted](crate::wasm::accept) or refused before anything of it runs, or text for an interpreter, which is compiled and
//! run ahead in the sandbox. Every part is put into the store by its digest, and the artifact is a document that names them.

use std::fmt;
use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use hks_engine::Digest;
use hks_protocol::Manifest;
use hks_protocol::manifest::Runtime;

use crate::ahead::Ahead;
use crate::artifact::Parts;
use crate::builder::Inner;
use crate::language::{self, Product};
use crate::source::{SourceLimits, SourceTree};
use crate::wasm::{self, Offer};
use crate::workshop::Workshop;
use crate::{Cancel, Error, Language, LogLine, inputs, manifest, store};

/// What to build.
#[derive(Debug, Clone)]
pub struct Request {
    /// The function's files.
    pub source: SourceTree,
    /// What it says of itself.
    pub manifest: Manifest,
}

impl Request {
    /// One text, in the language that the manifest says.
    ///
    /// # Errors
    /// The manifest says none, or one that has no text; or the text is too long.
    pub fn of_text(code: &str, manifest: Manifest) -> Result<Self, Error> {
        let name = manifest.runtime().and_then(language::file_name).ok_or_else(|| {
            Error::Refused("code needs a runtime: python, javascript, typescript, rust, go or c".into())
        })?;
        let name = manifest.handler().map_or(name, |handler| handler.file());
        let source = SourceTree::from_file(name, code.as_bytes().to_vec(), &SourceLimits::default())?;
        Ok(Self { source, manifest })
    }

    /// Files with their `function.yaml` among them.
    ///
    /// # Errors
    /// There is no manifest, or it has mistakes.
    pub fn of_files(source: SourceTree) -> Result<Self, Error> {
        let missing = || Error::Refused("there is no function.yaml; the smallest one is `name: hello`".into());
        let text = source.get(manifest::FILE_NAME).ok_or_else(missing)?;
        let manifest = manifest::parse(manifest::FILE_NAME, text)?;
        Ok(Self { source, manifest })
    }
}

/// What was built.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Built {
    /// Names the artifact.
    pub artifact: Digest,
    /// What it consists of.
    pub parts: Parts,
    /// Whether it was there already.
    pub found: bool,
    /// Where the time went, in the order of things.
    pub phases: Vec<Phase>,
}

/// A step of a build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Phase {
    /// As in "compile".
    pub name: &'static str,
    /// How long it took.
    pub time: Duration,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:.1} ms", self.name, self.time.as_secs_f64() * 1e3)
    }
}

/// One build on its way.
pub(crate) struct Build<'a> {
    inner: &'a Inner,
    manifest: &'a Manifest,
    source: SourceTree,
    cancel: &'a Cancel,
    log: &'a mut dyn FnMut(LogLine),
    phases: Vec<Phase>,
    since: Instant,
}

impl<'a> Build<'a> {
    pub(crate) fn new(
        inner: &'a Inner,
        request: &'a Request,
        cancel: &'a Cancel,
        log: &'a mut dyn FnMut(LogLine),
    ) -> Result<Self, Error> {
        // What the manifest means is known, and most of it changes nothing about the build.
        let source = request.source.without(manifest::FILE_NAME);
        let source = source.ok_or_else(|| Error::Refused("there is nothing but function.yaml".into()))?;
        let (phases, since) = (Vec::new(), Instant::now());
        Ok(Self { inner, manifest: &request.manifest, source, cancel, log, phases, since })
    }

    pub(crate) fn run(mut self) -> Result<Built, Error> {
        let runtime = language::runtime(&self.source, self.manifest)?;
        let inputs = inputs::digest(self.inner, &self.source, self.manifest, runtime, interpreter(runtime))?;
        self.phase("look up");
        if let Some((artifact, parts)) = self.found(inputs)? {
            self.phase("confirm");
            return Ok(Built { artifact, parts, found: true, phases: self.phases });
        }
        let folder = self.inner.new_folder()?;
        let parts = self.make(runtime, folder.path())?;
        let artifact = self.inner.wait(self.inner.store.put_document(parts.to_bytes(), &parts.references()))?;
        self.inner.recall.keep(inputs, artifact).map_err(Error::host("remember the build"))?;
        self.phase("record");
        Ok(Built { artifact, parts, found: false, phases: self.phases })
    }

    /// What was built of the same before, if it is still whole. It is not collected for the grace time of the store.
    fn found(&mut self, inputs: Digest) -> Result<Option<(Digest, Parts)>, Error> {
        let Some(artifact) = self.inner.recall.find(inputs) else { return Ok(None) };
        let confirmed = self.inner.parts(artifact).and_then(|parts| {
            self.inner.wait(self.inner.store.put_document(parts.to_bytes(), &parts.references()))?;
            Ok(parts)
        });
        match confirmed {
            Ok(parts) => Ok(Some((artifact, parts))),
            Err(Error::Store(store::Error::Missing { .. } | store::Error::Damaged { .. })) => {
                self.inner.recall.forget(inputs);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn make(&mut self, runtime: Runtime, folder: &Path) -> Result<Parts, Error> {
        let timeout = self.manifest.build().timeout_s.get();
        let (inner, manifest) = (self.inner, self.manifest);
        let log = &mut *self.log;
        let mut workshop =
            Workshop::new(folder.to_path_buf(), &inner.config.toolchains, &inner.rules, timeout, self.cancel, log);
        let mut clock = Clock { phases: &mut self.phases, since: &mut self.since };
        let product = language::build(runtime, &self.source, manifest, &mut workshop)?;
        clock.phase("translate");
        match product {
            Product::Wasm { wasm, lock } => component(inner, manifest, runtime, wasm, lock, &mut workshop, &mut clock),
            Product::Interpreted(function) => {
                Ahead { inner, manifest, runtime }.prepare(function, &mut workshop, &mut clock)
            }
        }
    }

    fn phase(&mut self, name: &'static str) {
        Clock { phases: &mut self.phases, since: &mut self.since }.phase(name);
    }
}

/// Tells phases apart.
pub(crate) struct Clock<'a> {
    phases: &'a mut Vec<Phase>,
    since: &'a mut Instant,
}

impl Clock<'_> {
    /// The phase of that name has just ended.
    pub(crate) fn phase(&mut self, name: &'static str) {
        let now = Instant::now();
        self.phases.push(Phase { name, time: now - *self.since });
        *self.since = now;
    }
}

fn interpreter(runtime: Runtime) -> Option<Language> {
    match runtime {
        Runtime::Python => Some(Language::Python),
        Runtime::Javascript | Runtime::Typescript => Some(Language::Javascript),
        Runtime::Rust | Runtime::Go | Runtime::C | Runtime::Wasm | Runtime::Container => None,
    }
}

/// Accepts a function that is WebAssembly itself, and compiles it for this machine.
fn component(
    inner: &Inner,
    manifest: &Manifest,
    runtime: Runtime,
    wasm: Vec<u8>,
    lock: Option<String>,
    workshop: &mut Workshop<'_>,
    clock: &mut Clock<'_>,
) -> Result<Parts, Error> {
    let (component, shape) = wasm::accept(wasm, &Offer::runtime(), manifest.grants(), manifest.limits())?;
    clock.phase("check");
    workshop.check()?;
    let engine = inner.runtime.engine();
    let digest = Digest::of(&component);
    let artifact =
        inner.native.load_or(engine, digest, || inner.config.compiler.compile(engine, &component, workshop))?;
    inner.runtime.prepare(&artifact)?;
    clock.phase("machine code");
    let mut parts = Parts::new(runtime, shape.world, digest);
    parts.imports = shape.imports;
    parts.lock = lock.as_ref().map(|text| Digest::of(text.as_bytes()));
    inner.put_all([Some(component.into()), lock.map(Bytes::from)].into_iter().flatten().collect())?;
    clock.phase("store");
    Ok(parts)
}

impl Inner {
    /// Puts parts into the store, all at once.
    pub(crate) fn put_all(&self, parts: Vec<Bytes>) -> Result<(), Error> {
        let puts = parts.into_iter().map(|part| self.store.put(part));
        self.wait(futures_util::future::try_join_all(puts))?;
        Ok(())
    }

    /// A folder for one build, deleted with what is returned.
    pub(crate) fn new_folder(&self) -> Result<tempfile::TempDir, Error> {
        tempfile::TempDir::new_in(self.config.folder.join("work")).map_err(Error::host("make a folder for the build"))
    }
}
