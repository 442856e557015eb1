//! Where things are: the checkout, and the cache that outlives it.
//!
//! What may be deleted at any time lies in the cache (shared by all checkouts, named by content) or below `.hks/` in the
//! checkout (virtual environments, the wheel, logs).

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::child;

/// The checkout that the command works on.
pub(crate) struct Workspace {
    root: PathBuf,
    cache: PathBuf,
    verbose: bool,
}

impl Workspace {
    /// Finds both places. `verbose` streams the output of children instead of keeping it in log files.
    pub(crate) fn locate(verbose: bool) -> Result<Self> {
        let manifest = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let root = Path::new(&manifest).parent().context("xtask lies in a folder of the workspace")?.to_path_buf();
        Ok(Self { root, cache: cache_folder()?.join("build"), verbose })
    }

    /// A path inside the checkout.
    pub(crate) fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.root.join(relative)
    }

    /// A path inside the cache of built things.
    pub(crate) fn cached(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.cache.join(relative)
    }

    /// A path as a person in the checkout would type it.
    pub(crate) fn shown(&self, path: &Path) -> String {
        path.strip_prefix(&self.root).unwrap_or(path).display().to_string()
    }

    /// A program that starts in the root of the checkout.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root);
        command
    }

    /// The cargo that started us.
    pub(crate) fn cargo_program(&self) -> OsString {
        env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
    }

    /// The same, without what it told us about this crate: build scripts would see it and run again.
    pub(crate) fn cargo(&self, subcommand: &str) -> Command {
        let mut command = self.command(self.cargo_program());
        for (name, _) in env::vars_os().filter(|(name, _)| is_about_this_crate(name)) {
            command.env_remove(name);
        }
        command.arg(subcommand);
        command
    }

    /// Where `cargo build --release` puts a program. `cargo run` cannot be told to select the whole workspace, which the
    /// features of shared crates depend on.
    pub(crate) fn release_binary(&self, name: &str) -> Result<PathBuf> {
        let own = env::current_exe().context("cannot find the target folder")?;
        let target = own.ancestors().nth(2).context("xtask lies in a folder of the target folder")?;
        Ok(target.join("release").join(name))
    }

    /// Runs a child whose output matters only when it fails. `log` names the file that keeps it.
    pub(crate) fn run(&self, log: &str, command: &mut Command) -> Result<()> {
        if self.verbose {
            return child::stream(command);
        }
        child::logged(command, &self.path(".hks/logs").join(log).with_extension("log"))
    }
}

fn is_about_this_crate(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") || name == "CARGO_PRIMARY_PACKAGE"
}

fn cache_folder() -> Result<PathBuf> {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("HKS_CACHE_DIR")
        .or_else(|| set("XDG_CACHE_HOME").map(|folder| folder.join("hks")))
        .or_else(|| set("HOME").map(|folder| folder.join(".cache/hks")))
        .context("no place for the cache: set HKS_CACHE_DIR to a folder that you can write")
}

/// The first program of that name on the `PATH`.
pub(crate) fn which(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}
