//! Files that an interpreter can import, as one blob: an index, then contents. Modules come with their compiled form.
//!
//! Layout: magic with version (8) · length of the index (4, little-endian) · index (JSON) · contents, one after the other. The
//! same files give the same bytes. Its digest is checked by the store; what is read here was written by us.

use std::ops::Range;

use bytes::Bytes;
use hks_runtime::{PackageFile, Packages};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::source::{RelativePath, SourceTree};

const MAGIC: &[u8; 8] = b"HKSLAYR1";
/// Far above what the bound on files allows.
const INDEX_BYTES_MAX: usize = 64 << 20;

/// Where the files of a layer seem to lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Root {
    /// The function's own.
    Code,
    /// Installed packages.
    Packages,
}

impl Root {
    fn folder(self) -> &'static str {
        match self {
            Self::Code => Packages::CODE,
            Self::Packages => Packages::INSTALLED,
        }
    }
}

/// Files under one root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Layer {
    bytes: Bytes,
}

#[derive(Debug, Serialize, Deserialize)]
struct Index {
    root: Root,
    files: Vec<Entry>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    path: String,
    length: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    compiled: Option<usize>,
}

impl Layer {
    /// The files of a tree, with what `compiled` has of them.
    pub(crate) fn new<'a>(
        root: Root,
        tree: &'a SourceTree,
        compiled: impl Fn(&RelativePath) -> Option<&'a [u8]>,
    ) -> Self {
        let (mut files, mut contents) = (Vec::new(), Vec::new());
        for (path, content) in tree.iter() {
            let compiled = compiled(path);
            contents.extend_from_slice(content);
            contents.extend_from_slice(compiled.unwrap_or_default());
            let (path, length) = (path.as_str().to_owned(), content.len());
            files.push(Entry { path, length, compiled: compiled.map(<[u8]>::len) });
        }
        let index = serde_json::to_vec(&Index { root, files }).expect("all keys are strings");
        let length = u32::try_from(index.len()).expect("the bound on files is far below");
        Self { bytes: [&MAGIC[..], &length.to_le_bytes(), &index, &contents].concat().into() }
    }

    pub(crate) fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    pub(crate) fn into_bytes(self) -> Bytes {
        self.bytes
    }

    /// The files, for an interpreter.
    pub(crate) fn files(bytes: &Bytes) -> Result<Vec<PackageFile>, Error> {
        let damaged = || Error::Host("a layer of an artifact cannot be read: it is none of this version".into());
        let (index, contents) = split(bytes).ok_or_else(damaged)?;
        let Index { root, files } = serde_json::from_slice(index).map_err(|_| damaged())?;
        let mut at = contents.start;
        let mut take = |length: usize| {
            let range = at..at.checked_add(length).filter(|end| *end <= contents.end)?;
            at = range.end;
            Some(bytes.slice(range))
        };
        let read = files.into_iter().map(|Entry { path, length, compiled }| {
            let content = take(length)?;
            let compiled = match compiled {
                Some(length) => Some(take(length)?),
                None => None,
            };
            Some(PackageFile { path: format!("{}/{path}", root.folder()), content, compiled })
        });
        read.collect::<Option<_>>().ok_or_else(damaged)
    }
}

/// The index, and where contents are.
fn split(bytes: &[u8]) -> Option<(&[u8], Range<usize>)> {
    let rest = bytes.strip_prefix(MAGIC)?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let length = u32::from_le_bytes(*length) as usize;
    let index = rest.get(..length).filter(|_| length <= INDEX_BYTES_MAX)?;
    Some((index, MAGIC.len() + 4 + length..bytes.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceLimits;

    fn layer() -> Bytes {
        let files = [("a.py", &b"x = 1"[..]), ("b/data", b"\0\xff"), ("empty", b"")];
        let tree = SourceTree::from_files(files, &SourceLimits::default()).unwrap();
        Layer::new(Root::Code, &tree, |path| (path.as_str() == "a.py").then_some(&b"code"[..])).into_bytes()
    }

    #[test]
    fn files_are_read_back_below_their_root() {
        let files = Layer::files(&layer()).unwrap();
        let file = |path: &str, content: &'static [u8], compiled: Option<&'static [u8]>| PackageFile {
            path: path.into(),
            content: Bytes::from_static(content),
            compiled: compiled.map(Bytes::from_static),
        };
        let expected = [
            file("/code/a.py", b"x = 1", Some(b"code")),
            file("/code/b/data", b"\0\xff", None),
            file("/code/empty", b"", None),
        ];
        assert_eq!(files, expected);
    }

    #[test]
    fn what_is_cut_off_is_refused() {
        let whole = layer();
        for length in 0..whole.len() {
            assert!(Layer::files(&whole.slice(..length)).is_err(), "{length}");
        }
    }
}
