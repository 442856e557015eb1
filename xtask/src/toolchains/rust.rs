//! Rust that compiles to WebAssembly.
//!
//! What the machine has is used if it has the target. Where rustup can fetch the target, it does, in seconds. Where it cannot, as
//! without a way to its server, the target's standard library is compiled from Debian's sources once: see [`from_source`].

mod from_source;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::Description;
use crate::workspace::{Workspace, which};
use crate::{child, toolchain, ui};

/// What functions are compiled for.
const TARGET: &str = "wasm32-wasip2";

/// What rustup downloads has some 20 MB.
const DOWNLOAD_MAX: Duration = Duration::from_secs(180);

/// Finds it, or provides it.
pub(super) fn provide(workspace: &Workspace) -> Result<Vec<Description>> {
    // Build scripts and macros of crates are programs of this machine.
    toolchain::ensure_linker(workspace)?;
    let sysroot = sysroot(workspace)?;
    if has_target(&sysroot) || (which("rustup").is_some() && fetch(workspace, &sysroot)) {
        return Ok(vec![described(&sysroot)?]);
    }
    Ok(vec![from_source::provide(workspace, &sysroot)?])
}

/// Of the compiler that this project is compiled with: not what a file in some folder chooses.
fn sysroot(workspace: &Workspace) -> Result<PathBuf> {
    let printed = child::capture(workspace.command("rustc").args(["--print", "sysroot"]))?;
    Ok(PathBuf::from(printed.trim_end()))
}

fn has_target(sysroot: &Path) -> bool {
    sysroot.join("lib/rustlib").join(TARGET).join("lib").is_dir()
}

/// Whether rustup could add the target. Why not is in the log.
fn fetch(workspace: &Workspace, sysroot: &Path) -> bool {
    let Some(toolchain) = sysroot.file_name() else { return false };
    let mut rustup = workspace.command("rustup");
    rustup.args(["target", "add", TARGET, "--toolchain"]).arg(toolchain);
    let log = workspace.path(".hks/logs/rustup-target.log");
    let fetched = ui::step(&format!("fetch the standard library for {TARGET} (20 MB)"), || {
        child::quiet_within(DOWNLOAD_MAX, &mut rustup, &log)
    });
    if let Err(error) = fetched {
        ui::note(&format!("{error:#}; it is compiled instead ({})", workspace.shown(&log)));
    }
    has_target(sysroot)
}

fn described(sysroot: &Path) -> Result<Description> {
    let (program, compiler) = (sysroot.join("bin/cargo"), sysroot.join("bin/rustc"));
    if !program.is_file() {
        bail!("{} is not there: install cargo beside the compiler", program.display());
    }
    let compiler = compiler.to_str().context("the toolchain's path is not UTF-8")?.to_owned();
    let environment = BTreeMap::from([("RUSTC".to_owned(), compiler)]);
    let (arguments, readable) = (Vec::new(), vec![sysroot.to_path_buf()]);
    Ok(Description { name: "rust-wasm", program, arguments, environment, readable })
}
