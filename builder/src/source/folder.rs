//! A folder of the sender's machine, read through a handle that nothing leads out of.
//!
//! Each thing is looked at before it is opened and again on the opened handle: what is not the same file then, or has
//! another size or time after it was read, was changed meanwhile, and a tree of halves would be neither version.
//! This does not notice a change to a file that was read before; it is not a snapshot of the folder.

use std::fmt;
use std::io;

use cap_std::fs::{Dir, DirEntry, File, FileType, FileTypeExt, Metadata, MetadataExt, OpenOptions, OpenOptionsExt};

use super::assembly::{Assembly, read_exactly};
use super::error::Named;
use super::ignored::Ignored;
use super::skipped::is_skipped;
use super::{Error, RelativePath, SourceLimits, SourceTree};

const SUBJECT: &str = "folder";

pub(super) fn read(folder: &Dir, limits: &SourceLimits) -> Result<SourceTree, Error> {
    let ignored = Ignored::of(folder)?;
    let mut walk = Walk { assembly: Assembly::new(limits), ignored };
    walk.folder(folder, "")?;
    walk.assembly.finish(SUBJECT)
}

struct Walk<'a> {
    assembly: Assembly<'a>,
    ignored: Ignored,
}

impl Walk<'_> {
    /// Recurses as deep as a [`RelativePath`] may be. `above` is its path with a slash at the end, or nothing.
    fn folder(&mut self, folder: &Dir, above: &str) -> Result<(), Error> {
        for (name, entry) in self.listed(folder, above)? {
            let subject = Named { kind: "file", name: name.as_bytes() };
            let seen = entry.metadata().map_err(Error::io("read", subject))?;
            if self.ignored.has(&name, seen.is_dir()) {
                continue;
            }
            let path = RelativePath::checked(subject)?;
            if seen.is_dir() {
                self.assembly.folder(subject, &path)?;
                let below = entry.open_dir().map_err(Error::io("open", subject))?;
                same(subject, &seen, &below.dir_metadata().map_err(Error::io("read", subject))?)?;
                self.folder(&below, &format!("{name}/"))?;
            } else {
                self.file(subject, path, &entry, &seen)?;
            }
        }
        Ok(())
    }

    /// What is in one folder, by path and in order, so that the same folder gives the same error.
    fn listed(&mut self, folder: &Dir, above: &str) -> Result<Vec<(String, DirEntry)>, Error> {
        let subject = Named { kind: "folder", name: above.as_bytes() };
        let mut listed = Vec::new();
        for entry in folder.entries().map_err(Error::io("read", subject))? {
            self.assembly.listed(SUBJECT)?;
            let entry = entry.map_err(Error::io("read", subject))?;
            let name = entry.file_name();
            let name = name.to_str().ok_or_else(|| {
                let name = [above.as_bytes(), name.as_encoded_bytes()].concat();
                Error::refused(Named { kind: "file", name: &name }, "is not UTF-8; rename it")
            })?;
            listed.push((format!("{above}{name}"), entry));
        }
        listed.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(listed)
    }

    fn file(&mut self, subject: Named<'_>, path: RelativePath, entry: &DirEntry, seen: &Metadata) -> Result<(), Error> {
        if let Some(reason) = refusal(seen.file_type()) {
            return Err(Error::refused(subject, reason));
        }
        if is_skipped(&path) {
            return Ok(());
        }
        self.assembly.file(subject, &path, seen.len())?;
        let file = open(entry).map_err(Error::io("open", subject))?;
        let look = || file.metadata().map_err(Error::io("read", subject));
        same(subject, seen, &look()?)?;
        let content = read_exactly(&file, seen.len()).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => changed(subject),
            _ => Error::io("read", subject)(error),
        })?;
        same(subject, seen, &look()?)?;
        self.assembly.keep(path, content);
        Ok(())
    }
}

/// Without waiting, should it have become a pipe that nobody writes to.
fn open(entry: &DirEntry) -> io::Result<File> {
    let nonblocking = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).expect("a flag of open(2)");
    entry.open_with(OpenOptions::new().read(true).custom_flags(nonblocking))
}

fn refusal(kind: FileType) -> Option<&'static str> {
    if kind.is_file() {
        None
    } else if kind.is_symlink() {
        Some("is a symbolic link; put the file itself there, or list the link in .hksignore")
    } else if kind.is_fifo() || kind.is_socket() {
        Some("is a pipe or a socket; remove it, or list it in .hksignore")
    } else {
        Some("is neither a file nor a folder; remove it, or list it in .hksignore")
    }
}

/// Whether it is still what was seen. Folders may get entries meanwhile: those come, or come too late.
fn same(subject: Named<'_>, seen: &Metadata, now: &Metadata) -> Result<(), Error> {
    let identity = |of: &Metadata| (of.dev(), of.ino(), of.is_dir());
    let state = |of: &Metadata| (of.len(), of.mtime(), of.mtime_nsec(), of.ctime(), of.ctime_nsec());
    if identity(seen) == identity(now) && (seen.is_dir() || state(seen) == state(now)) {
        return Ok(());
    }
    Err(changed(subject))
}

fn changed(subject: impl fmt::Display) -> Error {
    Error::refused(subject, "changed while it was read; try again when nothing writes to it")
}

#[cfg(test)]
mod tests;
