//! `cargo xtask clean-cache`: deletes what can be built again, and says what that was.

use std::fs;
use std::io;
use std::path::Path;

use anyhow::Result;

use crate::workspace::Workspace;
use crate::{cache, ui};

/// Deletes the cache of all checkouts and this checkout's environments. Cargo's own target folder is cargo's business.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let cached = ["guests", "tools", "work"].map(|name| workspace.cached(name));
    for folder in cached.into_iter().chain([workspace.path(".hks")]).filter(|folder| folder.is_dir()) {
        let bytes = size(&folder).unwrap_or(0);
        cache::remove(&folder)?;
        ui::note(&format!("{} ({} MB) is deleted", folder.display(), bytes / 1_000_000));
    }
    ui::note("compiled Rust code is still there: `cargo clean` deletes it");
    Ok(())
}

/// In bytes, links not followed.
fn size(path: &Path) -> io::Result<u64> {
    let metadata = fs::symlink_metadata(path)?;
    if !metadata.is_dir() {
        return Ok(metadata.len());
    }
    fs::read_dir(path)?.map(|entry| size(&entry?.path())).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_of_a_folder_is_that_of_its_files() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("a")).unwrap();
        fs::write(root.path().join("a/b"), [0; 7]).unwrap();
        fs::write(root.path().join("c"), [0; 5]).unwrap();
        assert_eq!(size(root.path()).unwrap(), 12);
    }
}
