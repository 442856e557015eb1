//! The tool that finishes guests: it initialises and packs JavaScript's, and fuses the modules of Python's.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::hash::Key;
use crate::ui;
use crate::workspace::Workspace;

/// What its output depends on: its sources, and the versions of the crates that it rests on.
pub(super) fn recipe(workspace: &Workspace, key: Key) -> Result<Key> {
    let lock = fs::read_to_string(workspace.path("Cargo.lock")).context("cannot read Cargo.lock")?;
    key.bytes("tool", include_bytes!("pack.rs"))
        .bytes("pins", pins(&lock).as_bytes())
        .folder("pack", &workspace.path("guests/pack"))
}

/// Builds it and returns the program.
///
/// `--workspace`, so that the crates below have the same features as in every other build and are compiled once.
pub(super) fn tool(workspace: &Workspace) -> Result<PathBuf> {
    let select = ["--release", "--locked", "--workspace", "--bin", "hks-guest-pack"];
    ui::step("build hks-guest-pack", || workspace.run("guest-pack-build", workspace.cargo("build").args(select)))?;
    workspace.release_binary("hks-guest-pack")
}

/// Makes one core module of those that the component `linked` links.
pub(crate) fn fuse(workspace: &Workspace, linked: &Path, out: &Path) -> Result<()> {
    run(workspace, "fuse", linked, out)
}

/// Lets executions write to less of the memory of the fused CPython `fused`.
pub(super) fn quiet(workspace: &Workspace, fused: &Path, out: &Path) -> Result<()> {
    run(workspace, "quiet", fused, out)
}

fn run(workspace: &Workspace, command: &str, input: &Path, out: &Path) -> Result<()> {
    let mut tool = workspace.command(tool(workspace)?);
    tool.arg(command).arg("--input").arg(input).arg("--output").arg(out);
    ui::step(&format!("{command} {}", workspace.shown(input)), || workspace.run(command, &mut tool))
}

/// Name, version and checksum of every crate that reads or writes WebAssembly.
fn pins(lock: &str) -> String {
    let packages = lock.split("[[package]]").filter_map(|package| {
        let field = |name: &str| package.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        let name = field("name = ");
        let counts = ["\"wasm", "\"wit-"].iter().any(|prefix| name.starts_with(prefix));
        counts.then(|| format!("{name} {} {}\n", field("version = "), field("checksum = ")))
    });
    packages.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pins_are_those_of_webassembly_crates() {
        let lock = "version = 4\n\n[[package]]\nname = \"serde\"\nversion = \"1.0.0\"\n\n\
                    [[package]]\nname = \"wasmtime\"\nversion = \"48.0.8\"\nchecksum = \"abc\"\n";
        assert_eq!(pins(lock), "\"wasmtime\" \"48.0.8\" \"abc\"\n");
    }
}
