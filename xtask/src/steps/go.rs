//! The package of functions in Go, on this machine; the builder's tests compile it for WebAssembly.

use anyhow::{Context, Result, ensure};

use super::Passed;
use crate::child;
use crate::toolchains::{self, Toolset};
use crate::workspace::Workspace;

const FOLDER: &str = "guests/go";

/// `gofmt`, `go vet`, `go test`.
pub(super) fn tests(workspace: &Workspace) -> Result<Passed> {
    let go = toolchains::program(workspace, Toolset::Go)?;
    let gofmt = go.parent().context("a program lies in a folder")?.join("gofmt");
    let unformatted = child::capture(workspace.command(gofmt).args(["-l", FOLDER]))?;
    ensure!(unformatted.is_empty(), "not as gofmt writes it: {}; run `gofmt -w {FOLDER}`", unformatted.trim_end());
    for (log, arguments) in [("go-vet", ["vet", "./..."]), ("go-test", ["test", "./..."])] {
        // It has no dependencies, and asks nobody for any.
        let offline = [("GOPROXY", "off"), ("GOTOOLCHAIN", "local"), ("GOWORK", "off"), ("GOFLAGS", "")];
        let mut go = workspace.command(&go);
        workspace.run(log, go.current_dir(workspace.path(FOLDER)).envs(offline).args(arguments))?;
    }
    Ok(Passed::Fully)
}
