//! The interpreters beside the package, compiled for this machine once and prepared once in each process.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use hks_engine::{Artifact, ArtifactStore, Digest, Engine};
use hks_runtime::{Prepared, Runtime};

use crate::errors::Error;

/// One interpreter.
pub(crate) struct Guest {
    path: PathBuf,
    digest: Mutex<Option<Digest>>,
    prepared: Mutex<Option<Prepared>>,
}

impl Guest {
    pub(crate) fn new(folder: &Path, language: &str) -> Self {
        Self { path: folder.join(format!("{language}.wasm")), digest: Mutex::default(), prepared: Mutex::default() }
    }

    /// Whether its machine code is in `store`.
    pub(crate) fn is_compiled(&self, engine: &Engine, store: &ArtifactStore) -> Result<bool, Error> {
        Ok(store.contains(engine, self.digest(store)?))
    }

    /// The interpreter, ready to run. The first call in a process loads it; the first on a machine compiles it, while
    /// other threads and processes that want it wait.
    pub(crate) fn prepared(&self, runtime: &Runtime, store: &ArtifactStore) -> Result<Prepared, Error> {
        let mut prepared = self.prepared.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(prepared) = prepared.as_ref() {
            return Ok(prepared.clone());
        }
        let artifact = self.artifact(runtime.engine(), store)?;
        Ok(prepared.insert(runtime.prepare(&artifact)?).clone())
    }

    fn artifact(&self, engine: &Engine, store: &ArtifactStore) -> Result<Artifact, Error> {
        // A damaged file is no reason to fail: it is compiled anew.
        match store.load(engine, self.digest(store)?) {
            Ok(Some(artifact)) => Ok(artifact),
            Ok(None) | Err(hks_engine::Error::Refused { .. }) => {
                let wasm = std::fs::read(&self.path).map_err(|error| self.missing(error))?;
                Ok(store.load_or_compile(engine, &wasm)?)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn digest(&self, store: &ArtifactStore) -> Result<Digest, Error> {
        let mut digest = self.digest.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(digest) = *digest {
            return Ok(digest);
        }
        Ok(*digest.insert(store.digest_of(&self.path).map_err(|error| self.missing(error))?))
    }

    fn missing(&self, error: impl std::fmt::Display) -> Error {
        let path = self.path.display();
        Error::NoGuest(format!(
            "{path}: {error}; install hks-sdk again, or run `cargo xtask guests` in a clone of its source"
        ))
    }
}
