//! The wheel is built with the same features of shared crates as the workspace.
//!
//! Cargo compiles a crate once for every set of features. A crate of ours that switches on something in a small shared
//! dependency makes it compile Wasmtime twice, which nobody notices but the clock. See `docs/adr/0009-one-release-build.md`.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};

use super::Passed;
use crate::child;
use crate::workspace::Workspace;

pub(super) fn check(workspace: &Workspace) -> Result<Passed> {
    let all = tree(workspace, &["--workspace", "--edges", "normal,build,dev"])?;
    let wheel = tree(workspace, &["--package", "hks-sdk-python", "--edges", "normal,build"])?;
    let other = differences(&all, &wheel);
    ensure!(
        other.is_empty(),
        "the wheel is built with other features than the workspace, so Wasmtime is compiled twice:\n{}\n\
         make the features equal, see docs/adr/0009-one-release-build.md",
        other.join("\n")
    );
    Ok(Passed::Fully)
}

/// One line for each crate: name, version, features.
fn tree(workspace: &Workspace, selection: &[&str]) -> Result<String> {
    let mut cargo = workspace.cargo("tree");
    cargo.args(["--quiet", "--locked", "--no-dedupe", "--prefix", "none", "--format", "{p} {f}"]);
    child::capture(cargo.args(selection))
}

fn differences(all: &str, wheel: &str) -> Vec<String> {
    let all: BTreeSet<&str> = all.lines().collect();
    let wheel: BTreeSet<&str> = wheel.lines().collect();
    wheel.difference(&all).map(|line| format!("    {line}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_features_are_named() {
        let all = "anyhow v1.0.0 default,std\nserde v1.0.0 derive\n";
        assert_eq!(differences(all, "anyhow v1.0.0 std\nserde v1.0.0 derive\n"), ["    anyhow v1.0.0 std"]);
        assert!(differences(all, "serde v1.0.0 derive\n").is_empty());
    }
}
