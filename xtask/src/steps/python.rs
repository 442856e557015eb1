//! Checks of the Python sources: the SDK as users install it, and the driver inside the Python guest.

use anyhow::{Context, Result};

use super::Passed;
use crate::python::{Python, Venv, Version};
use crate::workspace::Workspace;
use crate::{hash, wheel};

/// Where Python sources are.
const SOURCES: [&str; 5] = ["sdk-python", "guests", "tests", "examples", "bench"];

/// Its `pyproject.toml` has the settings of pytest and mypy.
const SDK: &str = "sdk-python";

/// What the driver's sources need at least, because they are written for the interpreter in the guest.
const GUEST_PYTHON: Version = (3, 11);

pub(super) fn wheel(workspace: &Workspace) -> Result<Passed> {
    wheel::install(workspace, &Python::find(workspace)?, "test")?;
    Ok(Passed::Fully)
}

pub(super) fn sdk_tests(workspace: &Workspace) -> Result<Passed> {
    let venv = with_test_packages(workspace, &Python::find(workspace)?, "test")?;
    let mut pytest = venv.python(workspace);
    workspace.run("pytest", pytest.args(["-m", "pytest", "-q"]).current_dir(workspace.path(SDK)))?;
    Ok(Passed::Fully)
}

pub(super) fn types(workspace: &Workspace) -> Result<Passed> {
    let venv = with_test_packages(workspace, &Python::find(workspace)?, "test")?;
    let mut mypy = venv.python(workspace);
    workspace.run("mypy", mypy.args(["-m", "mypy", "--strict"]).current_dir(workspace.path(SDK)))?;
    let mut stubtest = venv.python(workspace);
    workspace.run("stubtest", stubtest.args(["-m", "mypy.stubtest", "hks_sdk._hks"]))?;
    Ok(Passed::Fully)
}

pub(super) fn guest_tests(workspace: &Workspace) -> Result<Passed> {
    let (major, minor) = GUEST_PYTHON;
    let python = Python::find_at_least(workspace, GUEST_PYTHON).with_context(|| {
        format!("the guest's tests need a Python {major}.{minor} or newer: install one, or set PYTHON to it")
    })?;
    let venv = with_test_packages(workspace, &python, "guest-test")?;
    workspace.run("guest-python-tests", venv.python(workspace).args(["-m", "pytest", "-q", "guests/python/tests"]))?;
    Ok(Passed::Fully)
}

pub(super) fn ruff(workspace: &Workspace) -> Result<Passed> {
    run_ruff(workspace, "ruff-lint", &["check", "--output-format", "concise"])?;
    run_ruff(workspace, "ruff-format", &["format", "--diff"])?;
    Ok(Passed::Fully)
}

pub(super) fn ruff_fix(workspace: &Workspace) -> Result<()> {
    run_ruff(workspace, "ruff-lint", &["check", "--fix"])?;
    run_ruff(workspace, "ruff-format", &["format"])
}

fn run_ruff(workspace: &Workspace, log: &str, arguments: &[&str]) -> Result<()> {
    let tools = Python::find(workspace)?.tools(workspace, "lint", &workspace.path("xtask/requirements/lint.txt"))?;
    let there = SOURCES.iter().filter(|folder| workspace.path(folder).is_dir());
    let mut ruff = workspace.command(tools.bin("ruff"));
    workspace.run(log, ruff.args(arguments).args(["--config", "xtask/ruff.toml"]).args(there))
}

/// An environment of the checkout with the packages that tests use.
fn with_test_packages(workspace: &Workspace, python: &Python, name: &str) -> Result<Venv> {
    let requirements = workspace.path(wheel::REQUIREMENTS);
    let venv = python.venv(workspace, name)?;
    let key = hash::Key::new("test").file("requirements", &requirements)?.finish();
    venv.once("test-packages", &key, || venv.install(workspace, "pip-test", &requirements))?;
    Ok(venv)
}
