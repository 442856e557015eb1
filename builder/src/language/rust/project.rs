//! A function's source as a cargo package: where it lies, and what of it is compiled.

use std::fs;
use std::path::{Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use hks_protocol::manifest::Manifest;
use serde::Deserialize;

use super::sdk;
use crate::Error;
use crate::source::SourceTree;

/// The manifest of a function that is one file; `FILE` is its name.
const STARTER: &str = include_str!("starter.toml");

/// What the dependencies of [`STARTER`] were when this builder was made. To renew it, run
/// `cargo generate-lockfile` beside a `Cargo.toml` made of [`STARTER`], with the SDK patched in as builds do it.
pub(super) const STARTER_LOCK: &str = include_str!("starter.lock");

const MANIFEST: &str = "Cargo.toml";
const LOCK: &str = "Cargo.lock";

/// A function's package in the build's folder.
#[derive(Debug)]
pub(super) struct Project {
    pub(super) folder: PathBuf,
    /// Whether the versions of dependencies are given.
    pub(super) is_locked: bool,
    /// Whether a manifest names our SDK.
    pub(super) uses_sdk: bool,
    /// Whether the package leaves to us how much is optimised.
    pub(super) is_silent_about_speed: bool,
    /// Configuration of cargo that came with it.
    pub(super) config: Option<PathBuf>,
}

impl Project {
    /// Writes the source into `folder`, which is made, with the SDK if it is used.
    pub(super) fn lay(source: &SourceTree, manifest: Option<&Manifest>, folder: PathBuf) -> Result<Self, Error> {
        let taken = |path: &str| path == sdk::FOLDER || path.starts_with(&format!("{}/", sdk::FOLDER));
        if let Some((path, _)) = source.iter().find(|(path, _)| taken(path.as_str())) {
            return Err(Error::Refused(format!(
                "{}: the builder puts the SDK there; name it otherwise",
                path.as_str()
            )));
        }
        let failed = || Error::host("write the function's source");
        fs::create_dir(&folder).map_err(failed())?;
        let opened = Dir::open_ambient_dir(&folder, ambient_authority()).map_err(failed())?;
        source.write_to(&opened)?;
        let is_locked = match source.get(MANIFEST) {
            Some(text) => {
                let text = std::str::from_utf8(text)
                    .map_err(|_| Error::Refused(format!("{MANIFEST} is not text in UTF-8")))?;
                fs::write(folder.join(MANIFEST), as_root(text)).map_err(failed())?;
                source.get(LOCK).is_some()
            }
            None => {
                fs::write(folder.join(MANIFEST), starter(source, manifest)?).map_err(failed())?;
                fs::write(folder.join(LOCK), STARTER_LOCK).map_err(failed())?;
                true
            }
        };
        let root = fs::read_to_string(folder.join(MANIFEST)).map_err(failed())?;
        let manifests = source.iter().filter(|(path, _)| path.file_name() == MANIFEST);
        let mut texts = manifests.map(|(_, content)| String::from_utf8_lossy(content));
        let uses_sdk = root.contains(sdk::NAME) || texts.any(|text| text.contains(sdk::NAME));
        if uses_sdk {
            sdk::unpack(&folder)?;
        }
        let config = folder.join(".cargo/config.toml");
        Ok(Self {
            is_locked,
            uses_sdk,
            is_silent_about_speed: !root.contains("opt-level"),
            config: source.get(".cargo/config.toml").is_some().then_some(config),
            folder,
        })
    }

    pub(super) fn manifest(&self) -> PathBuf {
        self.folder.join(MANIFEST)
    }

    pub(super) fn sdk(&self) -> PathBuf {
        self.folder.join(sdk::FOLDER).join("guest")
    }
}

/// What of the function's folder cargo wrote: the versions of dependencies.
pub(super) fn lock_path(function: &str) -> String {
    format!("{function}/{LOCK}")
}

/// The manifest as the root of a workspace: cargo looks for one in the folders above, which are not ours.
fn as_root(text: &str) -> String {
    let names_one = |line: &str| {
        let line = line.trim_start();
        line.strip_prefix('[').unwrap_or(line).trim_start().starts_with("workspace")
    };
    if text.lines().any(names_one) { text.to_owned() } else { format!("{text}\n[workspace]\n") }
}

/// A manifest for a function that is one file, by the name of `handler`, or the only one there is.
fn starter(source: &SourceTree, manifest: Option<&Manifest>) -> Result<String, Error> {
    let named = manifest.and_then(Manifest::handler).map(|handler| handler.file().to_owned());
    let mut files = source.iter().map(|(path, _)| path.as_str()).filter(|path| path.ends_with(".rs"));
    let file = match (named, files.next(), files.next()) {
        (Some(named), ..) => named,
        (None, Some(only), None) => only.to_owned(),
        (None, None, _) => {
            return Err(Error::Refused("there is no Rust in it: send a Cargo.toml with src/, or one .rs file".into()));
        }
        (None, Some(_), Some(_)) => {
            let advice =
                "send a Cargo.toml with them, or say in function.yaml which one is the root (handler: main.rs)";
            return Err(Error::Refused(format!("there are several .rs files and no Cargo.toml: {advice}")));
        }
    };
    let Some(text) = source.get(&file) else {
        return Err(Error::Refused(format!("handler: there is no file {file}")));
    };
    if !file.chars().all(|c| c.is_ascii_alphanumeric() || "._-/".contains(c)) {
        return Err(Error::Refused(format!("{file:?}: name it with letters, digits, `_` and `-`")));
    }
    let root = as_root(&STARTER.replace("FILE", &file));
    let text = String::from_utf8_lossy(text);
    // A program that reads the event from stdin is one too.
    if text.contains("fn main(") && !text.contains("handler]") {
        let program = root.replace("[lib]", "[[bin]]\nname = \"function\"");
        return Ok(program.replace("crate-type = [\"cdylib\"]\n", ""));
    }
    Ok(root)
}

/// What is compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) package: String,
    pub(super) name: String,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Library,
    Program,
}

