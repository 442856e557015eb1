//! `cargo xtask bench`: the benchmarks against peers, with the wheel and the peers' own packages in one environment.

use anyhow::Result;

use crate::python::Python;
use crate::workspace::Workspace;
use crate::{child, system_package, ui, wheel};

const REQUIREMENTS: &str = "bench/requirements.txt";

/// Prepares the environment and hands over to `bench/run.py`.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    system_package::ensure(workspace, "bwrap", "bubblewrap", "comparing with a sandboxed process")?;
    let python = Python::find(workspace)?;
    let venv = ui::step("build and install the Python package", || wheel::install(workspace, &python, "bench"))?;
    let requirements = workspace.path(REQUIREMENTS);
    let key = crate::hash::Key::new("bench").file("requirements", &requirements)?.finish();
    venv.once("requirements", &key, || {
        ui::step("install the peers", || venv.install(workspace, "pip-bench", &requirements))
    })?;
    ui::note(&format!("python bench/run.py {}", arguments.join(" ")));
    child::stream(venv.python(workspace).arg("bench/run.py").args(arguments))
}
