//! Keys of cached things: a hash over all that goes into them, so that a stale one cannot be found.
//!
//! The key does not depend on where the checkout lies, on the order in which a folder lists its files, or on what
//! tools leave lying about (`__pycache__`, `node_modules`).

use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

/// Collects what a thing is made of.
pub(crate) struct Key(Sha256);

impl Key {
    /// `about` keeps keys of different kinds apart.
    pub(crate) fn new(about: &str) -> Self {
        Self(Sha256::new()).bytes("about", about.as_bytes())
    }

    /// One named part. Lengths go in as well, so that no two lists of parts run together.
    pub(crate) fn bytes(mut self, name: &str, content: &[u8]) -> Self {
        for part in [name.as_bytes(), content] {
            self.0.update((part.len() as u64).to_le_bytes());
            self.0.update(part);
        }
        self
    }

    /// A file's content, under `name`.
    pub(crate) fn file(self, name: &str, path: &Path) -> Result<Self> {
        let content = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(self.bytes(name, &content))
    }

    /// All sources below a folder, under their paths relative to it.
    pub(crate) fn folder(self, name: &str, folder: &Path) -> Result<Self> {
        let entries = fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
        let mut entries = entries.collect::<Result<Vec<_>, _>>()?;
        entries.sort_by_key(fs::DirEntry::file_name);
        entries.into_iter().try_fold(self, |key, entry| {
            let file_name = entry.file_name().to_string_lossy().into_owned();
            let name = format!("{name}/{file_name}");
            match entry.path() {
                _ if !is_source(&file_name) => Ok(key),
                path if path.is_dir() => key.folder(&name, &path),
                path => key.file(&name, &path),
            }
        })
    }

    /// 64 bits of the hash: enough to tell builds apart, short enough to read in a file name.
    pub(crate) fn finish(self) -> String {
        self.0.finalize().iter().take(8).fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").expect("writing to a String cannot fail");
            text
        })
    }
}

/// Tests and prose do not change what is built.
fn is_source(name: &str) -> bool {
    let skipped = ["__pycache__", "node_modules", "test", "tests"];
    !name.starts_with('.') && !name.ends_with(".md") && !name.ends_with(".pyc") && !skipped.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> String {
        let root = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        Key::new("test").folder("src", root.path()).unwrap().finish()
    }

    #[test]
    fn the_same_content_has_the_same_key_everywhere() {
        let key = folder(&[("a.py", "1"), ("b/c.py", "2")]);
        assert_eq!(key, folder(&[("b/c.py", "2"), ("a.py", "1")]));
        assert_eq!(key, "803a5db5bceaa90f", "a change of this value builds every guest anew on every machine");
    }

    #[test]
    fn every_change_of_a_source_changes_the_key() {
        let key = folder(&[("a.py", "1"), ("b.py", "2")]);
        for other in [&[("a.py", "1"), ("b.py", "3")][..], &[("a.py", "1"), ("c.py", "2")], &[("a.py", "1")]] {
            assert_ne!(key, folder(other), "{other:?}");
        }
    }

    #[test]
    fn what_tools_leave_behind_does_not_matter() {
        let rest = [("a.py", "1"), ("__pycache__/a.pyc", "x"), ("README.md", "x"), ("tests/t.py", "x"), (".x", "x")];
        assert_eq!(folder(&[("a.py", "1")]), folder(&rest));
    }

    #[test]
    fn parts_do_not_run_together() {
        let key =
            |parts: [&str; 2]| parts.iter().fold(Key::new("test"), |key, part| key.bytes("", part.as_bytes())).finish();
        assert_ne!(key(["ab", "c"]), key(["a", "bc"]));
    }
}
