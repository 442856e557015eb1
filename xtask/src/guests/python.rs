//! The Python guest: CPython, its standard library and our driver in one component, made by componentize-py, its modules
//! fused by our own tool.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::{Guest, pack};
use crate::hash::Key;
use crate::ui;
use crate::workspace::Workspace;

/// What the guest is made of besides its sources: how it is built and fused.
pub(super) fn recipe(workspace: &Workspace, key: Key) -> Result<Key> {
    pack::recipe(workspace, key.bytes("recipe", include_bytes!("python.rs")))
}

/// Builds it: componentize-py links, and `hks-guest-pack fuse` makes one module of what it linked.
pub(super) fn build(workspace: &Workspace, out: &Path) -> Result<()> {
    let linked = out.with_extension("linked");
    componentize(workspace, &linked)?;
    let mut fuse = workspace.command(pack::tool(workspace)?);
    fuse.arg("fuse").arg("--input").arg(&linked).arg("--output").arg(out);
    ui::step("fuse the python guest", || workspace.run("guest-python-fuse", &mut fuse))?;
    fs::remove_file(&linked).with_context(|| format!("cannot delete {}", linked.display()))
}

/// `PYTHONHASHSEED` fixes the order of sets while the interpreter is initialised, so that the same sources give the same
/// memory. The packages of the requirements file are on the path because some of them are embedded.
fn componentize(workspace: &Workspace, out: &Path) -> Result<()> {
    let tools = Guest::Python.tools(workspace)?;
    let mut componentize = workspace.command(tools.bin("componentize-py"));
    componentize
        .args(["--wit-path", "wit", "--world", "interpreter", "componentize", "hks_guest.entry"])
        .args(["--python-path", "guests/python/src", "--python-path"])
        .arg(tools.packages(workspace)?)
        .arg("--output")
        .arg(out)
        .env("PYTHONHASHSEED", "0")
        .env("RUST_BACKTRACE", "0");
    ui::step("build the python guest", || workspace.run("guest-python", &mut componentize))
}
