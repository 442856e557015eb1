//! `cargo xtask fuse`: what finishes the Python guest, for any component.

use std::path::{self, Path};

use anyhow::{Context, Result, ensure};

use crate::guests::pack;
use crate::ui;
use crate::workspace::Workspace;

/// Fuses `input` into `output`. Paths are those of the folder where the command was typed.
pub(crate) fn run(workspace: &Workspace, input: &Path, output: &Path) -> Result<()> {
    // before the tool is built, which may take a while
    ensure!(input.is_file(), "there is no file {}", input.display());
    let absolute = |path: &Path| path::absolute(path).with_context(|| format!("no such place: {}", path.display()));
    pack::fuse(workspace, &absolute(input)?, &absolute(output)?)?;
    ui::note(&format!("written: {}", output.display()));
    Ok(())
}
