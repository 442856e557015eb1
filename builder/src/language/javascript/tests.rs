//! Builds with the real tools in the real child, and runs what they made in the real guest.
//!
//! `cargo xtask toolchains javascript` and `cargo xtask guests javascript` provide both.

mod bundles;
mod packages;
mod phases;
mod running;
mod single;

use std::env;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hks_protocol::{Attempt, Manifest};

use super::build;
use crate::NetworkAccess;
use crate::child::{Cancel, ChildLimits, Isolation};
use crate::language::{Interpreted, Product};
use crate::source::{SourceLimits, SourceTree};
use crate::workshop::Rules;
use crate::{Error, LogLine, Toolchains, Workshop};

/// A manifest with these lines.
pub(super) fn manifest(lines: &str) -> Manifest {
    crate::manifest::parse("function.yaml", format!("name: test\n{lines}").as_bytes()).unwrap()
}

/// Files, and one that every tree may have.
pub(super) fn tree(files: &[(&str, &str)]) -> SourceTree {
    let files = files.iter().map(|(path, text)| (path.to_string(), text.to_string()));
    let files = files.chain([("function.yaml".to_owned(), String::new())]);
    SourceTree::from_files(files, &SourceLimits::default()).unwrap()
}

/// What came of a build, and what it said.
struct Built {
    done: Result<Interpreted, Error>,
    log: Vec<LogLine>,
}

impl Built {
    #[track_caller]
    fn ok(self) -> Interpreted {
        self.done.unwrap_or_else(|error| panic!("{error}\n{:#?}", self.log))
    }

    #[track_caller]
    fn refusal(self) -> String {
        match self.done {
            Err(error @ Error::Refused(_)) => error.to_string(),
            other => panic!("{other:?}"),
        }
    }
}

/// Builds with the tools of this machine.
fn built(files: &[(&str, &str)], lines: &str) -> Built {
    built_with(&tools(), files, lines)
}

/// Builds where there is no tool at all.
fn built_without_tools(files: &[(&str, &str)], lines: &str) -> Built {
    built_with(&Toolchains::default(), files, lines)
}

fn built_with(toolchains: &Toolchains, files: &[(&str, &str)], lines: &str) -> Built {
    built_from(toolchains, &tree(files), &manifest(lines))
}

fn built_from(toolchains: &Toolchains, source: &SourceTree, manifest: &Manifest) -> Built {
    let folder = tempfile::tempdir().unwrap();
    let rules = Rules { limits: ChildLimits::default(), isolation: Isolation::Required, network: network() };
    let (cancel, mut log) = (Cancel::new(), Vec::new());
    let mut keep = |line| log.push(line);
    let timeout = Duration::from_secs(300);
    let path = folder.path().to_path_buf();
    let mut workshop = Workshop::new(path, toolchains, &rules, timeout, &cancel, &mut keep);
    let done = build(source, manifest, &mut workshop).map(|product| match product {
        Product::Interpreted(interpreted) => interpreted,
        other => panic!("{other:?}"),
    });
    Built { done, log }
}

/// Those that `cargo xtask toolchains` described, and those on the PATH.
fn tools() -> Toolchains {
    let tools = Toolchains::new(Some(cache().join("build/toolchains")), env::var_os("PATH").unwrap_or_default());
    for name in ["node", "npm", "esbuild"] {
        tools.require(name).unwrap_or_else(|error| panic!("{error}, or run `cargo xtask toolchains javascript`"));
    }
    tools
}

/// What npm of this machine needs to reach its registry.
fn network() -> NetworkAccess {
    let set = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    let names = ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"];
    let mut environment: Vec<_> = names.iter().filter_map(|name| Some((name.to_string(), set(name)?))).collect();
    let mut readable = Vec::new();
    let own = set("NPM_CONFIG_USERCONFIG").or_else(|| Some(format!("{}/.npmrc", set("HOME")?)));
    let files = [("NODE_EXTRA_CA_CERTS", set("NODE_EXTRA_CA_CERTS")), ("NPM_CONFIG_USERCONFIG", own)];
    for (name, file) in files {
        if let Some(file) = file.filter(|file| Path::new(file).is_file()) {
            readable.push(PathBuf::from(&file));
            environment.push((name.into(), file));
        }
    }
    environment.extend(env::vars().filter(|(name, _)| name.eq_ignore_ascii_case("npm_config_registry")));
    NetworkAccess { environment, readable }
}

/// The cache that the command line and the SDK use, too.
fn cache() -> PathBuf {
    let from = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    from("HKS_CACHE_DIR")
        .or_else(|| from("XDG_CACHE_HOME").map(|folder| folder.join("hks")))
        .unwrap_or_else(|| Path::new(&from("HOME").expect("a HOME")).join(".cache/hks"))
}
