//! Checks of the Rust sources.
//!
//! Tests run in the release profile and over the whole workspace, so that Wasmtime is compiled once for tests, guests
//! and wheel together. Clippy and rustdoc only type-check it.

use anyhow::Result;

use super::Passed;
use crate::python::Python;
use crate::toolchain::{self, Component};
use crate::workspace::Workspace;

pub(super) fn format(workspace: &Workspace) -> Result<Passed> {
    Component::Rustfmt.ensure(workspace)?;
    workspace.run("format", workspace.cargo("fmt").args(["--all", "--", "--check"]))?;
    Ok(Passed::Fully)
}

pub(super) fn clippy(workspace: &Workspace) -> Result<Passed> {
    Component::Clippy.ensure(workspace)?;
    toolchain::ensure_linker(workspace)?;
    let mut clippy = workspace.cargo("clippy");
    clippy.args(["--locked", "--workspace", "--all-targets", "--", "--deny", "warnings"]);
    workspace.run("clippy", &mut clippy)?;
    Ok(Passed::Fully)
}

pub(super) fn docs(workspace: &Workspace) -> Result<Passed> {
    let mut doc = workspace.cargo("doc");
    doc.args(["--locked", "--no-deps", "--workspace"]).env("RUSTDOCFLAGS", "-Dwarnings");
    workspace.run("docs", &mut doc)?;
    Ok(Passed::Fully)
}

pub(super) fn test(workspace: &Workspace) -> Result<Passed> {
    let s3 = Python::find(workspace)?.tools(workspace, "s3", &workspace.path("xtask/requirements/s3.txt"))?;
    let mut tests = workspace.cargo("test");
    tests.args(["--release", "--locked", "--workspace", "--no-fail-fast"]).env("HKS_S3_SERVER", s3.bin("moto_server"));
    workspace.run("rust", &mut tests)?;
    Ok(Passed::Fully)
}

pub(super) fn fix(workspace: &Workspace) -> Result<()> {
    Component::Clippy.ensure(workspace)?;
    Component::Rustfmt.ensure(workspace)?;
    let mut clippy = workspace.cargo("clippy");
    clippy.args(["--locked", "--workspace", "--all-targets", "--fix", "--allow-dirty", "--allow-staged"]);
    workspace.run("clippy-fix", &mut clippy)?;
    workspace.run("format-fix", workspace.cargo("fmt").arg("--all"))
}
