use std::num::NonZeroUsize;
use std::path::PathBuf;

use crate::PlacesConfig;

/// What may be chosen about a runtime.
#[derive(Debug, Clone)]
pub struct RuntimeConfig {
    /// Threads that guests run on; the number of cores unless there is a reason.
    pub threads: NonZeroUsize,
    /// Instances at once.
    pub instances_max: NonZeroUsize,
    /// Prepared artifacts that are kept; the least recently used one is dropped for another.
    pub prepared_max: NonZeroUsize,
    /// A folder for the `/tmp` of attempts; made if there is none. Each gets a private folder below it while it runs.
    pub scratch: PathBuf,
    /// The slots that instances live in.
    pub places: PlacesConfig,
    /// Accept an engine that cannot interrupt its guests. For benchmarks of trusted code only.
    pub allow_unmetered: bool,
}

impl RuntimeConfig {
    /// The defaults, with `scratch` for the `/tmp` of attempts.
    #[must_use]
    pub fn new(scratch: PathBuf) -> Self {
        Self {
            threads: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            // A live CPython has less than 1 MiB of its own: a gibibyte of them.
            instances_max: NonZeroUsize::new(1000).expect("not zero"),
            // Beyond a few hundred, address space and page tables of mapped code begin to count.
            prepared_max: NonZeroUsize::new(256).expect("not zero"),
            scratch,
            places: PlacesConfig::default(),
            allow_unmetered: false,
        }
    }
}
