//! The Python package: built as a wheel in the release profile, installed into a virtual environment of the checkout.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::guests::{self, Guest};
use crate::hash::Key;
use crate::python::{Python, Venv};
use crate::workspace::Workspace;
use crate::{cache, toolchain};

/// What the package is built and tested with.
pub(crate) const REQUIREMENTS: &str = "sdk-python/requirements-dev.txt";

/// Builds the wheel with both guests in it.
pub(crate) fn build(workspace: &Workspace, python: &Python) -> Result<PathBuf> {
    toolchain::ensure_linker(workspace)?;
    for guest in Guest::ALL {
        guests::provide(workspace, guest)?;
    }
    let tools = python.tools(workspace, "sdk", &workspace.path(REQUIREMENTS))?;
    let folder = workspace.path(".hks/wheel");
    cache::remove(&folder)?;
    let mut pip = tools.python(workspace);
    pip.args(["-m", "pip", "wheel", "--verbose", "--disable-pip-version-check", "--no-input"]);
    // The build backend is the pinned one of `tools`; pip would fetch another into an environment of its own.
    pip.args(["--no-deps", "--no-build-isolation", "--wheel-dir"]).arg(&folder).arg("./sdk-python");
    workspace.run("wheel", pip.env("PATH", tools.path_with_programs()?))?;
    only_file(&folder)
}

/// Installs it into the environment `name`, unless the same bytes are there already.
pub(crate) fn install(workspace: &Workspace, python: &Python, name: &str) -> Result<Venv> {
    let wheel = build(workspace, python)?;
    let venv = python.venv(workspace, name)?;
    let key = Key::new("wheel").file("wheel", &wheel)?.finish();
    venv.once("wheel", &key, || {
        workspace.run("pip-wheel", venv.pip_install(workspace).arg("--force-reinstall").arg(&wheel))
    })?;
    Ok(venv)
}

fn only_file(folder: &std::path::Path) -> Result<PathBuf> {
    let context = || format!("no wheel in {}", folder.display());
    let entry = fs::read_dir(folder).with_context(context)?.next().with_context(context)?;
    Ok(entry.with_context(context)?.path())
}
