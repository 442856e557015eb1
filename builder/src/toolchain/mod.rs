//! Where the tools of a build are: in the managed folder, or on the PATH.
//!
//! A [`Toolchain`] is a program with all that it needs to run inside a limited child: arguments that come before all
//! others, variables, and what it must be able to read. The managed folder has one file for each, `NAME.json`, written by
//! whoever installed the tool (`cargo xtask toolchains` in a checkout). What is not there is looked up on the PATH.
//!
//! Both belong to the operator: a build's source is never looked at.

mod rust;
mod warm;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::child::Tool;

pub(crate) use warm::{CACHE, warm};

/// A file of a toolchain's description is short.
const DESCRIPTION_BYTES_MAX: u64 = 64 << 10;

/// A tool by the name that builds know it by.
struct Known {
    name: &'static str,
    /// What it is called on the PATH; nothing if it cannot be used from there as it is.
    program: Option<&'static str>,
    install: &'static str,
}

const KNOWN: [Known; 7] = [
    Known { name: "uv", program: Some("uv"), install: "install uv (pip install uv) so that it is on the PATH" },
    Known { name: "node", program: Some("node"), install: "install Node.js 20 or newer so that it is on the PATH" },
    Known { name: "npm", program: Some("npm"), install: "install Node.js with npm so that both are on the PATH" },
    Known {
        name: "esbuild",
        program: Some("esbuild"),
        install: "install esbuild (npm install -g esbuild) so that it is on the PATH",
    },
    Known { name: "go", program: Some("go"), install: "install Go 1.24 or newer so that it is on the PATH" },
    Known {
        name: "rust-wasm",
        program: None,
        install: "install Rust with rustup, and run `rustup target add wasm32-wasip2`",
    },
    Known {
        name: "clang",
        program: Some("zig"),
        install: "install zig (pip install ziglang) so that it is on the PATH",
    },
];

/// The tools of this machine.
#[derive(Debug, Clone, Default)]
pub struct Toolchains {
    managed: Option<PathBuf>,
    path: OsString,
}

/// A tool that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Toolchain {
    /// Absolute path.
    pub program: PathBuf,
    /// Arguments before all others, as in `-m ziglang cc`.
    #[serde(default)]
    pub arguments: Vec<String>,
    /// Variables that it needs. Foreign code reads them.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// Files and folders that it must be able to read and execute, besides those of the system.
    #[serde(default)]
    pub readable: Vec<PathBuf>,
}

impl Toolchains {
    /// `managed` is the folder with descriptions, `path` what to look through otherwise, as in the variable PATH.
    #[must_use]
    pub fn new(managed: Option<PathBuf>, path: impl Into<OsString>) -> Self {
        Self { managed, path: path.into() }
    }

    /// The tool of that name.
    ///
    /// # Errors
    /// [`Error::MissingTool`] with what to install; [`Error::Host`] when its description cannot be read.
    pub(crate) fn require(&self, name: &'static str) -> Result<Toolchain, Error> {
        let known = KNOWN.iter().find(|known| known.name == name).expect("every tool that builds use is known");
        if let Some(described) = self.described(name)? {
            return Ok(described);
        }
        let found = match known.program {
            Some(program) => self.on_path(program),
            None if name == "rust-wasm" => rust::on_path(&self.path),
            None => None,
        };
        found.ok_or(Error::MissingTool { tool: known.name, install: known.install })
    }

    /// Where builds may keep what they have made for builds to come; nothing where there is no managed folder.
    pub(crate) fn kept(&self, name: &str) -> Option<PathBuf> {
        self.managed.as_ref().map(|folder| folder.join(name))
    }

    /// Where caches of compilers are kept that [`warm`] fills; nowhere if no folder is managed.
    fn warm_folder(&self) -> Option<PathBuf> {
        self.managed.as_ref().map(|folder| folder.join("warm"))
    }

