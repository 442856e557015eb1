//! The Python guest: CPython, its standard library and our driver in one component, made by componentize-py, its modules
//! fused and its memory rested by our own tool.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::{Guest, pack};
use crate::hash::Key;
use crate::ui;
use crate::workspace::Workspace;

/// The guest as componentize-py links it, which is kept beside the fused one: the tests show that both do the same, and
/// another build of the same sources would differ (the seed of `hash()`).
pub(super) const LINKED: &str = "python.linked.wasm";

/// The working folder of CPython while the component is built, as `process.fix_working_folder` leaves it: a name that stands
/// nowhere else in memory.
const FOLDER_OF_BUILD: &[u8] = b"/python/json/../json/../json";

/// What it is for functions, for the C library that keeps it. It is not there to move to before a function runs, and moving
/// there then would open it in every execution.
const FOLDER_OF_FUNCTIONS: &[u8] = b"/tmp\0";

/// What the guest is made of besides its sources: how it is built, fused and rested.
pub(super) fn recipe(workspace: &Workspace, key: Key) -> Result<Key> {
    pack::recipe(workspace, key.bytes("recipe", include_bytes!("python.rs")))
}

/// Builds it: componentize-py links, `hks-guest-pack fuse` makes one module of what it linked, and `hks-guest-pack quiet`
/// changes its memory so that executions write to less of it. A refusal of either ends the build: the tools are pinned, so
/// that it comes with an update of them, which is to be looked at, and a guest without these steps costs twice as much.
pub(super) fn build(workspace: &Workspace, folder: &Path) -> Result<()> {
    let (linked, fused) = (folder.join(LINKED), folder.join("python.fused.wasm"));
    componentize(workspace, &linked)?;
    set_working_folder(&linked)?;
    pack::fuse(workspace, &linked, &fused)?;
    pack::quiet(workspace, &fused, &folder.join(Guest::Python.file()))?;
    fs::remove_file(&fused).with_context(|| format!("cannot delete {}", fused.display()))
}

/// `PYTHONHASHSEED` fixes the order of sets while the interpreter is initialised, so that the same sources give the same
/// memory. The packages of the requirements file are on the path because some of them are embedded.
fn componentize(workspace: &Workspace, out: &Path) -> Result<()> {
    let tools = Guest::Python.tools(workspace)?;
    let mut componentize = workspace.command(tools.bin("componentize-py"));
    componentize
        .args(["--wit-path", "wit", "--world", "interpreter", "componentize", "hks_guest.entry"])
        .args(["--python-path", "guests/python/src", "--python-path"])
        .arg(tools.packages(workspace)?)
        .arg("--output")
        .arg(out)
        .env("PYTHONHASHSEED", "0")
        .env("RUST_BACKTRACE", "0");
    ui::step("build the python guest", || workspace.run("guest-python", &mut componentize))
}

/// Writes the working folder of functions over that of the build.
fn set_working_folder(component: &Path) -> Result<()> {
    let mut bytes = fs::read(component).with_context(|| format!("cannot read {}", component.display()))?;
    let mut places = 0;
    let mut at = 0;
    while let Some(slash) = bytes[at..].iter().position(|&byte| byte == FOLDER_OF_BUILD[0]) {
        at += slash;
        if bytes[at..].starts_with(FOLDER_OF_BUILD) {
            bytes[at..at + FOLDER_OF_FUNCTIONS.len()].copy_from_slice(FOLDER_OF_FUNCTIONS);
            places += 1;
        }
        at += 1;
    }
    ensure!(places > 0, "the working folder of the build is not in {}", component.display());
    fs::write(component, bytes).with_context(|| format!("cannot write {}", component.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_copy_of_the_folder_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("component");
        fs::write(&file, b"/python/json\0/python/json/../json/../json\0/x//python/json/../json/../json").unwrap();
        set_working_folder(&file).unwrap();
        let rest = "/json/../json/../json".len() + "/python".len() - "/tmp\0".len();
        let replaced = fs::read(&file).unwrap();
        assert!(replaced.starts_with(b"/python/json\0/tmp\0"));
        assert_eq!(replaced.windows(5).filter(|window| window == b"/tmp\0").count(), 2);
        assert_eq!(replaced.len(), 13 + 5 + rest + 4 + 5 + rest);
        assert!(set_working_folder(&file).is_err());
    }
}
