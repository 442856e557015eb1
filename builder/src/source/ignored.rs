//! What of a folder is not part of the function.

use cap_std::fs::Dir;
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use std::io::{self, Read};

use super::Error;
use super::error::Named;

/// Lies at the top of a function's folder and says in gitignore's syntax what is left out; `!name` takes back in what
/// [`IGNORED`] leaves out. It is a file of the function like any other. In folders below it means nothing.
pub const IGNORE_FILE: &str = ".hksignore";

/// Left out of every folder, in gitignore's syntax: what version control, package managers, caches and editors put
/// there, and `.env`, which holds secrets (give them to the function's environment instead).
///
/// What a function imports is installed by the builder for the guest, so `node_modules` and virtual environments, which are
/// made for the sender's machine, are not needed.
pub const IGNORED: [&str; 20] = [
    ".git",
    ".hg/",
    ".svn/",
    ".jj/",
    ".hks/",
    "node_modules/",
    "__pycache__/",
    "*.pyc",
    ".venv/",
    "/venv/",
    ".tox/",
    ".nox/",
    ".mypy_cache/",
    ".pytest_cache/",
    ".ruff_cache/",
    "/target/",
    ".idea/",
    ".vscode/",
    ".env",
    ".env.*",
];

/// More is no list that a person wrote, and each line costs memory when it is compiled.
const IGNORE_FILE_BYTES_MAX: u64 = 16 << 10;

/// The rules of one folder.
pub(super) struct Ignored(Gitignore);

impl Ignored {
    /// The defaults, and after them what [`IGNORE_FILE`] says, if there is one.
    pub(super) fn of(folder: &Dir) -> Result<Self, Error> {
        let subject = || Named { kind: "file", name: IGNORE_FILE.as_bytes() };
        let text = match own_rules(folder) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                return Err(Error::refused(subject(), "is not UTF-8; save it as UTF-8"));
            }
            Err(error) => return Err(Error::io("read", subject())(error)),
        };
        Self::parse(&text)
    }

    fn parse(text: &str) -> Result<Self, Error> {
        let refused = |line: &str, error| {
            let subject = format!("file {IGNORE_FILE:?}");
            Error::refused(subject, format!("has the line {line:?}, which is no pattern of gitignore: {error}"))
        };
        let mut builder = GitignoreBuilder::new("");
        builder.allow_unclosed_class(false);
        for line in IGNORED.into_iter().chain(text.lines()) {
            builder.add_line(None, line).map_err(|error| refused(line, error))?;
        }
        builder.build().map(Self).map_err(|error| refused("", error))
    }

    /// Whether to leave out a file, or a folder with all that is below it. `path` starts at the function's folder.
    pub(super) fn has(&self, path: &str, is_folder: bool) -> bool {
        self.0.matched(path, is_folder).is_ignore()
    }
}

fn own_rules(folder: &Dir) -> io::Result<String> {
    let metadata = folder.symlink_metadata(IGNORE_FILE)?;
    // Links and devices are left to the reader of the folder, which names and refuses them.
    if !metadata.is_file() {
        return Ok(String::new());
    }
    if metadata.len() > IGNORE_FILE_BYTES_MAX {
        let reason = format!("is longer than {IGNORE_FILE_BYTES_MAX} bytes; use fewer and wider patterns");
        return Err(Error::too_large(Named { kind: "file", name: IGNORE_FILE.as_bytes() }, reason).into());
    }
    let mut text = String::new();
    folder.open(IGNORE_FILE)?.take(IGNORE_FILE_BYTES_MAX).read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_leave_out_what_others_put_there() {
        let ignored = Ignored::parse("").unwrap();
        for folder in [".git", "a/node_modules", "a/b/__pycache__", ".venv", "target"] {
            assert!(ignored.has(folder, true), "{folder}");
        }
        for file in [".git", "a/x.pyc", ".env", ".env.local"] {
            assert!(ignored.has(file, false), "{file}");
        }
        for (path, is_folder) in
            [("main.py", false), ("src/target", true), ("target", false), (".gitignore", false), ("env", true)]
        {
            assert!(!ignored.has(path, is_folder), "{path}");
        }
    }

    #[test]
    fn own_rules_come_last() {
        let ignored = Ignored::parse("# notes\n*.md\n!README.md\n/only-here\n!node_modules/\n").unwrap();
        for (path, is_folder, expected) in [
            ("a/b.md", false, true),
            ("README.md", false, false),
            ("only-here", false, true),
            ("a/only-here", false, false),
            ("node_modules", true, false),
        ] {
            assert_eq!(ignored.has(path, is_folder), expected, "{path}");
        }
    }

    #[test]
    fn a_line_that_is_no_pattern_is_refused_with_its_text() {
        let error = Ignored::parse("a\n[z-a]\n").err().unwrap().to_string();
        assert!(
            error.starts_with(r#"file ".hksignore": has the line "[z-a]", which is no pattern of gitignore: "#),
            "{error}"
        );
    }
}
