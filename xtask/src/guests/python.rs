//! The Python guest: CPython, its standard library and our driver in one component, made by componentize-py.

use std::path::Path;

use anyhow::Result;

use super::Guest;
use crate::hash::Key;
use crate::ui;
use crate::workspace::Workspace;

/// What the guest is made of besides its sources: how it is built.
pub(super) fn recipe(key: Key) -> Key {
    key.bytes("recipe", include_bytes!("python.rs"))
}

/// Builds it. `PYTHONHASHSEED` fixes the order of sets while the interpreter is initialised, so that the same sources
/// give the same memory. The packages of the requirements file are on the path because some of them are embedded.
pub(super) fn build(workspace: &Workspace, out: &Path) -> Result<()> {
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
