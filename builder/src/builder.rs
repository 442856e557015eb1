//! What builds need of a machine, kept for all of them.

use std::fs::{self, DirBuilder};
use std::num::NonZeroUsize;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::sync::Arc;

use hks_engine::{ArtifactStore, Digest};
use hks_runtime::{Prepared, Runtime};

use crate::artifact::Parts;
use crate::build::{Build, Built, Request};
use crate::compile::Compiler;
use crate::interpreters::Interpreters;
use crate::loaded::Loaded;
use crate::recall::Recall;
use crate::store::Store;
use crate::workshop::Rules;
use crate::{Cancel, ChildLimits, Error, Isolation, Language, LogLine, NetworkAccess, Toolchains, load};

/// What may be chosen about builds.
#[derive(Debug, Clone)]
pub struct BuilderConfig {
    /// A folder of ours: builds work in it, and what they came to is remembered there. Made if there is none.
    pub folder: PathBuf,
    /// The interpreters' components, as they were shipped.
    pub python: PathBuf,
    /// The same for JavaScript.
    pub javascript: PathBuf,
    /// Where tools are found.
    pub toolchains: Toolchains,
    /// What each tool may use. The time of a build is its manifest's.
    pub limits: ChildLimits,
    /// What to do where tools cannot be kept apart.
    pub isolation: Isolation,
    /// What package clients need to reach their registries.
    pub network: NetworkAccess,
    /// Where components are compiled.
    pub compiler: Compiler,
    /// Functions that are kept ready; the least recently used makes room.
    pub loaded_max: NonZeroUsize,
}

impl BuilderConfig {
    /// The defaults, with a folder of ours, the interpreters' components, and where other components are compiled: there is no
    /// default for that, because only a child process is safe, and not every program can start itself as one.
    #[must_use]
    pub fn new(folder: PathBuf, python: PathBuf, javascript: PathBuf, compiler: Compiler) -> Self {
        Self {
            folder,
            python,
            javascript,
            toolchains: Toolchains::default(),
            limits: ChildLimits::default(),
            isolation: Isolation::default(),
            network: NetworkAccess::default(),
            compiler,
            // With some MiB each, as many as a small machine has room for.
            loaded_max: NonZeroUsize::new(256).expect("not zero"),
        }
    }
}

/// Builds functions, and makes built ones ready to run. Cheap to clone.
///
/// All of it blocks: call it on a thread for blocking work, never in asynchronous code.
#[derive(Clone)]
pub struct Builder(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) config: BuilderConfig,
    pub(crate) rules: Rules,
    pub(crate) runtime: Runtime,
    pub(crate) native: ArtifactStore,
    pub(crate) store: Store,
    pub(crate) interpreters: Interpreters,
    pub(crate) recall: Recall,
    pub(crate) loaded: Loaded,
    io: tokio::runtime::Runtime,
}

impl Builder {
    /// `runtime` runs what has to run during a build, and what was built; `native` keeps its machine code.
    ///
    /// # Errors
    /// The folder cannot be used.
    pub fn new(config: BuilderConfig, runtime: Runtime, native: ArtifactStore, store: Store) -> Result<Self, Error> {
        for folder in [config.folder.clone(), config.folder.join("work")] {
            DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(Error::host("make a folder"))?;
        }
        let io = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("hks-store")
            .enable_all()
            .build()
            .map_err(Error::host("start a thread"))?;
        let rules =
            Rules { limits: config.limits.clone(), isolation: config.isolation, network: config.network.clone() };
        let interpreters = Interpreters::new(&config);
        let recall = Recall::open(&config.folder.join("built")).map_err(Error::host("open what was built"))?;
        let loaded = Loaded::new(config.loaded_max);
        Ok(Self(Arc::new(Inner { config, rules, runtime, native, store, interpreters, recall, loaded, io })))
    }

    /// Builds a function. What was built before, of the same source for the same machine, is found again.
    ///
    /// # Errors
    /// See [`Error`]; nothing but garbage is left behind.
    pub fn build(&self, request: &Request, cancel: &Cancel, mut log: impl FnMut(LogLine)) -> Result<Built, Error> {
        Build::new(&self.0, request, cancel, &mut log)?.run()
    }

    /// The function of an artifact, ready to run.
    ///
    /// # Errors
    /// There is no such artifact in the store, or it cannot be read.
    pub fn load(&self, artifact: Digest) -> Result<Prepared, Error> {
        load::load(&self.0, artifact)
    }

    /// What an artifact consists of.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn parts(&self, artifact: Digest) -> Result<Parts, Error> {
        self.0.parts(artifact)
    }

    /// An interpreter, ready to run. The first time on a machine it is compiled, which takes up to a minute.
    ///
    /// # Errors
    /// Its file cannot be read.
    pub fn interpreter(&self, language: Language) -> Result<Prepared, Error> {
        Ok(self.0.interpreters.ready(&self.0, language)?.prepared)
    }

    /// Where artifacts are kept.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// Removes what builds that were interrupted left in the folder. To be called before the first build of the only process
    /// that uses it.
    ///
    /// # Errors
    /// The folder cannot be read or written.
    pub fn tidy(&self) -> Result<(), Error> {
        let work = self.0.config.folder.join("work");
        for entry in fs::read_dir(&work).map_err(Error::host("read the folder of builds"))? {
            let path = entry.map_err(Error::host("read the folder of builds"))?.path();
            fs::remove_dir_all(&path).map_err(Error::host("remove what a build left"))?;
        }
        Ok(())
    }
}

impl Builder {
    pub(crate) fn inner(&self) -> &Inner {
        &self.0
    }
}

impl Inner {
    /// Waits for the store.
    pub(crate) fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.io.block_on(work)
    }

    pub(crate) fn parts(&self, artifact: Digest) -> Result<Parts, Error> {
        Parts::from_bytes(&self.wait(self.store.document(artifact))?.bytes)
    }
}
