//! A builder with a store of its own in a temporary folder, the tools of this machine, and a runtime for what it builds.

use std::path::{Path, PathBuf};

use hks_builder::source::{SourceLimits, SourceTree};
use hks_builder::store::{Place, Store};
use hks_builder::{
    Builder, BuilderConfig, Built, Cancel, Compiler, Error, LogLine, NetworkAccess, Request, Toolchains,
};
use hks_engine::{ArtifactStore, Digest};
use hks_protocol::Manifest;
use hks_runtime::{Prepared, Runtime};
use tempfile::TempDir;

use super::{Call, House, cache, house, wait};

/// A place to build functions.
pub(crate) struct Workbench {
    pub(crate) builder: Builder,
    folder: TempDir,
}

impl Workbench {
    /// One whose components are compiled in a limited child, as on a server.
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut BuilderConfig)) -> Self {
        // Shared by all, because compiling CPython takes most of a minute.
        Self::in_house(&house().runtime, &cache().join("artifacts"), tempfile::tempdir().unwrap(), change)
    }

    /// One with a runtime and a folder of machine code of its own, and what an earlier one left in `folder`.
    pub(crate) fn in_house(
        runtime: &Runtime,
        native: &Path,
        folder: TempDir,
        change: impl FnOnce(&mut BuilderConfig),
    ) -> Self {
        let guests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sdk-python/python/hks_sdk/_guests");
        let (python, javascript) = (guests.join("python.wasm"), guests.join("javascript.wasm"));
        let compiler = Compiler::Child { program: env!("CARGO_BIN_EXE_hks-compile").into(), arguments: Vec::new() };
        let mut config = BuilderConfig::new(folder.path().join("builds"), python, javascript, compiler);
        config.toolchains = toolchains();
        config.network = network();
        change(&mut config);
        let store = wait(Store::open(&Place::Folder(folder.path().join("store")))).unwrap();
        let native = ArtifactStore::open(native).unwrap();
        let builder = Builder::new(config, runtime.clone(), native, store).unwrap();
        Self { builder, folder }
    }

    /// The folder with all that it keeps, for another one.
    pub(crate) fn into_folder(self) -> TempDir {
        self.folder
    }

    /// Loses all that is in the store, as a collection does with what nobody holds for long.
    pub(crate) fn lose_artifacts(&self) {
        let store = self.folder.path().join("store");
        let folders = std::fs::read_dir(store).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
        folders.for_each(|folder| std::fs::remove_dir_all(folder).unwrap());
    }

    /// Builds files, `function.yaml` among them.
    pub(crate) fn build(&self, files: &[(&str, &str)]) -> Result<Built, Error> {
        self.build_tree(tree(files)).0
    }

    /// The same with its log.
    pub(crate) fn build_tree(&self, source: SourceTree) -> (Result<Built, Error>, Vec<LogLine>) {
        let mut log = Vec::new();
        let built = Request::of_files(source)
            .and_then(|request| self.builder.build(&request, &Cancel::new(), |line| log.push(line)));
        (built, log)
    }

    /// Builds one text.
    pub(crate) fn build_text(&self, runtime: &str, code: &str) -> Result<Built, Error> {
        let manifest: Manifest =
            serde_json::from_value(serde_json::json!({ "name": "text", "runtime": runtime })).unwrap();
        self.builder.build(&Request::of_text(code, manifest)?, &Cancel::new(), |_| {})
    }

    /// Why it is not built.
    #[track_caller]
    pub(crate) fn refusal(&self, files: &[(&str, &str)]) -> String {
        match self.build(files) {
            Err(error) => error.to_string(),
            Ok(built) => panic!("it was built: {built:?}"),
        }
    }

    pub(crate) fn load(&self, artifact: Digest) -> Prepared {
        self.builder.load(artifact).unwrap_or_else(|error| panic!("{error}"))
    }

    /// A call of what was built.
    pub(crate) fn call(&self, built: &Built) -> Call<'static> {
        house().call_component(&self.load(built.artifact))
    }

    /// What is left of builds in the folder where they work.
    pub(crate) fn leftovers(&self) -> usize {
        std::fs::read_dir(self.folder.path().join("builds/work")).unwrap().count()
    }
}

/// A source tree of texts.
pub(crate) fn tree(files: &[(&str, &str)]) -> SourceTree {
    let files = files.iter().map(|(path, text)| (*path, text.as_bytes().to_vec()));
    SourceTree::from_files(files, &SourceLimits::default()).unwrap()
}

/// Those that `cargo xtask toolchains` described, and those on the PATH.
fn toolchains() -> Toolchains {
    let managed = cache().join("build/toolchains");
    assert!(managed.is_dir(), "no tools to build functions with: run `cargo xtask toolchains`");
    Toolchains::new(Some(managed), std::env::var_os("PATH").unwrap_or_default())
}

/// What this machine's package clients need to reach their registries.
fn network() -> NetworkAccess {
    NetworkAccess::of_clients(std::env::vars(), std::env::var_os("HOME").map(PathBuf::from).as_deref())
}

impl House {
    /// Whether two builds are the same, part by part, so that a difference can be told.
    pub(crate) fn assert_same(one: &Built, other: &Built) {
        assert_eq!(one.parts, other.parts);
        assert_eq!(one.artifact, other.artifact);
    }
}
