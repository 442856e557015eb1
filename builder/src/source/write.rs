//! A tree on disk, for builds in a process of their own.

use std::collections::BTreeSet;
use std::io::{self, Write};

use cap_std::fs::{Dir, OpenOptions};

use super::error::Named;
use super::{Error, RelativePath, SourceTree};

pub(super) fn write(tree: &SourceTree, folder: &Dir) -> Result<(), Error> {
    let mut entries = folder.entries().map_err(Error::io("read", "folder"))?;
    if entries.next().is_some() {
        return Err(Error::refused("folder", "is not empty; name a new one"));
    }
    let mut made = BTreeSet::new();
    for (path, content) in tree.iter() {
        let subject = Named { kind: "file", name: path.as_str().as_bytes() };
        make_parents(folder, path, &mut made).map_err(Error::io("write", subject))?;
        create(folder, path, content).map_err(Error::io("write", subject))?;
    }
    Ok(())
}

/// Makes the folders above a file that are not yet there. One that is there without having been made here is an error.
fn make_parents<'a>(folder: &Dir, path: &'a RelativePath, made: &mut BTreeSet<&'a str>) -> io::Result<()> {
    let slashes = path.as_str().match_indices('/').map(|(at, _)| &path.as_str()[..at]);
    for parent in slashes {
        if made.insert(parent) {
            folder.create_dir(parent)?;
        }
    }
    Ok(())
}

fn create(folder: &Dir, path: &RelativePath, content: &[u8]) -> io::Result<()> {
    folder.open_with(path.as_str(), OpenOptions::new().write(true).create_new(true))?.write_all(content)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use cap_std::ambient_authority;
    use tempfile::TempDir;

    use super::*;
    use crate::source::SourceLimits;

    fn tree() -> SourceTree {
        SourceTree::from_files([("a/b/c", "1"), ("a/d", "2"), ("e", "3")], &SourceLimits::default()).unwrap()
    }

    fn opened(folder: &TempDir) -> Dir {
        Dir::open_ambient_dir(folder.path(), ambient_authority()).unwrap()
    }

    #[test]
    fn what_is_written_reads_back() {
        let folder = TempDir::new().unwrap();
        tree().write_to(&opened(&folder)).unwrap();
        assert_eq!(fs::read_to_string(folder.path().join("a/b/c")).unwrap(), "1");
        assert_eq!(SourceTree::from_folder(&opened(&folder), &SourceLimits::default()).unwrap(), tree());
    }

    #[test]
    fn nothing_is_written_over() {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("x"), "").unwrap();
        let error = tree().write_to(&opened(&folder)).unwrap_err();
        assert_eq!(error.to_string(), "folder: is not empty; name a new one");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    /// What appears after the folder was found empty.
    #[test]
    fn links_that_others_put_there_are_not_followed() {
        let (folder, outside) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        symlink(outside.path(), folder.path().join("a")).unwrap();
        symlink(outside.path().join("e"), folder.path().join("e")).unwrap();
        let dir = opened(&folder);
        let path: RelativePath = "a/d".parse().unwrap();
        assert!(make_parents(&dir, &path, &mut BTreeSet::new()).is_err());
        assert!(create(&dir, &path, b"").is_err());
        assert!(create(&dir, &"e".parse().unwrap(), b"").is_err());
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
    }
}
