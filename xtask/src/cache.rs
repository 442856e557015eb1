//! Things that are built once per content: made beside their place under a lock, then moved into it in one step.
//!
//! Two commands that need the same thing at the same time build it once; one that is interrupted leaves nothing that
//! the next could take for whole.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::ui;

/// Whether something had to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    Ready,
    Made,
}

/// Makes the file `path` unless it is there. `make` gets the place to write to.
pub(crate) fn file(path: &Path, make: impl FnOnce(&Path) -> Result<()>) -> Result<Found> {
    if path.is_file() {
        return Ok(Found::Ready);
    }
    let _lock = lock(path)?;
    if path.is_file() {
        return Ok(Found::Ready);
    }
    let part = beside(path, "part");
    make(&part)?;
    fs::rename(&part, path).with_context(|| format!("cannot move the result to {}", path.display()))?;
    Ok(Found::Made)
}

/// Makes the folder `path` unless it is complete. `make` fills it; a marker inside says that it came to its end.
pub(crate) fn folder(path: &Path, make: impl FnOnce(&Path) -> Result<()>) -> Result<Found> {
    let marker = path.join(".complete");
    if marker.is_file() {
        return Ok(Found::Ready);
    }
    let _lock = lock(path)?;
    if marker.is_file() {
        return Ok(Found::Ready);
    }
    remove(path)?;
    make(path)?;
    fs::write(&marker, "").with_context(|| format!("cannot write {}", marker.display()))?;
    Ok(Found::Made)
}

/// Copies a file, unless the same bytes are there: an untouched time stamp spares others their work.
pub(crate) fn install(from: &Path, to: &Path) -> Result<()> {
    let context = || format!("cannot copy {} to {}", from.display(), to.display());
    if same(from, to).unwrap_or(false) {
        return Ok(());
    }
    let part = beside(to, "part");
    fs::create_dir_all(to.parent().context("a file lies in a folder")?).with_context(context)?;
    fs::copy(from, &part).and_then(|_| fs::rename(&part, to)).with_context(context)
}

/// Deletes a folder with all that is in it, if there is one.
pub(crate) fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot delete {}", folder.display()))
        }
        _ => Ok(()),
    }
}

/// Held until the returned file is dropped; the system lets go of it when we die.
pub(crate) fn lock(path: &Path) -> Result<File> {
    let lock = beside(path, "lock");
    let context = || format!("cannot lock {}", lock.display());
    fs::create_dir_all(lock.parent().context("a cached thing lies in a folder")?).with_context(context)?;
    let file = File::create(&lock).with_context(context)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            ui::note(&format!("waiting for another command that builds {}", path.display()));
            file.lock().with_context(context)?;
        }
        Err(TryLockError::Error(error)) => return Err(error).with_context(context),
    }
    Ok(file)
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".");
    name.push(suffix);
    path.with_file_name(name)
}

fn same(a: &Path, b: &Path) -> io::Result<bool> {
    if fs::metadata(a)?.len() != fs::metadata(b)?.len() {
        return Ok(false);
    }
    let (mut a, mut b) = (File::open(a)?, File::open(b)?);
    let (mut left, mut right) = (vec![0; 1 << 20], vec![0; 1 << 20]);
    loop {
        let length = a.read(&mut left)?;
        if length == 0 {
            return Ok(true);
        }
        b.read_exact(&mut right[..length])?;
        if left[..length] != right[..length] {
            return Ok(false);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_made_once() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("guests/python-1.wasm");
        let make = |out: &Path| fs::write(out, "wasm").context("write");
        assert_eq!(file(&path, make).unwrap(), Found::Made);
        assert_eq!(file(&path, |_| panic!("it is there")).unwrap(), Found::Ready);
        assert_eq!(fs::read(&path).unwrap(), b"wasm");
    }

    #[test]
    fn a_failed_build_leaves_no_file() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("a");
        let result = file(&path, |out| {
            fs::write(out, "half")?;
            anyhow::bail!("stop")
        });
        assert!(result.is_err());
        assert!(!path.exists());
    }

    #[test]
    fn a_half_made_folder_is_made_again() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("venv");
        fs::create_dir(&path).unwrap();
        fs::write(path.join("rest"), "of an interrupted run").unwrap();
        let make = |folder: &Path| fs::create_dir(folder).context("create");
        assert_eq!(folder(&path, make).unwrap(), Found::Made);
        assert!(!path.join("rest").exists());
        assert_eq!(folder(&path, make).unwrap(), Found::Ready);
    }

    #[test]
    fn an_equal_file_is_not_touched() {
        let root = tempfile::tempdir().unwrap();
        let (from, to) = (root.path().join("from"), root.path().join("sub/to"));
        fs::write(&from, "1").unwrap();
        install(&from, &to).unwrap();
        let before = fs::metadata(&to).unwrap().modified().unwrap();
        install(&from, &to).unwrap();
        assert_eq!(fs::metadata(&to).unwrap().modified().unwrap(), before);
        fs::write(&from, "2").unwrap();
        install(&from, &to).unwrap();
        assert_eq!(fs::read(&to).unwrap(), b"2");
    }
}