#[derive(Debug, Deserialize)]
struct Metadata {
    packages: Vec<PackageFound>,
    workspace_default_members: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct PackageFound {
    id: String,
    name: String,
    targets: Vec<TargetFound>,
}

#[derive(Debug, Deserialize)]
struct TargetFound {
    name: String,
    kind: Vec<String>,
    crate_types: Vec<String>,
}

impl Target {
    /// Chooses from what `cargo metadata` says: a library, or the one program.
    pub(super) fn choose(metadata: &str) -> Result<Self, Error> {
        let read: Metadata = serde_json::from_str(metadata).map_err(Error::host("read what cargo knows"))?;
        let is_member = |package: &&PackageFound| read.workspace_default_members.contains(&package.id);
        let packages: Vec<_> = read.packages.iter().filter(is_member).collect();
        let [package] = packages[..] else {
            let names: Vec<_> = packages.iter().map(|package| package.name.as_str()).collect();
            let advice = "name the one that is the function: `default-members = [\"…\"]` below [workspace]";
            return Err(Error::Refused(format!(
                "Cargo.toml has {} packages ({}); {advice}",
                names.len(),
                names.join(", ")
            )));
        };
        let of_kind = |kinds: &'static [&str]| {
            let matches = move |target: &&TargetFound| target.kind.iter().any(|kind| kinds.contains(&kind.as_str()));
            package.targets.iter().filter(matches)
        };
        let library = of_kind(&["lib", "rlib", "cdylib", "dylib", "staticlib"]).next();
        let programs: Vec<_> = of_kind(&["bin"]).collect();
        let is_made_to_be_loaded = library.is_some_and(|library| library.crate_types.iter().any(|one| one == "cdylib"));
        let (target, kind) = match (library, &programs[..]) {
            (Some(library), _) if is_made_to_be_loaded => (library, Kind::Library),
            (_, [program]) => (*program, Kind::Program),
            (Some(library), _) => (library, Kind::Library),
            (None, []) => return Err(Error::Refused(format!("the package {} has nothing to compile", package.name))),
            (None, several) => {
                let names: Vec<_> = several.iter().map(|program| program.name.as_str()).collect();
                let advice = "keep one, or make a library of the function";
                let message =
                    format!("the package {} has several programs ({}); {advice}", package.name, names.join(", "));
                return Err(Error::Refused(message));
            }
        };
        Ok(Self { package: package.name.clone(), name: target.name.clone(), kind })
    }

