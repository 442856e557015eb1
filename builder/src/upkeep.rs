//! Machine code of built functions, kept up to date: made ahead after an upgrade, and removed when nothing needs it.

use std::collections::HashSet;
use std::thread::JoinHandle;

use hks_engine::{Digest, Keep, Trimmed};

use crate::builder::{Builder, Inner};
use crate::store::native::{Failure, Progress, Rebuild, Rebuilt};
use crate::{Cancel, Error, load};

impl Builder {
    /// Compiles ahead what held artifacts need and this machine's engine has no code for, as after an upgrade. Goes on in a
    /// thread of low priority; a request for what has not had its turn compiles it itself.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn rebuild(
        &self,
        cancel: Cancel,
        progress: impl FnMut(Progress<'_>) + Send + 'static,
    ) -> Result<JoinHandle<Rebuilt>, Error> {
        let inner = self.inner();
        let components = inner.held_components()?;
        let (fetching, compiling, canceling) = (self.clone(), self.clone(), cancel.clone());
        let rebuild = Rebuild {
            native: inner.native.clone(),
            engine: inner.runtime.engine().clone(),
            fetch: move |component| load::part(fetching.inner(), component).map_err(Failure::from),
            compile: move |wasm: &[u8]| load::compile(compiling.inner(), wasm, &canceling).map_err(Failure::from),
            cancel,
        };
        rebuild.start(components, progress).map_err(Error::host("start a thread"))
    }

    /// Removes machine code that neither a held artifact nor an interpreter needs, or that is of another engine, as far as `keep` permits.
    ///
    /// # Errors
    /// The store, or the folder with machine code, cannot be read.
    pub fn trim(&self, keep: &Keep) -> Result<Trimmed, Error> {
        let inner = self.inner();
        let interpreters = inner.interpreters.digests(inner)?;
        let components: HashSet<Digest> = inner.held_components()?.into_iter().chain(interpreters).collect();
        Ok(inner.native.trim(inner.runtime.engine(), &components, keep)?)
    }
}

impl Inner {
    /// Components of all artifacts that somebody holds.
    fn held_components(&self) -> Result<Vec<Digest>, Error> {
        let holds = self.wait(self.store.holds())?;
        let artifacts: HashSet<Digest> = holds.into_iter().map(|hold| hold.artifact).collect();
        artifacts.into_iter().map(|artifact| Ok(self.parts(artifact)?.component)).collect()
    }
}
