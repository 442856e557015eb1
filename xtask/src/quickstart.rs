//! `cargo xtask quickstart`: from a fresh checkout to the first answer.
//!
//! The run ends with the example's own output and nothing after it, so that what a newcomer sees last is the result.

use anyhow::{Result, ensure};

use crate::python::{Python, Venv};
use crate::workspace::Workspace;
use crate::{child, toolchain, ui, wheel};

const EXAMPLE: &str = "examples/quickstart.py";

/// What the example prints last.
const ANSWER: &str = "42";

/// Builds what is missing and runs the example.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let python = ui::step("check what must be there", || {
        toolchain::ensure_linker(workspace)?;
        Python::find(workspace)
    })?;
    let venv = ui::step("build and install the Python package", || wheel::install(workspace, &python, "venv"))?;
    what_next(workspace, &venv);
    example(workspace, &venv)
}

fn what_next(workspace: &Workspace, venv: &Venv) {
    let activate = workspace.shown(&venv.bin("activate"));
    ui::note("ready. What you can do next:");
    eprintln!("      source {activate}       # then `import hks_sdk` works in python");
    eprintln!("      $EDITOR {EXAMPLE}          # change the function, and run it with python");
    eprintln!("      cargo xtask test                       # everything that CI checks");
    eprintln!("      ARCHITECTURE.md, docs/                 # how it works, and why");
    ui::note(&format!("python {EXAMPLE} prints what its function returned:"));
}

fn example(workspace: &Workspace, venv: &Venv) -> Result<()> {
    let printed = child::capture(venv.python(workspace).arg(EXAMPLE))?;
    print!("{printed}");
    let last = printed.lines().last().unwrap_or_default();
    ensure!(last == ANSWER, "the example's last line is {last:?} and should be {ANSWER:?}");
    Ok(())
}
