//! Command lines of cargo.
//!
//! Cargo reads configuration in all folders above the one that it is started in, which are the operator's: so it is started in
//! `/`, and is told what it needs. What the function brings is read where its code may run as well, never by the step that
//! has the network.

use std::path::{Path, PathBuf};

use super::project::{Kind, Project, Target, quoted};
use super::{TARGET, sdk};
use crate::child::Tool;
use crate::toolchain::Toolchain;

/// Cargo, for one build.
#[derive(Debug)]
pub(super) struct Cargo {
    pub(super) toolchain: Toolchain,
    /// The build's.
    pub(super) folder: PathBuf,
}

/// Where crates of registries come from when nothing may be fetched.
#[derive(Debug, Clone)]
pub(super) enum Crates {
    /// The builder's own, for all to read.
    Kit {
        /// Folder.
        vendor: PathBuf,
    },
    /// What this build has fetched.
    Fetched {
        /// Folder.
        vendor: PathBuf,
        /// What cargo said about it.
        config: PathBuf,
    },
}

impl Cargo {
    pub(super) fn target(&self) -> PathBuf {
        self.folder.join("target")
    }

    /// Fetches all crates into `vendor`, and prints how they are found there.
    pub(super) fn vendor(&self, project: &Project, vendor: &Path, operators: &[PathBuf]) -> Tool {
        let mut tool = self.start("vendor", project).arguments(["--versioned-dirs", "--respect-source-config"]);
        for config in operators {
            tool = tool.arguments([Path::new("--config"), config]);
        }
        locked(tool, project).arguments([vendor])
    }

    /// Succeeds if `crates` has all that the function needs, and then writes its lock.
    pub(super) fn resolve(&self, project: &Project, crates: &Crates) -> Tool {
        let tool = self.offline(self.start("fetch", project), project, crates).arguments(["--target", TARGET]);
        locked(tool, project)
    }

    /// Prints what there is to compile.
    pub(super) fn metadata(&self, project: &Project, crates: &Crates) -> Tool {
        let tool = self.start("metadata", project).arguments(["--no-deps", "--format-version", "1"]);
        self.offline(tool, project, crates)
    }

    /// Compiles.
    pub(super) fn compile(&self, project: &Project, crates: &Crates, target: &Target) -> Tool {
        let tool =
            self.start("rustc", project).arguments(["--release", "--target", TARGET, "--package", &target.package]);
        let tool = match target.kind {
            Kind::Library => tool.arguments(["--lib", "--crate-type", "cdylib"]),
            Kind::Program => tool.arguments(["--bin", &target.name]),
        };
        let mut tool =
            self.offline(tool, project, crates).arguments(["--locked", "--target-dir"]).arguments([self.target()]);
        if project.is_silent_about_speed {
            tool = tool.arguments(["--config", "profile.release.opt-level=2"]);
        }
        // Where it was built must not be seen in what was built.
        let mut moved = vec![match crates {
            Crates::Kit { vendor } | Crates::Fetched { vendor, .. } => remapped(vendor, "/vendor"),
        }];
        let own = [remapped(&project.folder, "/function"), remapped(&self.target(), "/target")];
        // The kit was compiled with the very same flags, so they name nothing of this build.
        if matches!(crates, Crates::Fetched { .. }) {
            moved.extend(own.clone());
        }
        let flags: Vec<_> = moved.iter().map(|flag| quoted(Path::new(flag))).collect();
        let flags = format!("target.{TARGET}.rustflags=[{}]", flags.join(", "));
        tool.arguments(["--config", &flags, "--"]).arguments(own)
    }

    fn start(&self, subcommand: &str, project: &Project) -> Tool {
        let tool = self.toolchain.tool(&self.folder).starts_in("/");
        let tool = tool
            .environment("CARGO_HOME", self.folder.join("cargo-home"))
            .environment("CARGO_INCREMENTAL", "0")
            .environment("CARGO_TERM_COLOR", "never")
            .environment("CARGO_TERM_PROGRESS_WHEN", "never")
            .environment("SOURCE_DATE_EPOCH", "0");
        let tool = tool.arguments([subcommand, "--manifest-path"]).arguments([project.manifest()]);
        if !project.uses_sdk {
            return tool;
        }
        let patch = format!("patch.crates-io.{}.path={}", sdk::NAME, quoted(&project.sdk()));
        tool.arguments(["--config", &patch])
    }

    fn offline(&self, tool: Tool, project: &Project, crates: &Crates) -> Tool {
        let mut tool = tool.arguments(["--offline"]);
        if let Some(config) = &project.config {
            tool = tool.arguments([Path::new("--config"), config]);
        }
        match crates {
            Crates::Kit { vendor } => {
                let directory = format!("source.vendored-sources.directory={}", quoted(vendor));
                let replaced = r#"source.crates-io.replace-with="vendored-sources""#;
                tool.arguments(["--config", replaced, "--config", &directory]).readable(vendor)
            }
            Crates::Fetched { config, .. } => tool.arguments([Path::new("--config"), config]),
        }
    }
}

fn locked(tool: Tool, project: &Project) -> Tool {
    if project.is_locked { tool.arguments(["--locked"]) } else { tool }
}

fn remapped(from: &Path, to: &str) -> String {
    format!("--remap-path-prefix={}={to}", from.display())
}
