//! Which file a function begins with.

use hks_protocol::Manifest;
use serde::Deserialize;

use crate::Error;
use crate::source::SourceTree;

/// In the order in which they are looked for: what was written comes before what was made of it.
const EXTENSIONS: [&str; 8] = ["ts", "mts", "cts", "tsx", "js", "mjs", "cjs", "jsx"];
const NAMES: [&str; 4] = ["handler", "function", "index", "main"];
const FOLDERS: [&str; 2] = ["", "src/"];

/// A file and what in it is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) file: String,
    pub(super) kind: Kind,
    /// The name that the manifest gives to the handler, if it is another than those that the guest looks for.
    pub(super) function: Option<String>,
}

/// How a file is read, by its extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Javascript,
    Typescript,
    /// Either of them with elements of JSX, which only the bundler translates.
    Jsx,
}

/// What can be run without a bundler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Alone {
    Javascript,
    Typescript,
}

impl Kind {
    fn of(file: &str) -> Option<Self> {
        if file.ends_with(".d.ts") || file.ends_with(".d.mts") || file.ends_with(".d.cts") {
            return None;
        }
        match file.rsplit_once('.')?.1 {
            "js" | "mjs" | "cjs" => Some(Self::Javascript),
            "ts" | "mts" | "cts" => Some(Self::Typescript),
            "jsx" | "tsx" => Some(Self::Jsx),
            _ => None,
        }
    }

    pub(super) fn alone(self) -> Option<Alone> {
        match self {
            Self::Javascript => Some(Alone::Javascript),
            Self::Typescript => Some(Alone::Typescript),
            Self::Jsx => None,
        }
    }
}

/// What of `package.json` says where a package begins. Of any type, because only text counts.
#[derive(Debug, Default, Deserialize)]
struct Begins {
    #[serde(default)]
    source: serde_json::Value,
    #[serde(default)]
    module: serde_json::Value,
    #[serde(default)]
    main: serde_json::Value,
}

impl Entry {
    /// The manifest's `handler`; or else what `package.json` names; or else the only file; or else a file of a usual name.
    pub(super) fn find(source: &SourceTree, manifest: &Manifest) -> Result<Self, Error> {
        if let Some(handler) = manifest.handler() {
            let file = handler.file();
            let Some(kind) = Kind::of(file) else {
                let known = EXTENSIONS.join(", .");
                let reason = format!(
                    "handler in function.yaml: {file} is no JavaScript or TypeScript; name a file with one of .{known}"
                );
                return Err(Error::Refused(reason));
            };
            if source.get(file).is_none() {
                let reason = format!("handler in function.yaml: there is no {file} among the function's files");
                return Err(Error::Refused(reason));
            }
            // what the guest takes by itself needs no help
            let function = handler.function().filter(|name| *name != "handler").map(str::to_owned);
            return Ok(Self { file: file.to_owned(), kind, function });
        }
        let file = of_package(source).or_else(|| only(source)).or_else(|| usual(source));
        let file = file.ok_or_else(|| Error::Refused(nothing_found(source)))?;
        let kind = Kind::of(&file).expect("only such files are looked for");
        Ok(Self { file, kind, function: None })
    }

    /// What is in the file.
    pub(super) fn text<'a>(&self, source: &'a SourceTree) -> Result<&'a str, Error> {
        let bytes = source.get(&self.file).expect("an entry is one of the files");
        let text = str::from_utf8(bytes).map_err(|error| {
            let line = bytes[..error.valid_up_to()].split(|byte| *byte == b'\n').count();
            Error::Refused(format!("{}:{line}: is not UTF-8; save the file as UTF-8", self.file))
        })?;
        // a byte order mark is no part of a text
        Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
    }

    /// Whether there are other files that this one may import.
    pub(super) fn has_company(&self, source: &SourceTree) -> bool {
        source.iter().any(|(path, _)| {
            let path = path.as_str();
            path != self.file && !is_about(path) && (Kind::of(path).is_some() || path.ends_with(".json"))
        })
    }
}

/// What describes a package, and is not imported.
fn is_about(path: &str) -> bool {
    ["package.json", "package-lock.json", "tsconfig.json", "jsconfig.json"].contains(&path)
}

