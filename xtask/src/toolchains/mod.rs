//! Tools that functions are built with: found on this machine, or installed into the cache from package registries.
//!
//! Each is described by a file `NAME.json` in the managed folder, which the builder reads (`builder/src/toolchain`). Tools
//! that come from PyPI or npm are pinned with hashes; what the machine has already is used where it is new enough.

mod clang;
mod go;
mod javascript;
mod python;
mod rust;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::ValueEnum;
use serde_json::json;

use crate::ui;
use crate::workspace::Workspace;

/// Where descriptions lie, in the cache.
const MANAGED: &str = "toolchains";

/// What can be provided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Toolset {
    /// uv.
    Python,
    /// Node, npm and esbuild.
    Javascript,
    /// Rust with the standard library of WebAssembly.
    Rust,
    /// Go.
    Go,
    /// A C compiler with the standard library of WebAssembly.
    Clang,
}

impl Toolset {
    /// All there are.
    pub(crate) const ALL: [Self; 5] = [Self::Python, Self::Javascript, Self::Rust, Self::Go, Self::Clang];

    fn provide(self, workspace: &Workspace) -> Result<Vec<Description>> {
        match self {
            Self::Python => python::provide(workspace),
            Self::Javascript => javascript::provide(workspace),
            Self::Rust => rust::provide(workspace),
            Self::Go => go::provide(workspace),
            Self::Clang => clang::provide(workspace),
        }
    }
}

/// How a tool is run, by the name that builds know it by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Description {
    pub(crate) name: &'static str,
    /// Absolute path.
    pub(crate) program: PathBuf,
    /// Arguments before all others.
    pub(crate) arguments: Vec<String>,
    pub(crate) environment: BTreeMap<String, String>,
    /// What it must be able to read besides the system's folders.
    pub(crate) readable: Vec<PathBuf>,
}

/// The folder with the descriptions.
pub(crate) fn managed(workspace: &Workspace) -> PathBuf {
    workspace.cached(MANAGED)
}

/// Makes sure that tools are there, and describes them.
pub(crate) fn provide(workspace: &Workspace, toolsets: &[Toolset]) -> Result<()> {
    let folder = managed(workspace);
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    for toolset in toolsets {
        for description in toolset.provide(workspace)? {
            write(&folder, &description)?;
            ui::note(&format!("{} is {}", description.name, description.program.display()));
        }
    }
    Ok(())
}

/// The first program of a set, for a step that runs it.
pub(crate) fn program(workspace: &Workspace, toolset: Toolset) -> Result<PathBuf> {
    let descriptions = toolset.provide(workspace)?;
    Ok(descriptions.into_iter().next().context("a set has a program")?.program)
}

/// Replaces a description in one step: a build may be reading it.
fn write(folder: &Path, description: &Description) -> Result<()> {
    let Description { name, program, arguments, environment, readable } = description;
    let text = json!({
        "program": program, "arguments": arguments, "environment": environment, "readable": readable,
    });
    let (file, part) =
        (folder.join(format!("{name}.json")), folder.join(format!("{name}.json.{}", std::process::id())));
    fs::write(&part, format!("{text:#}\n"))
        .and_then(|()| fs::rename(&part, &file))
        .with_context(|| format!("cannot write {}", file.display()))
}
