//! What every example begins with: a runtime, and a builder with the tools of this machine.

use std::path::{Path, PathBuf};

use anyhow::Context;
use hks_builder::store::{Place, Store};
use hks_builder::{Builder, BuilderConfig, Compiler, NetworkAccess, Toolchains};
use hks_engine::{ArtifactStore, EngineConfig};
use hks_runtime::{Runtime, RuntimeConfig};

/// Both, with all that they keep in `folder`. The interpreters come from `cargo xtask guests`, tools from
/// `cargo xtask toolchains`.
pub(crate) fn make(folder: &Path) -> anyhow::Result<(Runtime, Builder)> {
    let home = std::env::var_os("HOME").map(PathBuf::from).context("whose home has the cache?")?;
    let cache = std::env::var_os("HKS_CACHE_DIR").map_or_else(|| home.join(".cache/hks"), PathBuf::from);
    let guests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sdk-python/python/hks_sdk/_guests");
    let runtime = Runtime::new(&EngineConfig::default(), RuntimeConfig::new(folder.join("scratch")))?;
    let io = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let store = io.block_on(Store::open(&Place::Folder(folder.join("store"))))?;
    let (python, javascript) = (guests.join("python.wasm"), guests.join("javascript.wasm"));
    // What is measured here is our own.
    let mut config = BuilderConfig::new(folder.join("builds"), python, javascript, Compiler::InProcess);
    let path = std::env::var_os("PATH").unwrap_or_default();
    config.toolchains = Toolchains::new(Some(cache.join("build/toolchains")), path);
    config.network = NetworkAccess::of_clients(std::env::vars(), Some(&home));
    // Shared with the SDK, because compiling CPython takes most of a minute.
    let native = ArtifactStore::open(&cache.join("artifacts"))?;
    let builder = Builder::new(config, runtime.clone(), native, store)?;
    Ok((runtime, builder))
}
