//! The crates that functions in Rust are made of: a workspace of their own, because they are compiled for WebAssembly and bring
//! nothing along that the rest has.

use anyhow::Result;

use super::Passed;
use crate::toolchain::{self, Component};
use crate::workspace::Workspace;

const MANIFEST: &str = "sdk-rust/Cargo.toml";

/// `cargo fmt`, `cargo clippy`, `cargo test`; that they compile for WebAssembly is tested by the builder.
pub(super) fn tests(workspace: &Workspace) -> Result<Passed> {
    Component::Rustfmt.ensure(workspace)?;
    Component::Clippy.ensure(workspace)?;
    toolchain::ensure_linker(workspace)?;
    let mut format = workspace.cargo("fmt");
    workspace.run("sdk-rust-format", format.args(["--all", "--check", "--manifest-path", MANIFEST]))?;
    let mut clippy = workspace.cargo("clippy");
    clippy.args(["--manifest-path", MANIFEST, "--locked", "--all-targets", "--", "--deny", "warnings"]);
    workspace.run("sdk-rust-clippy", &mut clippy)?;
    let mut tests = workspace.cargo("test");
    workspace.run("sdk-rust-test", tests.args(["--manifest-path", MANIFEST, "--locked", "--workspace"]))?;
    Ok(Passed::Fully)
}