    /// Names of tools, and whether they are there: for those who diagnose a machine.
    pub fn survey(&self) -> impl Iterator<Item = (&'static str, Result<Toolchain, Error>)> + '_ {
        KNOWN.iter().map(|known| (known.name, self.require(known.name)))
    }

    fn described(&self, name: &str) -> Result<Option<Toolchain>, Error> {
        let Some(folder) = &self.managed else { return Ok(None) };
        let file = folder.join(format!("{name}.json"));
        let Ok(metadata) = fs::metadata(&file) else { return Ok(None) };
        let wrong = |reason: String| Error::Host(format!("the toolchain's description {}: {reason}", file.display()));
        if metadata.len() > DESCRIPTION_BYTES_MAX {
            return Err(wrong(format!("it has more than {DESCRIPTION_BYTES_MAX} bytes")));
        }
        let text = fs::read(&file).map_err(|error| wrong(error.to_string()))?;
        let toolchain: Toolchain = serde_json::from_slice(&text).map_err(|error| wrong(error.to_string()))?;
        // Deleted caches leave descriptions behind: then it is as if there were none.
        Ok(toolchain.program.is_file().then_some(toolchain))
    }

    /// A program of the PATH, as it is, with the folder that it was installed into.
    fn on_path(&self, program: &str) -> Option<Toolchain> {
        let candidates = std::env::split_paths(&self.path).filter(|folder| folder.is_absolute());
        let found = candidates.map(|folder| folder.join(program)).find(|file| is_executable(file))?;
        let resolved = fs::canonicalize(&found).ok()?;
        let mut readable = vec![resolved.clone()];
        readable.extend(installed_into(&resolved).map(Path::to_path_buf));
        // Not the resolved path: programs such as npm look at what they are called by.
        let (arguments, environment) = (Vec::new(), BTreeMap::new());
        Some(Toolchain { program: found, arguments, environment, readable })
    }
}

/// `/usr/local/go` of `/usr/local/go/bin/go`.
fn installed_into(program: &Path) -> Option<&Path> {
    let folder = program.parent()?;
    let is_bin = folder.file_name() == Some(OsStr::new("bin"));
    let prefix = if is_bin { folder.parent()? } else { folder };
    // A tool right below the root, or below somebody's home, does not open all of that.
    (prefix.components().count() > 2).then_some(prefix)
}

fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(file).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

impl Toolchain {
    /// The tool, working in `folder`.
    pub(crate) fn tool(&self, folder: &Path) -> Tool {
        let mut tool = Tool::new(&self.program, folder).arguments(&self.arguments);
        for (name, value) in &self.environment {
            tool = tool.environment(name, value);
        }
        self.readable.iter().fold(tool, Tool::readable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(found: Result<Toolchain, Error>) -> String {
        found.unwrap_err().to_string()
    }

    #[test]
    fn what_is_missing_is_named_with_what_to_install() {
        let none = Toolchains::new(None, "");
        assert!(message(none.require("go")).contains("needs go, which is not installed here; install Go 1.24"));
        assert!(none.survey().all(|(_, found)| matches!(found, Err(Error::MissingTool { .. }))));
    }

    #[test]
    fn a_description_comes_before_the_path() {
        let folder = tempfile::tempdir().unwrap();
        let path = Toolchains::new(Some(folder.path().into()), "/usr/bin:/bin");
        let text = r#"{"program": "/bin/sh", "arguments": ["-e"], "environment": {"A": "1"}, "readable": ["/opt"]}"#;
        fs::write(folder.path().join("uv.json"), text).unwrap();
        let found = path.require("uv").unwrap();
        assert_eq!((found.program, found.arguments), (PathBuf::from("/bin/sh"), vec!["-e".to_owned()]));
    }

    #[test]
    fn a_description_of_what_is_gone_counts_for_none_and_a_bad_one_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let tools = Toolchains::new(Some(folder.path().into()), "");
        fs::write(folder.path().join("uv.json"), r#"{"program": "/nowhere/uv"}"#).unwrap();
        assert!(matches!(tools.require("uv"), Err(Error::MissingTool { .. })));
        fs::write(folder.path().join("go.json"), r#"{"programme": "/bin/sh"}"#).unwrap();
        let error = message(tools.require("go"));
        assert!(error.contains("go.json") && error.contains("programme"), "{error}");
    }

    #[test]
    fn a_tool_does_not_open_the_home_it_lies_in() {
        assert_eq!(installed_into(Path::new("/usr/local/go/bin/go")), Some(Path::new("/usr/local/go")));
        assert_eq!(installed_into(Path::new("/opt/zig/zig")), Some(Path::new("/opt/zig")));
        assert_eq!(installed_into(Path::new("/root/bin/uv")), None);
        assert_eq!(installed_into(Path::new("/bin/uv")), None);
    }
}
