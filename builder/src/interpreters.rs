//! The interpreters that functions run in: compiled for this machine once, prepared once in each process.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use hks_engine::Digest;
use hks_protocol::{Attempt, Json, Limits};
use hks_runtime::{Observed, Prepared};

use crate::builder::{BuilderConfig, Inner};
use crate::{Error, Language};

/// Those that we ship.
pub(crate) struct Interpreters {
    python: Interpreter,
    javascript: Interpreter,
}

struct Interpreter {
    file: PathBuf,
    /// A function that does nothing.
    idle: &'static str,
    ready: Mutex<Option<Ready>>,
}

/// An interpreter that can run.
#[derive(Clone)]
pub(crate) struct Ready {
    pub(crate) prepared: Prepared,
    /// What it asks for by itself when it runs a function's top level.
    pub(crate) idle: Observed,
}

impl Interpreters {
    pub(crate) fn new(config: &BuilderConfig) -> Self {
        Self {
            python: Interpreter::new(&config.python, "def handler(event): pass\n"),
            javascript: Interpreter::new(&config.javascript, "exports.handler = () => null;\n"),
        }
    }

    fn of(&self, language: Language) -> &Interpreter {
        match language {
            Language::Python => &self.python,
            Language::Javascript => &self.javascript,
        }
    }

    /// The interpreter.
    pub(crate) fn ready(&self, inner: &Inner, language: Language) -> Result<Ready, Error> {
        let interpreter = self.of(language);
        let mut ready = interpreter.ready.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ready) = ready.as_ref() {
            return Ok(ready.clone());
        }
        Ok(ready.insert(interpreter.make_ready(inner)?).clone())
    }

    /// Makes sure that the interpreter's component is in the store, so that an artifact which names it is whole. To be called for
    /// each: a component that no artifact needed for long was collected.
    pub(crate) fn keep(&self, inner: &Inner, language: Language) -> Result<(), Error> {
        let interpreter = self.of(language);
        if !inner.wait(inner.store.contains(interpreter.digest(inner)?))? {
            inner.wait(inner.store.put(interpreter.read()?.into()))?;
        }
        Ok(())
    }

    /// Of their components, whether or not they are ready.
    pub(crate) fn digests(&self, inner: &Inner) -> Result<[Digest; 2], Error> {
        Ok([self.python.digest(inner)?, self.javascript.digest(inner)?])
    }

    /// The one with that digest, if it is among those that are ready.
    pub(crate) fn find(&self, component: Digest) -> Option<Prepared> {
        [&self.python, &self.javascript].into_iter().find_map(|interpreter| {
            let ready = interpreter.ready.lock().unwrap_or_else(PoisonError::into_inner);
            ready.as_ref().map(|ready| ready.prepared.clone()).filter(|prepared| prepared.digest() == component)
        })
    }
}

impl Interpreter {
    fn new(file: &Path, idle: &'static str) -> Self {
        Self { file: file.to_path_buf(), idle, ready: Mutex::default() }
    }

    fn make_ready(&self, inner: &Inner) -> Result<Ready, Error> {
        let digest = self.digest(inner)?;
        let engine = inner.runtime.engine();
        // Ours, so compiling it needs no process of its own.
        let artifact = inner
            .native
            .load_or(engine, digest, || Ok::<_, Error>(hks_engine::Compiled::new(engine, &self.read()?)?))?;
        let prepared = inner.runtime.prepare(&artifact)?;
        let idle = self.observe(inner, &prepared)?;
        Ok(Ready { prepared, idle })
    }

    fn digest(&self, inner: &Inner) -> Result<Digest, Error> {
        inner.native.digest_of(&self.file).map_err(|error| self.missing(&error))
    }

    fn read(&self) -> Result<Vec<u8>, Error> {
        fs::read(&self.file).map_err(|error| self.missing(&error))
    }

    fn missing(&self, error: &dyn std::fmt::Display) -> Error {
        Error::Host(format!("the interpreter {}: {error}; install it again", self.file.display()))
    }

    fn observe(&self, inner: &Inner, prepared: &Prepared) -> Result<Observed, Error> {
        let source = self.idle.to_owned();
        let compiled = inner.wait(inner.runtime.compile(prepared, source.clone(), Limits::default()))?;
        let compiled =
            compiled.map_err(|report| Error::Host(format!("an empty function fails: {:?}", report.error)))?;
        let function = prepared.with_source(source, Some(compiled));
        let attempt = Attempt::new(None, Json::null());
        Ok(inner.wait(inner.runtime.preinitialize(&function, attempt, ()))?.observed)
    }
}
