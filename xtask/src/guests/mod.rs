//! The interpreter guests: components that are built here, never committed, and found again by what they are made of.
//!
//! A guest's key is a hash over its sources, the WIT world, its pinned tools and the file of this folder that says how
//! it is built. A guest whose key is known is copied from the cache.

pub(crate) mod javascript;
pub(crate) mod pack;
mod python;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;

use crate::hash::Key;
use crate::python::{Python, Venv};
use crate::workspace::Workspace;
use crate::{cache, ui};

/// Where the SDK looks for the guests, and where its wheel takes them from.
const DESTINATION: &str = "sdk-python/python/hks_sdk/_guests";

/// Where the tests find what is only for them.
const FOR_TESTS: &str = ".hks/guests";

/// A language whose interpreter is a guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Guest {
    Python,
    Javascript,
}

impl Guest {
    /// All there are.
    pub(crate) const ALL: [Self; 2] = [Self::Python, Self::Javascript];

    fn name(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::Javascript => "javascript",
        }
    }

    /// What its component is called.
    fn file(self) -> String {
        format!("{}.wasm", self.name())
    }

    /// A file that its build leaves for the tests.
    fn file_for_tests(self) -> Option<&'static str> {
        match self {
            Self::Python => Some(python::LINKED),
            Self::Javascript => None,
        }
    }

    /// Its folder in the checkout.
    fn sources(self, workspace: &Workspace) -> PathBuf {
        workspace.path("guests").join(self.name())
    }

    /// What it is built with, pinned by its requirements file.
    pub(crate) fn tools(self, workspace: &Workspace) -> Result<Venv> {
        let requirements = self.sources(workspace).join("requirements.txt");
        Python::find(workspace)?.tools(workspace, self.name(), &requirements)
    }

    fn key(self, workspace: &Workspace) -> Result<String> {
        let key =
            Key::new(self.name()).folder("sources", &self.sources(workspace))?.folder("wit", &workspace.path("wit"))?;
        let key = match self {
            Self::Python => python::recipe(workspace, key)?,
            Self::Javascript => javascript::recipe(workspace, key)?,
        };
        Ok(key.finish())
    }

    /// Fills a folder with its files.
    fn build(self, workspace: &Workspace, folder: &Path) -> Result<()> {
        match self {
            Self::Python => python::build(workspace, folder),
            Self::Javascript => javascript::build(workspace, folder),
        }
    }
}

/// Puts a guest in its place, built or from the cache, and returns that place.
pub(crate) fn provide(workspace: &Workspace, guest: Guest) -> Result<PathBuf> {
    let (name, key) = (guest.name(), guest.key(workspace)?);
    let cached = workspace.cached(format!("guests/{name}-{key}"));
    let found = cache::folder(&cached, |folder| {
        fs::create_dir(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        guest.build(workspace, folder)?;
        ensure!(guest.key(workspace)? == key, "its sources changed while it was built: run this again");
        check(&folder.join(guest.file()))
    })
    .with_context(|| format!("the {name} guest cannot be built"))?;
    let place = workspace.path(DESTINATION).join(guest.file());
    cache::install(&cached.join(guest.file()), &place)?;
    if let Some(file) = guest.file_for_tests() {
        cache::install(&cached.join(file), &workspace.path(FOR_TESTS).join(file))?;
    }
    if found == cache::Found::Ready {
        ui::note(&format!("the {name} guest is up to date: {}", workspace.shown(&place)));
    }
    Ok(place)
}

/// What a build tool wrote must be a component: the `\0asm` magic, then version 13 and layer 1 of the component format.
fn check(file: &Path) -> Result<()> {
    let bytes = fs::read(file).with_context(|| format!("the build left no {}", file.display()))?;
    ensure!(bytes.starts_with(b"\0asm\x0d\0\x01\0"), "{} is not a WebAssembly component", file.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_core_module_is_no_guest() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("guest.wasm");
        fs::write(&file, b"\0asm\x01\0\0\0").unwrap();
        assert!(check(&file).unwrap_err().to_string().contains("is not a WebAssembly component"));
        fs::write(&file, b"\0asm\x0d\0\x01\0").unwrap();
        check(&file).unwrap();
    }
}