    /// Where cargo puts it, below the folder of a target.
    pub(super) fn file(&self) -> String {
        // Files of libraries have the name of the crate, those of programs the name as it is written.
        match self.kind {
            Kind::Library => format!("{}.wasm", self.name.replace('-', "_")),
            Kind::Program => format!("{}.wasm", self.name),
        }
    }
}

/// For tests, and for the kit.
pub(super) fn of_one_file(name: &str, text: &'static str) -> Result<SourceTree, Error> {
    Ok(SourceTree::from_file(name, text.as_bytes(), &crate::source::SourceLimits::default())?)
}

/// As cargo reads it, whatever the path is made of.
pub(super) fn quoted(path: &Path) -> String {
    // What JSON escapes, TOML escapes in the same way.
    serde_json::Value::from(path.to_string_lossy()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> SourceTree {
        let files = files.iter().map(|(path, text)| (*path, text.as_bytes().to_vec()));
        SourceTree::from_files(files, &crate::source::SourceLimits::default()).unwrap()
    }

    #[test]
    fn a_file_gets_a_manifest_with_the_sdk() {
        let text = starter(&tree(&[("hello.rs", "#[hks_sdk::handler] fn main() {}")]), None).unwrap();
        assert!(text.contains("path = \"hello.rs\"\ncrate-type = [\"cdylib\"]"), "{text}");
        assert!(text.ends_with("\n[workspace]\n"), "{text}");
        let program = starter(&tree(&[("main.rs", "fn main() {}")]), None).unwrap();
        assert!(program.contains("[[bin]]\nname = \"function\"\npath = \"main.rs\"\n\n"), "{program}");
    }

    #[test]
    fn what_is_no_package_is_explained() {
        let message = |files: &[(&str, &str)]| starter(&tree(files), None).unwrap_err().to_string();
        assert!(message(&[("a.txt", "")]).contains("there is no Rust in it"));
        assert!(message(&[("a.rs", ""), ("b.rs", "")]).contains("several .rs files"));
        assert!(message(&[("a b.rs", "")]).contains("name it with letters"));
    }

    #[test]
    fn a_manifest_is_made_the_root_of_its_workspace_once() {
        assert_eq!(as_root("[package]\n"), "[package]\n\n[workspace]\n");
        for text in ["[workspace]\nmembers = []\n", "[ workspace.package ]\n", "workspace.members = []\n"] {
            assert_eq!(as_root(text), text);
        }
    }

    fn choice(targets: &str) -> Result<Target, String> {
        let text = format!(
            r#"{{"packages": [{{"id": "f", "name": "f", "targets": [{targets}]}}], "workspace_default_members": ["f"]}}"#
        );
        Target::choose(&text).map_err(|error| error.to_string())
    }

    #[test]
    fn a_library_is_chosen_unless_it_is_of_a_program() {
        let (lib, cdylib) = (
            r#"{"name": "a-b", "kind": ["lib"], "crate_types": ["lib"]}"#,
            r#"{"name": "a-b", "kind": ["cdylib", "rlib"], "crate_types": ["cdylib", "rlib"]}"#,
        );
        let (one, two) = (
            r#"{"name": "one", "kind": ["bin"], "crate_types": ["bin"]}"#,
            r#"{"name": "two", "kind": ["bin"], "crate_types": ["bin"]}"#,
        );
        let file = |targets: &[&str]| choice(&targets.join(",")).map(|target| target.file());
        assert_eq!(file(&[lib]).unwrap(), "a_b.wasm");
        assert_eq!(file(&[cdylib, one]).unwrap(), "a_b.wasm");
        assert_eq!(file(&[lib, one]).unwrap(), "one.wasm");
        assert!(file(&[one, two]).unwrap_err().contains("several programs (one, two)"));
        assert!(file(&[]).unwrap_err().contains("nothing to compile"));
    }

    #[test]
    fn a_workspace_says_which_package_is_the_function() {
        let text = r#"{"packages": [{"id": "a", "name": "a", "targets": []}, {"id": "b", "name": "b", "targets": []}],
            "workspace_default_members": ["a", "b"]}"#;
        let message = Target::choose(text).unwrap_err().to_string();
        assert!(message.contains("2 packages (a, b)") && message.contains("default-members"), "{message}");
    }
}
