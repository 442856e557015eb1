//! uv, which resolves and installs the packages of Python functions.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;

use super::Description;
use crate::child;
use crate::python::Python;
use crate::workspace::{Workspace, which};

/// The oldest that writes what the builder reads.
const OLDEST: (u32, u32) = (0, 8);
const PINNED: &str = "xtask/requirements/uv.txt";

/// The machine's own uv if it is new enough, or a pinned one from the index.
pub(super) fn provide(workspace: &Workspace) -> Result<Vec<Description>> {
    let python = Python::find(workspace)?;
    let program = match which("uv").filter(|uv| is_new_enough(workspace, uv)) {
        Some(uv) => uv,
        None => python.tools(workspace, "uv", &workspace.path(PINNED))?.bin("uv"),
    };
    // uv asks some Python of the machine where packages go, and would look for one itself.
    let environment = BTreeMap::from([("UV_PYTHON".to_owned(), python.program().display().to_string())]);
    let readable = vec![std::fs::canonicalize(&program)?, python.prefix(workspace)?];
    Ok(vec![Description { name: "uv", program, arguments: Vec::new(), environment, readable }])
}

fn is_new_enough(workspace: &Workspace, uv: &Path) -> bool {
    let said = child::capture(workspace.command(uv).arg("--version"));
    said.is_ok_and(|text| version(&text).is_some_and(|version| version >= OLDEST))
}

/// Of a text such as `uv 0.13.9 (x86_64-unknown-linux-gnu)`.
fn version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.split(' ').nth(1)?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.trim().parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_two_numbers() {
        assert_eq!(version("uv 0.13.9 (x86_64-unknown-linux-gnu)\n"), Some((0, 13)));
        assert_eq!(version("uv 1.0\n"), Some((1, 0)));
        assert_eq!(version("error"), None);
    }
}
