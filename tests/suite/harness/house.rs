//! An engine, a store and a runtime, and the guests that were loaded for them.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use hks_engine::{ArtifactStore, EngineConfig};
use hks_runtime::{Prepared, Runtime, RuntimeConfig, Verify};
use tempfile::TempDir;

use super::{Call, Language};

/// Enough for what the tests start at once.
const PLACES: usize = 256;

/// Loops of other tests must not keep a runtime from being heard, so there are never fewer threads than this.
const THREADS: usize = 2;

/// Empty folders that a runtime may keep for later attempts.
const UNUSED_FOLDERS_MAX: usize = 64;

/// Where guests run. Most tests share one; those which count places or look at files have one of their own.
pub(crate) struct House {
    pub(crate) runtime: Runtime,
    pub(crate) scratch: PathBuf,
    guests: [OnceLock<Prepared>; 2],
    components: ArtifactStore,
    _folder: TempDir,
}

/// The house that most tests share.
pub(crate) fn house() -> &'static House {
    static HOUSE: OnceLock<House> = OnceLock::new();
    HOUSE.get_or_init(|| House::with_places(PLACES))
}

impl House {
    /// A house in which so many guests can run at once.
    pub(crate) fn with_places(instances: usize) -> Self {
        Self::with(&EngineConfig::default(), |runtime| runtime.instances_max = NonZeroUsize::new(instances).unwrap())
    }

    pub(crate) fn new(config: &EngineConfig) -> Self {
        Self::with(config, |_| {})
    }

    /// A house with another configuration. Every slot is compared with its snapshot after every use.
    pub(crate) fn with(engine: &EngineConfig, change: impl FnOnce(&mut RuntimeConfig)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let scratch = folder.path().join("scratch");
        let mut runtime = RuntimeConfig::new(scratch.clone());
        runtime.threads = NonZeroUsize::new(THREADS).unwrap();
        runtime.places.verify = Verify::Always;
        change(&mut runtime);
        Self {
            runtime: Runtime::new(engine, runtime).unwrap(),
            scratch,
            guests: [const { OnceLock::new() }; 2],
            components: ArtifactStore::open(&folder.path().join("artifacts")).unwrap(),
            _folder: folder,
        }
    }

    /// A call of source text.
    pub(crate) fn call(&self, language: Language, code: impl Into<String>) -> Call<'_> {
        Call::new(self, self.guest(language).clone(), Some(code.into()))
    }

    /// A call of source text in an interpreter that was prepared for the purpose.
    pub(crate) fn call_in(&self, interpreter: &Prepared, code: impl Into<String>) -> Call<'_> {
        Call::new(self, interpreter.clone(), Some(code.into()))
    }

    /// A call of what is a function itself.
    pub(crate) fn call_component(&self, prepared: &Prepared) -> Call<'_> {
        Call::new(self, prepared.clone(), None)
    }

    pub(crate) fn guest(&self, language: Language) -> &Prepared {
        self.guests[language as usize].get_or_init(|| self.interpreter(&language.wasm()))
    }

    /// Prepares an interpreter, which is compiled once for all runs of the tests.
    pub(crate) fn interpreter(&self, wasm: &[u8]) -> Prepared {
        let store = ArtifactStore::open(&cache().join("artifacts")).unwrap();
        let artifact = store.load_or_compile(self.runtime.engine(), wasm).unwrap();
        self.runtime.prepare(&artifact).unwrap()
    }

    /// Compiles and prepares a component from its text.
    pub(crate) fn component(&self, text: &str) -> Prepared {
        self.try_component(text).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The same, with why it was refused, by the engine or by the runtime.
    pub(crate) fn try_component(&self, text: &str) -> Result<Prepared, String> {
        let wasm = wat::parse_str(text).unwrap_or_else(|error| panic!("{error}"));
        self.try_wasm(&wasm)
    }

    /// Compiles and prepares a component.
    #[track_caller]
    pub(crate) fn wasm(&self, wasm: &[u8]) -> Prepared {
        self.try_wasm(wasm).unwrap_or_else(|error| panic!("{error}"))
    }

    fn try_wasm(&self, wasm: &[u8]) -> Result<Prepared, String> {
        let artifact =
            self.components.load_or_compile(self.runtime.engine(), wasm).map_err(|error| error.to_string())?;
        self.runtime.prepare(&artifact).map_err(|error| error.to_string())
    }

    /// Why a component is refused.
    #[track_caller]
    pub(crate) fn refusal(&self, text: &str) -> String {
        self.try_component(text).err().expect("it is refused")
    }

    /// Panics unless ordinary functions work.
    #[track_caller]
    pub(crate) fn assert_alive(&self) {
        for language in Language::ALL {
            let report = self.call(language, language.doubling()).event("21").report();
            assert_eq!(report.value.as_str(), "42", "{language:?} after the attack: {:?}", report.error);
        }
        self.assert_restored();
    }

    /// Panics if any slot was not as its snapshot says after it was put back.
    #[track_caller]
    pub(crate) fn assert_restored(&self) {
        let places = self.runtime.places();
        assert_eq!(places.differed, 0, "{places:?}");
    }

    /// Panics unless all that attempts left in their `/tmp` is gone. A report may come before its instance is gone, and
    /// folders that nobody used may be kept for others, so this waits for nothing being left in any of them.
    #[track_caller]
    pub(crate) fn assert_nothing_left(&self) {
        let patience = Instant::now() + Duration::from_secs(20);
        while !self.left_behind().is_empty() {
            assert!(Instant::now() < patience, "left behind: {:?}", self.left_behind());
            std::thread::yield_now();
        }
        assert!(entries(&self.scratch).len() <= UNUSED_FOLDERS_MAX, "{:?}", entries(&self.scratch));
    }

    fn left_behind(&self) -> Vec<PathBuf> {
        entries(&self.scratch).iter().flat_map(|folder| entries(folder)).collect()
    }
}

/// What lies in a folder; nothing where there is none.
fn entries(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

/// The cache that the command line and the SDK use, too: compiling CPython takes most of a minute.
pub(crate) fn cache() -> PathBuf {
    let from = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    from("HKS_CACHE_DIR")
        .or_else(|| from("XDG_CACHE_HOME").map(|folder| folder.join("hks")))
        .unwrap_or_else(|| Path::new(&from("HOME").expect("a HOME")).join(".cache/hks"))
}
