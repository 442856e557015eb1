//! The Rust toolchain's own parts, and tools that cargo installs.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::workspace::{Workspace, which};
use crate::{cache, child, system_package, ui};

/// A component of rustup that a step runs through cargo.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Component {
    Rustfmt,
    Clippy,
}

impl Component {
    fn name(self) -> &'static str {
        match self {
            Self::Rustfmt => "rustfmt",
            Self::Clippy => "clippy",
        }
    }

    fn subcommand(self) -> &'static str {
        match self {
            Self::Rustfmt => "fmt",
            Self::Clippy => "clippy",
        }
    }

    /// Makes sure that it is there: rustup's minimal profile leaves both out.
    pub(crate) fn ensure(self, workspace: &Workspace) -> Result<()> {
        let there = || child::succeeds(workspace.cargo(self.subcommand()).arg("--version"));
        let name = self.name();
        if there() {
            return Ok(());
        }
        if which("rustup").is_none() {
            bail!("`cargo {}` is missing: install {name} for the Rust toolchain in use", self.subcommand());
        }
        ui::step(&format!("install the toolchain's {name}"), || {
            workspace.run(name, workspace.command("rustup").args(["component", "add", name]))
        })
        .with_context(|| format!("{name} is missing: run `rustup component add {name}`"))
    }
}

/// The linker that rustc calls, which is the C compiler.
pub(crate) fn ensure_linker(workspace: &Workspace) -> Result<()> {
    system_package::ensure(workspace, "cc", "gcc", "linking Rust programs")
}

/// A tool from crates.io in exactly this version, built once per machine.
pub(crate) fn cargo_tool(workspace: &Workspace, name: &str, version: &str) -> Result<PathBuf> {
    let root = workspace.cached(format!("tools/{name}-{version}"));
    cache::folder(&root, |root| {
        ui::step(&format!("install {name} {version} (once, some minutes)"), || {
            let mut cargo = workspace.cargo("install");
            cargo.args([name, "--locked", "--version", version, "--root"]).arg(root);
            workspace.run(name, quick_to_build(&mut cargo).env("CARGO_TARGET_DIR", root.join("target")))?;
            cache::remove(&root.join("target"))
        })
    })?;
    Ok(root.join("bin").join(name))
}

/// A tool that runs for seconds is not worth minutes of link-time optimisation.
fn quick_to_build(cargo: &mut Command) -> &mut Command {
    cargo
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1")
        .env("CARGO_PROFILE_RELEASE_DEBUG", "false")
}
