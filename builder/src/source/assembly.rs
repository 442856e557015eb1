//! A tree while its files arrive: counts them against the limits, and finds names that collide.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::io::{self, Read};

use bytes::Bytes;
use hks_protocol::ByteSize;

use super::error::{Named, Shown};
use super::path::folded;
use super::{Error, RelativePath, SourceLimits, SourceTree};

/// Everything that is read goes through here, whatever it comes from, so that all sources have the same rules.
///
/// Sizes are counted when they are announced, which is before anything is read: a size that passes is read up to its last
/// byte and not beyond ([`read_exactly`]).
pub(super) struct Assembly<'a> {
    limits: &'a SourceLimits,
    files: BTreeMap<RelativePath, Bytes>,
    top: Folder,
    entries: u64,
    expanded: u64,
}

/// Names below one folder by their folded form. Kept component by component: with whole paths, the folders of deep files
/// would be stored once for each file.
#[derive(Default)]
struct Folder(HashMap<String, Child>);

struct Child {
    spelling: String,
    /// `None` for a file.
    folder: Option<Folder>,
}

impl<'a> Assembly<'a> {
    pub(super) fn new(limits: &'a SourceLimits) -> Self {
        Self { limits, files: BTreeMap::new(), top: Folder::default(), entries: 0, expanded: 0 }
    }

    pub(super) fn limits(&self) -> &'a SourceLimits {
        self.limits
    }

    /// Counts one thing that is listed, whether it is kept or not.
    pub(super) fn listed(&mut self, subject: impl fmt::Display) -> Result<(), Error> {
        self.entries += 1;
        if self.entries <= self.limits.entries_max {
            return Ok(());
        }
        let reason =
            format!("there are more than {} files and folders; leave out what is not needed", self.limits.entries_max);
        Err(Error::too_large(subject, reason))
    }

    /// Counts bytes that are about to be read.
    pub(super) fn announced(&mut self, subject: impl fmt::Display, bytes: u64) -> Result<(), Error> {
        self.expanded = self.expanded.saturating_add(bytes);
        if self.expanded <= self.limits.expanded_bytes_max {
            return Ok(());
        }
        let max = ByteSize(self.limits.expanded_bytes_max);
        Err(Error::too_large(subject, format!("brings the files to more than {max}; leave out what is not needed")))
    }

    /// A folder that is listed by itself. It leaves no trace but its name, which no file can have any more.
    pub(super) fn folder(&mut self, subject: Named<'_>, path: &RelativePath) -> Result<(), Error> {
        self.top.claim(path, true).map_err(|reason| Error::refused(subject, reason))
    }

    /// A file whose content is about to be read and [kept](Self::keep).
    pub(super) fn file(&mut self, subject: Named<'_>, path: &RelativePath, bytes: u64) -> Result<(), Error> {
        self.top.claim(path, false).map_err(|reason| Error::refused(subject, reason))?;
        if self.files.len() as u64 >= self.limits.files_max {
            let reason = format!("there are more than {} files; leave out what is not needed", self.limits.files_max);
            return Err(Error::too_large(subject, reason));
        }
        if bytes > self.limits.file_bytes_max {
            let (bytes, max) = (ByteSize(bytes), ByteSize(self.limits.file_bytes_max));
            return Err(Error::too_large(subject, format!("{bytes} is more than the maximum of {max} for one file")));
        }
        self.announced(subject, bytes)
    }

    /// How much has been read at most.
    #[cfg(test)]
    pub(super) fn announced_bytes(&self) -> u64 {
        self.expanded
    }

    pub(super) fn keep(&mut self, path: RelativePath, content: impl Into<Bytes>) {
        self.files.insert(path, content.into());
    }

    pub(super) fn finish(self, subject: &'static str) -> Result<SourceTree, Error> {
        if self.files.is_empty() {
            return Err(Error::refused(subject, "holds no files; a function is made of at least one"));
        }
        Ok(SourceTree { files: self.files })
    }
}

