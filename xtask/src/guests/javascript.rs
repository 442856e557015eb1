//! The JavaScript guest: QuickJS-ng and our runner, compiled to a core module, initialised once, packed as a component.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::Guest;
use crate::hash::Key;
use crate::python::Venv;
use crate::workspace::Workspace;
use crate::{cache, ui};

/// What the component is made of besides its sources: how it is built, the tool that packs it, and the versions of the
/// crates that the tool rests on.
pub(super) fn recipe(workspace: &Workspace, key: Key) -> Result<Key> {
    let lock = fs::read_to_string(workspace.path("Cargo.lock")).context("cannot read Cargo.lock")?;
    key.bytes("recipe", include_bytes!("javascript.rs"))
        .bytes("pins", pins(&lock).as_bytes())
        .folder("pack", &workspace.path("guests/pack"))
}

/// Packs the core module as a component that starts from its initialised memory.
///
/// `--workspace`, so that the crates below have the same features as in every other build and are compiled once.
pub(super) fn build(workspace: &Workspace, out: &Path) -> Result<()> {
    let module = module(workspace)?;
    let select = ["--release", "--locked", "--workspace", "--bin", "hks-guest-pack"];
    ui::step("build hks-guest-pack", || workspace.run("guest-pack-build", workspace.cargo("build").args(select)))?;
    let mut pack = workspace.command(workspace.release_binary("hks-guest-pack")?);
    pack.arg("--module").arg(module).args(["--wit", "wit", "--world", "interpreter", "--output"]).arg(out);
    ui::step("pack the javascript guest", || workspace.run("guest-pack", &mut pack))
}

/// The core module, before it is initialised: what the guest's own unit tests run.
pub(crate) fn module(workspace: &Workspace) -> Result<PathBuf> {
    let tools = Guest::Javascript.tools(workspace)?;
    let key = Key::new("javascript-module")
        .bytes("recipe", include_bytes!("javascript.rs"))
        .folder("sources", &Guest::Javascript.sources(workspace))?;
    let module = workspace.cached(format!("guests/javascript-{}.core.wasm", key.finish()));
    cache::file(&module, |out| ui::step("compile the javascript guest", || compile(workspace, &tools, out)))?;
    Ok(module)
}

fn compile(workspace: &Workspace, tools: &Venv, out: &Path) -> Result<()> {
    let work = workspace.cached("work/javascript");
    let _lock = cache::lock(&work)?;
    let mut python = tools.python(workspace);
    python.args(["guests/javascript/build.py", "--cargo"]).arg(workspace.cargo_program()).arg("--work").arg(work);
    workspace.run("guest-javascript", python.arg("--out").arg(out))
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
