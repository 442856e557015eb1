//! `go.mod`: made where there is none, completed with our package, and its dependencies fetched.

use std::fs;

use hks_protocol::Manifest;
use serde::Deserialize;

use super::{Go, HELPER};
use crate::child::Network;
use crate::language::compiled::{SOURCE, read_below};
use crate::source::SourceTree;
use crate::{Error, Workshop};

/// For functions that are loose files. The name is what tracebacks show.
const GENERATED: &str = "module function\n\ngo 1.24\n\nrequire hks v0.1.0\n\nreplace hks => ../hks\n";

/// What our package is required as: any version will do, since a folder replaces it.
const REQUIRED: &str = "hks@v0.1.0";
const REPLACED: &str = "hks=../hks";

/// The `go` line that our package has. The main module's may not be lower.
const LANGUAGE_MINOR: u32 = 21;

/// More is no list that a person's dependencies make.
const LOCK_BYTES_MAX: u64 = 4 << 20;

/// As `go mod edit -json` prints it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GoMod {
    module: Option<Module>,
    #[serde(default)]
    go: String,
    require: Option<Vec<Module>>,
    replace: Option<Vec<Replace>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Module {
    path: String,
    /// None for a folder.
    #[serde(default)]
    version: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Replace {
    old: Module,
    new: Module,
}

impl GoMod {
    /// Requirements that have to be fetched.
    fn remote(&self) -> usize {
        let is_folder = |required: &&Module| {
            let mut replacements = self.replace.iter().flatten();
            replacements.any(|replace| replace.old.path == required.path && replace.new.version.is_empty())
        };
        let required = self.require.iter().flatten().filter(|required| required.path != HELPER);
        required.filter(|required| !is_folder(required)).count()
    }

    /// What makes our package part of it, whatever it says of that already.
    fn edits(&self) -> Vec<String> {
        let replaced = self.replace.iter().flatten().filter(|replace| replace.old.path == HELPER);
        let mut edits: Vec<String> = replaced
            .map(|Replace { old, .. }| match old.version.as_str() {
                "" => format!("-dropreplace={HELPER}"),
                version => format!("-dropreplace={HELPER}@{version}"),
            })
            .collect();
        edits.extend([format!("-require={REQUIRED}"), format!("-replace={REPLACED}")]);
        if !is_at_least(&self.go, LANGUAGE_MINOR) {
            edits.push(format!("-go=1.{LANGUAGE_MINOR}"));
        }
        edits
    }
}

/// As in `1.21` or `1.24.3`.
fn is_at_least(go: &str, minor: u32) -> bool {
    let mut numbers = go.split('.').map(|number| number.parse::<u32>().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= (1, minor)
}

/// Makes the module ready to be compiled without the network. Returns the text of `go.sum`, if there is one.
pub(super) fn prepare(
    source: &SourceTree,
    manifest: &Manifest,
    go: &Go,
    workshop: &mut Workshop<'_>,
) -> Result<Option<String>, Error> {
    if source.get("go.mod").is_none() {
        let place = workshop.folder().join(SOURCE).join("go.mod");
        fs::write(place, GENERATED).map_err(Error::host("write go.mod"))?;
        return Ok(None);
    }
    let tool = || go.tool(workshop.folder()).starts_in(SOURCE).arguments(["mod"]);
    let (look, edit) = (tool().arguments(["edit", "-json"]), tool().arguments(["edit"]));
    let fetch = tool().arguments([if source.get("go.sum").is_some() { "download" } else { "tidy" }]);
    let text = workshop.capture("read go.mod", &look, Network::Denied)?;
    let found: GoMod = serde_json::from_str(&text).map_err(Error::host("read what `go mod edit -json` prints"))?;
    if found.module.as_ref().is_some_and(|module| module.path == HELPER) {
        let reason = format!("go.mod: a module cannot be called {HELPER:?}, as the package of functions is; rename it");
        return Err(Error::Refused(reason));
    }
    workshop.run("complete go.mod", &edit.arguments(found.edits()), Network::Denied)?;
    match found.remote() {
        0 => {}
        count if !manifest.build().dependencies => {
            return Err(Error::Refused(format!(
                "go.mod requires {count} modules, and build.dependencies is off in function.yaml; switch it on, or send a folder \
                 vendor (`go mod vendor`)"
            )));
        }
        _ => workshop.run("fetch modules", &fetch, Network::Allowed)?,
    }
    lock(workshop)
}

fn lock(workshop: &Workshop<'_>) -> Result<Option<String>, Error> {
    let folder = workshop.folder().join(SOURCE);
    if !folder.join("go.sum").exists() {
        return Ok(None);
    }
    let text = read_below(&folder, "go.sum", LOCK_BYTES_MAX + 1).map_err(Error::host("read go.sum"))?;
    if text.len() as u64 > LOCK_BYTES_MAX {
        return Err(Error::Refused("go.sum has more than 4 MiB; run `go mod tidy`".into()));
    }
    let text = String::from_utf8(text).map_err(|_| Error::Refused("go.sum is not UTF-8; run `go mod tidy`".into()))?;
    Ok(Some(text).filter(|text| !text.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn go_mod(text: &str) -> GoMod {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn only_what_no_folder_replaces_is_fetched() {
        let found = go_mod(
            r#"{"Module": {"Path": "a"}, "Go": "1.24", "Require": [{"Path": "hks", "Version": "v0.1.0"},
                {"Path": "example.com/b", "Version": "v1.0.0", "Indirect": true}, {"Path": "example.com/c", "Version": "v1.0.0"}],
                "Replace": [{"Old": {"Path": "example.com/c"}, "New": {"Path": "./c"}}]}"#,
        );
        assert_eq!(found.remote(), 1);
        assert_eq!(found.edits(), ["-require=hks@v0.1.0", "-replace=hks=../hks"]);
    }

    #[test]
    fn what_a_module_says_of_our_package_is_replaced() {
        let found = go_mod(
            r#"{"Module": {"Path": "a"}, "Require": null, "Replace": [{"Old": {"Path": "hks", "Version": "v0.1.0"},
                "New": {"Path": "/etc"}}, {"Old": {"Path": "hks"}, "New": {"Path": "evil.example", "Version": "v1.0.0"}}]}"#,
        );
        let edits = found.edits();
        assert_eq!(edits[..2], ["-dropreplace=hks@v0.1.0", "-dropreplace=hks"]);
        assert_eq!(edits[2..], ["-require=hks@v0.1.0", "-replace=hks=../hks", "-go=1.21"]);
    }
}
