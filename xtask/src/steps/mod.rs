//! The steps of `cargo xtask test`, in the order in which CI runs them.

mod deny;
mod go;
mod javascript;
mod links;
mod one_build;
mod python;
mod rust;
mod sdk_rust;

use anyhow::Result;

use crate::guests::{self, Guest};
use crate::toolchains::{self, Toolset};
use crate::workspace::Workspace;

/// How a step went that did not fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Passed {
    /// All of it was checked.
    Fully,
    /// Something could not be checked on this machine; the text says what and why.
    Except(String),
}

/// One named check.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    /// Steps whose results it uses. They stand before it in the list.
    pub(crate) needs: &'static [&'static str],
    pub(crate) run: fn(&Workspace) -> Result<Passed>,
}

/// Every step.
pub(crate) const ALL: &[Step] = &[
    Step { name: "format", about: "cargo fmt --check", needs: &[], run: rust::format },
    Step { name: "clippy", about: "cargo clippy, warnings are errors", needs: &[], run: rust::clippy },
    Step { name: "docs", about: "cargo doc, warnings are errors", needs: &[], run: rust::docs },
    Step { name: "links", about: "links between the documents lead somewhere", needs: &[], run: links::check },
    Step { name: "deny", about: "cargo deny: licenses, bans, sources, advisories", needs: &[], run: deny::check },
    Step { name: "one-build", about: "Wasmtime is compiled once for all", needs: &[], run: one_build::check },
    Step { name: "guests", about: "build the interpreter guests", needs: &[], run: guests },
    Step { name: "toolchains", about: "provide what functions are built with", needs: &[], run: toolchains },
    Step {
        name: "rust",
        about: "cargo test in the release profile",
        needs: &["guests", "toolchains"],
        run: rust::test,
    },
    Step { name: "wheel", about: "build and install the Python package", needs: &["guests"], run: python::wheel },
    Step { name: "pytest", about: "tests of the Python package", needs: &["wheel"], run: python::sdk_tests },
    Step { name: "types", about: "mypy --strict and stubtest", needs: &["wheel"], run: python::types },
    Step { name: "ruff", about: "format and lint of the Python sources", needs: &[], run: python::ruff },
    Step {
        name: "guest-python",
        about: "unit tests of the Python guest's driver",
        needs: &[],
        run: python::guest_tests,
    },
    Step {
        name: "sdk-rust",
        about: "format, clippy and tests of the crates for functions in Rust",
        needs: &[],
        run: sdk_rust::tests,
    },
    Step { name: "guest-go", about: "format, vet and unit tests of the Go package", needs: &[], run: go::tests },
    Step { name: "guest-javascript", about: "unit tests of the JavaScript guest", needs: &[], run: javascript::tests },
];

/// The subset that is done in seconds once it is warm.
pub(crate) const FAST: [&str; 4] = ["format", "clippy", "links", "ruff"];

/// Mends what the fast steps can mend by themselves.
pub(crate) fn fix(workspace: &Workspace) -> Result<()> {
    rust::fix(workspace)?;
    python::ruff_fix(workspace)
}

fn toolchains(workspace: &Workspace) -> Result<Passed> {
    toolchains::provide(workspace, &Toolset::ALL)?;
    Ok(Passed::Fully)
}

fn guests(workspace: &Workspace) -> Result<Passed> {
    for guest in Guest::ALL {
        guests::provide(workspace, guest)?;
    }
    Ok(Passed::Fully)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_need_stands_before_its_step() {
        for (index, step) in ALL.iter().enumerate() {
            for need in step.needs {
                assert!(ALL[..index].iter().any(|earlier| earlier.name == *need), "{} needs {need}", step.name);
            }
        }
    }

    #[test]
    fn names_are_unique_and_the_fast_ones_exist() {
        let mut names: Vec<_> = ALL.iter().map(|step| step.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ALL.len());
        assert!(FAST.iter().all(|fast| names.contains(fast)));
    }
}
