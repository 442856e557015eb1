//! What a function is written in, where its manifest does not say: its files tell.

use hks_protocol::manifest::{Manifest, Runtime};

use crate::Error;
use crate::source::SourceTree;

/// A file of this name at the top settles it.
const NAMES: [(&str, Runtime); 7] = [
    ("Cargo.toml", Runtime::Rust),
    ("go.mod", Runtime::Go),
    ("tsconfig.json", Runtime::Typescript),
    ("package.json", Runtime::Javascript),
    ("pyproject.toml", Runtime::Python),
    ("requirements.txt", Runtime::Python),
    ("Dockerfile", Runtime::Container),
];

/// What a file's ending says. Headers are no functions.
const ENDINGS: [(&str, Runtime); 13] = [
    ("py", Runtime::Python),
    ("js", Runtime::Javascript),
    ("mjs", Runtime::Javascript),
    ("cjs", Runtime::Javascript),
    ("ts", Runtime::Typescript),
    ("mts", Runtime::Typescript),
    ("cts", Runtime::Typescript),
    ("rs", Runtime::Rust),
    ("go", Runtime::Go),
    ("c", Runtime::C),
    ("cc", Runtime::C),
    ("cpp", Runtime::C),
    ("wasm", Runtime::Wasm),
];

/// The runtime of a function.
///
/// # Errors
/// [`Error::Refused`] where its files tell nothing, or several things.
pub(crate) fn runtime(source: &SourceTree, manifest: &Manifest) -> Result<Runtime, Error> {
    let handler = manifest.handler().and_then(|handler| of_ending(handler.file()));
    if let Some(runtime) = manifest.runtime().or(handler) {
        return Ok(runtime);
    }
    if let Some((_, runtime)) = NAMES.iter().find(|(name, _)| source.get(name).is_some()) {
        return Ok(*runtime);
    }
    let mut found: Vec<Runtime> = source.iter().filter_map(|(path, _)| of_ending(path.as_str())).collect();
    found.sort_unstable_by_key(|runtime| *runtime as u8);
    found.dedup();
    match found[..] {
        [runtime] => Ok(runtime),
        // What TypeScript projects bring along.
        [Runtime::Javascript, Runtime::Typescript] => Ok(Runtime::Typescript),
        [] => Err(Error::Refused(
            "what the function is written in cannot be told from its files; set runtime in function.yaml".into(),
        )),
        _ => {
            let names: Vec<String> = found.iter().map(ToString::to_string).collect();
            let names = names.join(", ");
            Err(Error::Refused(format!("its files are of several languages ({names}); set runtime in function.yaml")))
        }
    }
}

fn of_ending(path: &str) -> Option<Runtime> {
    let (_, ending) = path.rsplit_once('.')?;
    ENDINGS.iter().find(|(known, _)| *known == ending).map(|(_, runtime)| *runtime)
}

/// The name of a single file's source text in that language.
pub(crate) fn file_name(runtime: Runtime) -> Option<&'static str> {
    match runtime {
        Runtime::Python => Some("main.py"),
        Runtime::Javascript => Some("index.js"),
        Runtime::Typescript => Some("index.ts"),
        Runtime::Rust => Some("lib.rs"),
        Runtime::Go => Some("main.go"),
        Runtime::C => Some("main.c"),
        Runtime::Wasm | Runtime::Container => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceLimits;

    fn detected(files: &[&str], manifest: &str) -> Result<Runtime, String> {
        let files = files.iter().map(|path| (*path, &b""[..]));
        let source = SourceTree::from_files(files, &SourceLimits::default()).unwrap();
        runtime(&source, &serde_json::from_str(manifest).unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn files_tell_the_language() {
        let cases = [
            (&["main.py"][..], Runtime::Python),
            (&["index.js", "README.md"], Runtime::Javascript),
            (&["src/app.ts", "eslint.config.js"], Runtime::Typescript),
            (&["package.json", "tsconfig.json", "a.py"], Runtime::Typescript),
            (&["Cargo.toml", "src/lib.rs", "build.py"], Runtime::Rust),
            (&["main.c", "hks.h"], Runtime::C),
            (&["function.wasm"], Runtime::Wasm),
        ];
        for (files, expected) in cases {
            assert_eq!(detected(files, r#"{"name": "f"}"#).unwrap(), expected, "{files:?}");
        }
    }

    #[test]
    fn the_manifest_comes_first() {
        assert_eq!(detected(&["a.py"], r#"{"name": "f", "runtime": "go"}"#).unwrap(), Runtime::Go);
        assert_eq!(
            detected(&["a.py", "b.js"], r#"{"name": "f", "handler": "b.js:run"}"#).unwrap(),
            Runtime::Javascript
        );
    }

    #[test]
    fn what_cannot_be_told_is_asked_for() {
        assert!(detected(&["README.md"], r#"{"name": "f"}"#).unwrap_err().contains("set runtime"));
        let several = detected(&["a.py", "b.go"], r#"{"name": "f"}"#).unwrap_err();
        assert!(several.contains("(python, go)"), "{several}");
    }
}
