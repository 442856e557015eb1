//! `cargo xtask soak`: the long form of the test `soak`, which `cargo test` runs for some seconds.

use anyhow::Result;

use crate::child;
use crate::guests::{self, Guest};
use crate::workspace::Workspace;

/// Runs so many executions; fails if anything is left over.
pub(crate) fn run(workspace: &Workspace, executions: u64) -> Result<()> {
    for guest in Guest::ALL {
        guests::provide(workspace, guest)?;
    }
    // The whole workspace, so that Wasmtime is not compiled again with other features.
    let mut soak = workspace.cargo("test");
    soak.args(["--release", "--locked", "--workspace", "--test", "soak", "--"]);
    child::stream(soak.arg("--executions").arg(executions.to_string()))
}
