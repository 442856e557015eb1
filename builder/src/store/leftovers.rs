//! Files that a process left in a local store when it crashed while it wrote: `name#1`, never renamed to `name`.
//!
//! They are invisible to everybody else, and not named by the store's clock but by nothing, so the file's own time counts.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::time::Duration;

use super::{Error, Removed, Sweep};

/// Below the folder and its `blobs/abc`.
const DEPTH_MAX: usize = 3;

/// Removes those that nobody has written to for the grace time.
pub(super) fn sweep(folder: &Path, grace: Duration, sweep: Sweep) -> Result<Removed, Error> {
    let mut removed = Removed::default();
    visit(folder, DEPTH_MAX, &mut |path, metadata| {
        let age = metadata.modified()?.elapsed().unwrap_or_default();
        if age > grace {
            if sweep == Sweep::Remove {
                fs::remove_file(path)?;
            }
            removed.add(metadata.len());
        }
        Ok(())
    })
    .map_err(|source| Error::Folder { action: "clean", path: folder.to_owned(), source })?;
    Ok(removed)
}

fn visit(folder: &Path, depth: usize, each: &mut impl FnMut(&Path, &fs::Metadata) -> io::Result<()>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        let done = if kind.is_dir() && depth > 1 {
            visit(&entry.path(), depth - 1, each)
        } else if kind.is_file() && is_leftover(&entry.file_name().to_string_lossy()) {
            entry.metadata().and_then(|metadata| each(&entry.path(), &metadata))
        } else {
            Ok(())
        };
        // Its writer may be done with it just now.
        done.or_else(|error| if error.kind() == ErrorKind::NotFound { Ok(()) } else { Err(error) })?;
    }
    Ok(())
}

fn is_leftover(name: &str) -> bool {
    let number = name.rsplit_once('#').map(|(_, number)| number);
    number.is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

/// For a file's own time.
#[cfg(test)]
pub(super) fn set_age(path: &Path, age: Duration) {
    fs::File::options().write(true).open(path).unwrap().set_modified(std::time::SystemTime::now() - age).unwrap();
}
