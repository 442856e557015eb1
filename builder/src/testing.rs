//! What tests of builds need of this machine. What is missing fails them, with the command that provides it.

use std::env;
use std::path::{Path, PathBuf};

use crate::{NetworkAccess, Toolchains};

/// The cache that the command line and the SDK use, too: compiling CPython takes most of a minute.
pub(crate) fn cache() -> PathBuf {
    let from = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    from("HKS_CACHE_DIR")
        .or_else(|| from("XDG_CACHE_HOME").map(|folder| folder.join("hks")))
        .unwrap_or_else(|| Path::new(&from("HOME").expect("a HOME")).join(".cache/hks"))
}

/// Those that `cargo xtask toolchains` described, and those on the PATH.
pub(crate) fn toolchains() -> Toolchains {
    let managed = cache().join("build/toolchains");
    assert!(managed.is_dir(), "no tools to build functions with: run `cargo xtask toolchains`");
    Toolchains::new(Some(managed), env::var_os("PATH").unwrap_or_default())
}

/// What this machine's package clients need to reach their registries.
pub(crate) fn network() -> NetworkAccess {
    NetworkAccess::of_clients(env::vars(), env::var_os("HOME").map(PathBuf::from).as_deref())
}