/// A file that `package.json` names, if it is there: `main` is often what a build of the sender's would have made.
fn of_package(source: &SourceTree) -> Option<String> {
    let text = source.get("package.json")?;
    let begins: Begins = serde_json::from_slice(text).ok()?;
    [begins.source, begins.module, begins.main].iter().filter_map(serde_json::Value::as_str).find_map(|name| {
        let name = name.strip_prefix("./").unwrap_or(name).trim_end_matches('/');
        let with_extension = EXTENSIONS.iter().map(|extension| format!("{name}.{extension}"));
        let in_folder = EXTENSIONS.iter().map(|extension| format!("{name}/index.{extension}"));
        let mut candidates = [name.to_owned()].into_iter().chain(with_extension).chain(in_folder);
        candidates.find(|file| Kind::of(file).is_some() && source.get(file).is_some())
    })
}

fn only(source: &SourceTree) -> Option<String> {
    let mut files = source.iter().map(|(path, _)| path.as_str()).filter(|path| Kind::of(path).is_some());
    let first = files.next()?;
    files.next().is_none().then(|| first.to_owned())
}

fn usual(source: &SourceTree) -> Option<String> {
    let stems = FOLDERS.iter().flat_map(|folder| NAMES.iter().map(move |name| format!("{folder}{name}")));
    let mut files = stems.flat_map(|stem| EXTENSIONS.iter().map(move |extension| format!("{stem}.{extension}")));
    files.find(|file| source.get(file).is_some())
}

fn nothing_found(source: &SourceTree) -> String {
    let (names, extensions) = (NAMES.join(", "), EXTENSIONS.join(", ."));
    let package = if source.get("package.json").is_some() {
        "package.json names no file that is there"
    } else {
        "there is no package.json"
    };
    format!(
        "no file to begin with: {package}, and none of {names} (with .{extensions}) is at the top or in src; \
         name it in function.yaml, as in handler: lib/app.ts"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::javascript::tests::{manifest, tree};
    use crate::source::SourceLimits;

    fn found(files: &[(&str, &str)], yaml: &str) -> Result<String, String> {
        let source = tree(files);
        let entry = Entry::find(&source, &manifest(yaml)).map_err(|error| error.to_string())?;
        Ok(entry.file + &entry.function.map_or(String::new(), |name| format!(":{name}")))
    }

    #[test]
    fn the_manifest_comes_first() {
        let files = [("index.js", ""), ("lib/app.ts", "")];
        assert_eq!(found(&files, "handler: lib/app.ts:onEvent").unwrap(), "lib/app.ts:onEvent");
        assert_eq!(found(&files, "handler: lib/app.ts:handler").unwrap(), "lib/app.ts");
        assert!(
            found(&files, "handler: app.ts").unwrap_err().contains("there is no app.ts among the function's files")
        );
        assert!(found(&files, "handler: app.py").unwrap_err().contains("app.py is no JavaScript or TypeScript"));
    }

    #[test]
    fn then_what_the_package_names_and_is_there() {
        let package = r#"{"main": "dist/index.js", "source": "./lib/app"}"#;
        assert_eq!(
            found(&[("package.json", package), ("lib/app.ts", ""), ("index.js", "")], "").unwrap(),
            "lib/app.ts"
        );
        let unbuilt = r#"{"main": "dist/index.js", "module": 5}"#;
        let files = [("package.json", unbuilt), ("src/index.ts", ""), ("src/util.ts", "")];
        assert_eq!(found(&files, "").unwrap(), "src/index.ts");
        let folder = r#"{"main": "lib"}"#;
        assert_eq!(
            found(&[("package.json", folder), ("lib/index.cjs", ""), ("b.js", "")], "").unwrap(),
            "lib/index.cjs"
        );
    }

    #[test]
    fn then_the_only_file_whatever_its_name() {
        assert_eq!(found(&[("odd.mjs", ""), ("hks.d.ts", ""), ("README.md", "")], "").unwrap(), "odd.mjs");
    }

    #[test]
    fn then_usual_names_and_else_an_error_that_lists_them() {
        assert_eq!(found(&[("src/main.js", ""), ("a.js", "")], "").unwrap(), "src/main.js");
        assert_eq!(found(&[("index.js", ""), ("handler.js", "")], "").unwrap(), "handler.js");
        let error = found(&[("a.js", ""), ("b.js", "")], "").unwrap_err();
        assert!(error.starts_with(
            "no file to begin with: there is no package.json, and none of handler, function, index, main"
        ));
        assert!(error.contains("handler: lib/app.ts"), "{error}");
    }

    #[test]
    fn a_file_that_is_not_utf_8_is_refused_with_its_line() {
        let source = SourceTree::from_files([("a.js", &b"ok\n\xff"[..])], &SourceLimits::default()).unwrap();
        let entry = Entry::find(&source, &manifest("")).unwrap();
        assert_eq!(entry.text(&source).unwrap_err().to_string(), "a.js:2: is not UTF-8; save the file as UTF-8");
    }
}
