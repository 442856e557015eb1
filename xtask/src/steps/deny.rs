//! What the dependencies are: their licenses, where they come from, and whether advisories name one of them.
//!
//! The first two are checked against Cargo.lock alone. Advisories come from a git repository that no package registry
//! carries, so a machine that reaches registries only cannot check them. That is said, loudly, and does not fail the
//! step: a check that depends on somebody's network would be switched off before long.

use std::fs;
use std::time::Duration;

use anyhow::Result;

use super::Passed;
use crate::workspace::Workspace;
use crate::{child, toolchain, ui};

const VERSION: &str = "0.20.2";

/// A firewall may swallow the connection instead of refusing it.
const FETCH_MAX: Duration = Duration::from_secs(90);

const LOG: &str = ".hks/logs/advisories.log";

pub(super) fn check(workspace: &Workspace) -> Result<Passed> {
    let deny = toolchain::cargo_tool(workspace, "cargo-deny", VERSION)?;
    let mut offline = workspace.command(&deny);
    offline.args(["--locked", "--workspace", "check", "--hide-inclusion-graph", "bans", "licenses", "sources"]);
    workspace.run("deny", &mut offline)?;
    let fetched = child::quiet_within(FETCH_MAX, workspace.command(&deny).args(["fetch", "db"]), &workspace.path(LOG));
    if fetched.is_ok() {
        let mut advisories = workspace.command(&deny);
        workspace.run("advisories", advisories.args(["--locked", "check", "--disable-fetch", "advisories"]))?;
        return Ok(Passed::Fully);
    }
    Ok(not_checked(&fs::read_to_string(workspace.path(LOG)).unwrap_or_default()))
}

fn not_checked(log: &str) -> Passed {
    let reason = log.lines().find(|line| line.contains("ERROR")).unwrap_or("no answer in time").trim();
    ui::warn("security advisories were NOT checked: their database cannot be reached from this machine");
    ui::warn(reason);
    ui::warn("run `cargo xtask test --only deny` where github.com can be reached before you release");
    Passed::Except("advisories not checked, their database cannot be reached".into())
}
