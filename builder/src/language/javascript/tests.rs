//! Builds with the real tools in the real child, and runs what they made in the real guest.
//!
//! `cargo xtask toolchains javascript` and `cargo xtask guests javascript` provide both.

mod bundles;
mod packages;
mod phases;
mod running;
mod single;

use std::time::Duration;

use hks_protocol::{Attempt, Manifest};

use super::build;
use crate::child::{Cancel, ChildLimits, Isolation};
use crate::language::{Interpreted, Product};
use crate::source::{SourceLimits, SourceTree};
use crate::testing::{network, toolchains};
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
    built_with(&toolchains(), files, lines)
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
