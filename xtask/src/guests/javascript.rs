//! The JavaScript guest: QuickJS-ng and our runner, compiled to a core module, initialised once, packed as a component.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::{Guest, pack};
use crate::hash::Key;
use crate::python::Venv;
use crate::workspace::Workspace;
use crate::{cache, ui};

/// What the component is made of besides its sources: how it is built, and the tool that packs it.
pub(super) fn recipe(workspace: &Workspace, key: Key) -> Result<Key> {
    pack::recipe(workspace, key.bytes("recipe", include_bytes!("javascript.rs")))
}

/// Packs the core module as a component that starts from its initialised memory.
pub(super) fn build(workspace: &Workspace, folder: &Path) -> Result<()> {
    let module = module(workspace)?;
    let mut pack = workspace.command(pack::tool(workspace)?);
    pack.arg("--module")
        .arg(module)
        .args(["--wit", "wit", "--world", "interpreter", "--output"])
        .arg(folder.join(Guest::Javascript.file()));
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
