//! The files that a function is made of, as they came from outside.
//!
//! A [`SourceTree`] is what remains of one file's text, a map of files, a folder or an uploaded archive: contents under
//! [`RelativePath`]s, in memory, in order, bounded by [`SourceLimits`]. It has no links, no modes, no times, no owners and
//! no empty folders, because a guest sees none of them; so one digest names the same files from wherever they came.
//!
//! Senders are hostile. What is ambiguous is refused by name and never repaired, since another reader would repair it in
//! another way, and what one has checked is then not what the other runs.
//!
//! Everything here blocks, and takes as long as reading and inflating take: call it on a thread for blocking work. Nothing
//! here looks into the files; what they say is for the [manifest](crate::manifest) and the builder.

mod archive;
mod assembly;
mod error;
mod folder;
mod ignored;
mod limits;
mod path;
mod skipped;
mod tarball;
mod write;
mod zipped;

#[cfg(any(test, fuzzing))]
pub mod fuzzing;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;

use bytes::Bytes;
use cap_std::fs::Dir;

pub use error::Error;
pub use ignored::{IGNORE_FILE, IGNORED};
pub use limits::SourceLimits;
pub use path::RelativePath;
pub use skipped::SKIPPED;

use assembly::Assembly;
use error::Named;
use skipped::is_skipped;

/// Files and their contents: at least one, in the order of their paths. Cheap to clone.
///
/// No two paths collide, not even where case or the spelling in Unicode do not count, and no file is also a folder: a tree
/// can be [written](Self::write_to) to every file system.
#[derive(Clone, PartialEq, Eq)]
pub struct SourceTree {
    files: BTreeMap<RelativePath, Bytes>,
}

impl SourceTree {
    /// One file.
    ///
    /// # Errors
    /// A path that is none, or content that is longer than the limit.
    pub fn from_file(path: &str, content: impl Into<Bytes>, limits: &SourceLimits) -> Result<Self, Error> {
        Self::from_files([(path, content)], limits)
    }

    /// Files by their paths, without [`SKIPPED`].
    ///
    /// # Errors
    /// A path that is none, two that collide, or more than a limit grants.
    pub fn from_files<P, C>(files: impl IntoIterator<Item = (P, C)>, limits: &SourceLimits) -> Result<Self, Error>
    where
        P: AsRef<str>,
        C: Into<Bytes>,
    {
        let mut assembly = Assembly::new(limits);
        for (name, content) in files {
            let subject = Named { kind: "file", name: name.as_ref().as_bytes() };
            let content = content.into();
            let path = RelativePath::checked(subject)?;
            if is_skipped(&path) {
                continue;
            }
            assembly.file(subject, &path, content.len() as u64)?;
            assembly.keep(path, content);
        }
        assembly.finish("source")
    }

    /// Files of a folder, without [`SKIPPED`] and those that the defaults ([`IGNORED`]) or its [`IGNORE_FILE`] exclude.
    ///
    /// # Errors
    /// A link, a device or the like, a name that is no [`RelativePath`], a file that changes meanwhile, or more than a limit
    /// grants.
    pub fn from_folder(folder: &Dir, limits: &SourceLimits) -> Result<Self, Error> {
        folder::read(folder, limits)
    }

    /// An uploaded archive: a tar compressed with gzip, or a zip, as its first bytes say. Without [`SKIPPED`], and
    /// with all else: what a folder's ignore rules say is no matter here.
    ///
    /// A tar is read as it comes; a zip is first read into memory, because its directory is at its end.
    ///
    /// # Errors
    /// An archive of another kind, one that is damaged or ambiguous, anything in it that is neither a file nor a folder, a
    /// name that is no [`RelativePath`], or more than a limit grants.
    pub fn from_archive(archive: impl Read, limits: &SourceLimits) -> Result<Self, Error> {
        archive::read(archive, limits)
    }

    /// Files without the one folder that holds them all, as `git archive --prefix` and forges make it; the same tree if there
    /// is no such folder. Takes off one level.
    #[must_use]
    pub fn without_common_folder(&self) -> Self {
        let mut tops = self.files.keys().map(|path| path.components().next());
        let first = tops.next().flatten();
        if !tops.all(|top| top == first) {
            return self.clone();
        }
        let below = |(path, content): (&RelativePath, &Bytes)| Some((path.below_first()?, content.clone()));
        match self.files.iter().map(below).collect() {
            Some(files) => Self { files },
            None => self.clone(),
        }
    }

    /// The same files but one; `None` if it is the only one.
    #[must_use]
    pub fn without(&self, path: &str) -> Option<Self> {
        let rest = self.filtered(|found| found.as_str() != path);
        (!rest.files.is_empty()).then_some(rest)
    }

    /// Only files that `keep` says; perhaps none.
    pub(crate) fn filtered(&self, keep: impl Fn(&RelativePath) -> bool) -> Self {
        let files = self.files.iter().filter(|(path, _)| keep(path));
        Self { files: files.map(|(path, content)| (path.clone(), content.clone())).collect() }
    }

    /// Paths and contents, in the order of the paths' bytes.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&RelativePath, &Bytes)> {
        self.files.iter()
    }

    /// The content of one file. The path is compared as it stands, in NFC.
    pub fn get(&self, path: &str) -> Option<&Bytes> {
        self.files.get(path)
    }

    /// How many files there are.
    pub fn files(&self) -> usize {
        self.files.len()
    }

    /// Contents of all files together, in bytes.
    pub fn size_bytes(&self) -> u64 {
        self.files.values().map(|content| content.len() as u64).sum()
    }

    /// What these files are, wherever they came from.
    pub fn digest(&self) -> SourceDigest {
        let mut hasher = blake3::Hasher::new_derive_key(SourceDigest::CONTEXT);
        let mut sized = |bytes: &[u8]| {
            hasher.update(&(bytes.len() as u64).to_le_bytes()).update(bytes);
        };
        for (path, content) in &self.files {
            sized(path.as_str().as_bytes());
            sized(content);
        }
        SourceDigest(*hasher.finalize().as_bytes())
    }

    /// A tar compressed with gzip that [`from_archive`](Self::from_archive) reads back, the same bytes for the same tree by
    /// the same program: sorted, without times, owners and folders.
    ///
    /// Files that shrink to less than a two-hundredth make an archive that a reader with the default limits takes for a bomb.
    pub fn to_tar_gz(&self) -> Vec<u8> {
        tarball::pack(self)
    }

    /// Writes all files into an empty folder.
    ///
    /// Files are made, never opened: what is there already is an error, and nothing outside `folder` is reached whatever
    /// others do to it meanwhile. After an error some files may have been written. Does not wait for the disk.
    ///
    /// # Errors
    /// A folder that holds something, or what the system says.
    pub fn write_to(&self, folder: &Dir) -> Result<(), Error> {
        write::write(self, folder)
    }
}

/// Paths and sizes; contents may be long, and secret.
impl fmt::Debug for SourceTree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.files.iter().map(|(path, content)| (path.as_str(), content.len()))).finish()
    }
}

/// Names a [`SourceTree`] by its files: equal if and only if the trees are.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SourceDigest([u8; 32]);

impl SourceDigest {
    /// Keeps digests of trees apart from all others. Changes whenever what is hashed does.
    const CONTEXT: &str = "hks-builder 2026-11 source tree: length and path, length and content, by path; v1";

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// 64 hexadecimal digits in lower case.
impl fmt::Display for SourceDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&blake3::Hash::from_bytes(self.0).to_hex())
    }
}

impl fmt::Debug for SourceDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
