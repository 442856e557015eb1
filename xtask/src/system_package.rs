//! Programs that no package registry has: the system's own packages.

use anyhow::{Result, bail};

use crate::workspace::{Workspace, which};
use crate::{child, ui};

/// Makes sure that `program` can be run. It is installed where we may do that (root, Debian and its kin); elsewhere the
/// message says what to install and what it is needed for.
pub(crate) fn ensure(workspace: &Workspace, program: &str, package: &str, purpose: &str) -> Result<()> {
    if which(program).is_some() {
        return Ok(());
    }
    install(workspace, package, &format!("`{program}` is needed for {purpose}"))?;
    if which(program).is_some() {
        return Ok(());
    }
    bail!("the package {package} is installed, but `{program}` is still not on the PATH");
}

/// Installs a package of the system, or says who must. `reason` is why.
pub(crate) fn install(workspace: &Workspace, package: &str, reason: &str) -> Result<()> {
    let debian = which("apt-get").is_some();
    if !(debian && rustix::process::geteuid().is_root()) {
        bail!("{}", advice(package, reason, debian));
    }
    ui::step(&format!("install the system package {package}: {reason}"), || {
        let apt = |log: &str, args: &[&str]| {
            workspace.run(log, workspace.command("apt-get").env("DEBIAN_FRONTEND", "noninteractive").args(args))
        };
        // The index may be older than the mirrors' newest release, or absent as in a container image.
        child::or_note("the package index is not refreshed", apt("apt-update", &["update", "--quiet"]));
        apt("apt-install", &["install", "--yes", "--quiet", "--no-install-recommends", package])
    })
}

fn advice(package: &str, reason: &str, debian: bool) -> String {
    if debian {
        return format!("{reason}: install it with `sudo apt-get install {package}`, then run this again");
    }
    format!("{reason}: install it from your system's packages (Debian calls it {package}), then run this again")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_advice_is_a_command_where_we_know_it() {
        let reason = "`bwrap` is needed for the benchmarks";
        assert_eq!(
            advice("bubblewrap", reason, true),
            "`bwrap` is needed for the benchmarks: install it with `sudo apt-get install bubblewrap`, then run this again"
        );
        assert!(advice("bubblewrap", reason, false).contains("Debian calls it bubblewrap"));
    }
}
