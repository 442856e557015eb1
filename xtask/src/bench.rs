//! `cargo xtask bench`: the benchmarks against peers, with the wheel and the peers' own packages in one environment.

use anyhow::Result;

use crate::python::Python;
use crate::workspace::Workspace;
use crate::{child, system_package, ui, wheel};

/// The peers.
const REQUIREMENTS: &str = "bench/requirements.txt";
/// What the measured functions import. It is for the guest, and so not installed beside the peers.
const PACKAGES: &str = "bench/packages.txt";

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
    let packages = workspace.path(PACKAGES);
    let key = crate::hash::Key::new("bench").file("packages", &packages)?.finish();
    venv.once("packages", &key, || venv.install_to("guest-packages", workspace, "pip-bench-packages", &packages))?;
    crate::toolchains::provide(workspace, &crate::toolchains::Toolset::ALL)?;
    ui::step("build the programs that measure from within", || {
        let mut build = workspace.cargo("build");
        // All of the workspace, so that Wasmtime is compiled with the same features, and not twice.
        build.args(["--release", "--locked", "--workspace", "--examples"]);
        workspace.run("examples", &mut build)
    })?;
    ui::note(&format!("python bench/run.py {}", arguments.join(" ")));
    let mut bench = venv.python(workspace);
    bench.args(["bench/run.py", "--programs"]).arg(workspace.release_binary("examples")?);
    child::stream(bench.args(arguments))
}