impl Folder {
    /// Takes a name for a file or a folder, and the names of all folders above it. The error says with what it collides.
    fn claim(&mut self, path: &RelativePath, is_folder: bool) -> Result<(), String> {
        let mut components = path.components();
        let last = components.next_back();
        let mut folder = self;
        for name in components {
            folder = folder.child(name, true)?.folder.as_mut().expect("asked for as a folder");
        }
        let Some(last) = last else { return Ok(()) };
        let fresh = !folder.0.contains_key(&folded(last));
        folder.child(last, is_folder)?;
        if fresh || is_folder { Ok(()) } else { Err("comes twice; keep one of them".into()) }
    }

    /// The child of that name and kind, made if there is none.
    fn child(&mut self, name: &str, is_folder: bool) -> Result<&mut Child, String> {
        let child = match self.0.entry(folded(name)) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                return Ok(entry.insert(Child { spelling: name.into(), folder: is_folder.then(Folder::default) }));
            }
        };
        if child.spelling != name {
            return Err(differs(&child.spelling, name));
        }
        if child.folder.is_some() != is_folder {
            return Err(format!("needs {} to be a file and a folder; rename one of them", Shown(name.as_bytes())));
        }
        Ok(child)
    }
}

fn differs(other: &str, name: &str) -> String {
    let how = if other.to_lowercase() == name.to_lowercase() { "case" } else { "what some systems do not tell apart" };
    let (name, other) = (Shown(name.as_bytes()), Shown(other.as_bytes()));
    format!("{name} and {other} differ only in {how}; rename one of them")
}

/// Reads as many bytes as were announced. Memory grows with what comes, not with what was said.
pub(super) fn read_exactly(reader: impl Read, bytes: u64) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    reader.take(bytes).read_to_end(&mut content)?;
    if (content.len() as u64) < bytes {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    content.shrink_to_fit();
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(names: &[&str]) -> String {
        let files = names.iter().map(|name| (*name, ""));
        SourceTree::from_files(files, &SourceLimits::default()).unwrap_err().to_string()
    }

    #[test]
    fn names_that_collide_somewhere_are_refused_by_name() {
        let cases = [
            (["A.py", "a.py"], r#"file "a.py": "a.py" and "A.py" differ only in case; rename one of them"#),
            (["Lib/a", "lib/b"], r#"file "lib/b": "lib" and "Lib" differ only in case; rename one of them"#),
            (
                ["straße", "strasse"],
                r#"file "strasse": "strasse" and "straße" differ only in what some systems do not tell apart; rename one of them"#,
            ),
            (["a.py", "a.py"], r#"file "a.py": comes twice; keep one of them"#),
            (["\u{e9}", "e\u{301}"], r#"file "e\u{301}": comes twice; keep one of them"#),
            (["a", "a/b"], r#"file "a/b": needs "a" to be a file and a folder; rename one of them"#),
            (["a/b", "a"], r#"file "a": needs "a" to be a file and a folder; rename one of them"#),
        ];
        for (names, message) in cases {
            assert_eq!(refusal(&names), message);
        }
    }

    #[test]
    fn limits_hold_at_their_last_unit() {
        let limits = SourceLimits { files_max: 2, file_bytes_max: 4, expanded_bytes_max: 6, ..SourceLimits::default() };
        let tree = |files: &[(&'static str, &'static str)]| SourceTree::from_files(files.iter().copied(), &limits);
        assert!(tree(&[("a", "1234"), ("b", "12")]).is_ok());
        let cases: [(&[_], _); 3] = [
            (
                &[("a", ""), ("b", ""), ("c", "")],
                r#"file "c": there are more than 2 files; leave out what is not needed"#,
            ),
            (&[("a", "12345")], r#"file "a": 5 B is more than the maximum of 4 B for one file"#),
            (
                &[("a", "1234"), ("b", "123")],
                r#"file "b": brings the files to more than 6 B; leave out what is not needed"#,
            ),
        ];
        for (files, message) in cases {
            let error = tree(files).unwrap_err();
            assert!(matches!(error, Error::TooLarge { .. }));
            assert_eq!(error.to_string(), message);
        }
    }
}
