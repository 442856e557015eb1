//! The secret that seals artifacts: 32 random bytes in the artifact folder, for this user's eyes only.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use crate::{Error, Result};

pub(crate) type Key = [u8; 32];

/// Makes the folder if there is none, and refuses one that others can write: they could put machine code there.
pub(crate) fn private_folder(path: &Path) -> Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(Error::io("create", path))?;
    let metadata = fs::symlink_metadata(path).map_err(Error::io("read", path))?;
    if !metadata.is_dir() {
        return Err(Error::refused(path, "it is not a folder"));
    }
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(Error::refused(path, "the folder belongs to another user"));
    }
    if metadata.mode() & 0o077 != 0 {
        fs::set_permissions(path, Permissions::from_mode(0o700)).map_err(Error::io("protect", path))?;
    }
    Ok(())
}

/// Refuses a file that somebody else owns or can write.
pub(crate) fn check_private(file: &File, path: &Path) -> Result<()> {
    let metadata = file.metadata().map_err(Error::io("read", path))?;
    if !metadata.is_file() {
        return Err(Error::refused(path, "it is not a regular file"));
    }
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(Error::refused(path, "it belongs to another user"));
    }
    if metadata.mode() & 0o022 != 0 {
        return Err(Error::refused(path, "others can write it"));
    }
    Ok(())
}

/// Opens for reading, never through a symbolic link.
pub(crate) fn open_private(path: &Path) -> std::io::Result<File> {
    let no_follow = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
    OpenOptions::new().read(true).custom_flags(no_follow).open(path)
}

/// Reads the key of `folder`, or makes one. Two processes that start at once end up with the same.
pub(crate) fn load_or_create(folder: &Path) -> Result<Key> {
    let path = folder.join("key");
    match open_private(&path) {
        Ok(file) => read(file, &path),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            create(folder, &path)?;
            read(open_private(&path).map_err(Error::io("open", &path))?, &path)
        }
        Err(error) => Err(Error::io("open", &path)(error)),
    }
}

fn create(folder: &Path, path: &Path) -> Result<()> {
    let mut key = Key::default();
    getrandom::fill(&mut key).map_err(|error| Error::Engine(format!("no randomness for the key: {error}")))?;
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(Error::io("create", folder))?;
    file.write_all(&key).map_err(Error::io("write", path))?;
    file.as_file().sync_all().map_err(Error::io("write", path))?;
    match file.persist_noclobber(path) {
        Ok(_) => Ok(()),
        Err(error) if error.error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(Error::io("create", path)(error.error)),
    }
}

fn read(mut file: File, path: &Path) -> Result<Key> {
    check_private(&file, path)?;
    let mut key = Key::default();
    file.read_exact(&mut key).map_err(Error::io("read", path))?;
    Ok(key)
}
