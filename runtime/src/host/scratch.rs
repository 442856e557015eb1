//! The private `/tmp` of an attempt: given out when the guest first looks for files, bounded, and gone with the store.
//!
//! The bound is on what files would take, not on what was written: a guest may rewrite a file as often as it likes. What is
//! written is charged against a budget; when the budget is used up, the folder is measured and the budget set anew. Files
//! that were removed but are still open count too, since they still take space.
//!
//! Most guests only look whether the folder is there. A folder in which nothing was ever done is given to the next attempt;
//! one that was used is removed with all that is in it.

use std::fs::{DirBuilder, File, read_dir};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tempfile::TempDir;

/// What every file, folder or link counts for besides its content.
pub(crate) const ENTRY_BYTES: u64 = 4096;

/// Unused folders that are kept: as many as attempts usually run at once.
const UNUSED_MAX: usize = 64;

/// Where attempts get their folders from. Clones are the same place; its folders are removed with the last of them.
#[derive(Clone)]
pub(crate) struct ScratchFolders(Arc<Folders>);

struct Folders {
    parent: PathBuf,
    unused: Mutex<Vec<TempDir>>,
}

/// The `/tmp` of one attempt. Clones are the same folder.
#[derive(Clone)]
pub(crate) struct Scratch(Arc<Mutex<State>>);

struct State {
    folders: ScratchFolders,
    folder: Option<TempDir>,
    used: bool,
    refused: bool,
    limit_bytes: u64,
    budget_bytes: u64,
    open: Vec<Weak<File>>,
}

/// The folder's limit is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Full;

impl ScratchFolders {
    /// Folders below `parent`, which is made when the first one is.
    pub(crate) fn new(parent: PathBuf) -> Self {
        Self(Arc::new(Folders { parent, unused: Mutex::default() }))
    }

    fn take(&self) -> std::io::Result<TempDir> {
        if let Some(folder) = self.unused().pop() {
            return Ok(folder);
        }
        DirBuilder::new().recursive(true).mode(0o700).create(&self.0.parent)?;
        tempfile::Builder::new().prefix("attempt-").tempdir_in(&self.0.parent)
    }

    fn give_back(&self, folder: TempDir) {
        let mut unused = self.unused();
        if unused.len() < UNUSED_MAX {
            unused.push(folder);
        }
    }

    fn unused(&self) -> MutexGuard<'_, Vec<TempDir>> {
        self.0.unused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Scratch {
    /// A scratch folder that is not there yet.
    pub(crate) fn new(folders: ScratchFolders, limit_bytes: u64) -> Self {
        let budget_bytes = limit_bytes;
        let state =
            State { folders, folder: None, used: false, refused: false, limit_bytes, budget_bytes, open: Vec::new() };
        Self(Arc::new(Mutex::new(state)))
    }

    /// Opens the folder, and gets one at the first time.
    pub(crate) fn open_folder(&self) -> std::io::Result<File> {
        let mut state = self.lock();
        if state.folder.is_none() {
            state.folder = Some(state.folders.take()?);
        }
        let folder = state.folder.as_ref().expect("there is one since just now");
        File::open(folder.path())
    }

    /// Says that the folder is not as it was, or shows that somebody was there: nobody else may have it.
    pub(crate) fn mark_used(&self) {
        self.lock().used = true;
    }

    /// Takes `bytes` from what may still be written.
    pub(crate) fn charge(&self, bytes: u64) -> Result<(), Full> {
        let mut state = self.lock();
        state.used = true;
        if bytes > state.budget_bytes {
            state.budget_bytes = state.limit_bytes.saturating_sub(state.measure());
        }
        let left = state.budget_bytes.checked_sub(bytes);
        state.refused |= left.is_none();
        state.budget_bytes = left.ok_or(Full)?;
        Ok(())
    }

    /// Whether something did not fit. Guests may only be told that a write failed, so the report has to say why.
    pub(crate) fn was_full(&self) -> bool {
        self.lock().refused
    }

    /// How many files and folders are open.
    pub(crate) fn open_files(&self) -> usize {
        let mut state = self.lock();
        state.open.retain(|file| file.strong_count() > 0);
        state.open.len()
    }

    /// Remembers an open file, which may be removed while it still takes space.
    pub(crate) fn opened(&self, file: &Arc<File>) {
        self.lock().open.push(Arc::downgrade(file));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for State {
    fn drop(&mut self) {
        if let Some(folder) = self.folder.take()
            && !self.used
        {
            self.folders.give_back(folder);
        }
    }
}

impl State {
    fn measure(&self) -> u64 {
        let named = self.folder.as_ref().map_or(0, |folder| tree_bytes(folder.path()));
        let removed = self.open.iter().filter_map(Weak::upgrade).filter_map(|file| file.metadata().ok());
        named + removed.filter(|metadata| metadata.nlink() == 0).map(|metadata| metadata.len()).sum::<u64>()
    }
}

/// Apparent sizes of everything below `folder`; links are not followed. The depth is bounded by what entries cost.
fn tree_bytes(folder: &Path) -> u64 {
    let mut folders = vec![folder.to_owned()];
    let mut bytes = 0;
    while let Some(folder) = folders.pop() {
        for entry in read_dir(folder).into_iter().flatten().flatten() {
            let Ok(metadata) = entry.metadata() else { continue };
            if metadata.is_dir() {
                folders.push(entry.path());
                bytes += ENTRY_BYTES;
            } else {
                bytes += ENTRY_BYTES + metadata.len();
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn scratch(limit_bytes: u64) -> (Scratch, PathBuf, TempDir) {
        let parent = tempfile::tempdir().unwrap();
        let scratch = Scratch::new(ScratchFolders::new(parent.path().join("scratch")), limit_bytes);
        drop(scratch.open_folder().unwrap());
        let folder = scratch.lock().folder.as_ref().unwrap().path().to_owned();
        (scratch, folder, parent)
    }

    #[test]
    fn a_used_folder_is_made_late_and_removed_at_the_end() {
        let parent = tempfile::tempdir().unwrap();
        let scratch = Scratch::new(ScratchFolders::new(parent.path().to_owned()), 0);
        let entries = || fs::read_dir(parent.path()).unwrap().count();
        assert_eq!(entries(), 0);
        drop(scratch.open_folder().unwrap());
        assert_eq!(entries(), 1);
        scratch.mark_used();
        drop(scratch);
        assert_eq!(entries(), 0);
    }

    #[test]
    fn only_an_unused_folder_is_given_to_the_next() {
        let parent = tempfile::tempdir().unwrap();
        let folders = ScratchFolders::new(parent.path().to_owned());
        let folder_of = |use_it: bool| {
            let scratch = Scratch::new(folders.clone(), 100);
            drop(scratch.open_folder().unwrap());
            if use_it {
                scratch.charge(1).unwrap();
            }
            scratch.lock().folder.as_ref().unwrap().path().to_owned()
        };
        let first = folder_of(false);
        assert_eq!(folder_of(true), first);
        assert_ne!(folder_of(false), first);
        drop(folders);
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
    }

    #[test]
    fn rewriting_costs_nothing_in_the_end() {
        let (scratch, folder, _parent) = scratch(20_000);
        for _ in 0..100 {
            scratch.charge(5_000).unwrap();
            fs::write(folder.join("file"), vec![0; 5_000]).unwrap();
        }
    }

    #[test]
    fn what_is_kept_counts() {
        let (scratch, folder, _parent) = scratch(20_000);
        fs::write(folder.join("file"), vec![0; 12_000]).unwrap();
        scratch.charge(20_000).unwrap();
        assert_eq!(scratch.charge(4_000), Err(Full));
        assert_eq!(scratch.charge(3_900), Ok(()));
    }

    #[test]
    fn a_removed_file_counts_while_it_is_open() {
        let (scratch, folder, _parent) = scratch(20_000);
        fs::write(folder.join("file"), vec![0; 15_000]).unwrap();
        let file = Arc::new(File::open(folder.join("file")).unwrap());
        scratch.opened(&file);
        fs::remove_file(folder.join("file")).unwrap();
        scratch.charge(20_000).unwrap();
        assert_eq!(scratch.charge(6_000), Err(Full));
        drop(file);
        assert_eq!(scratch.charge(6_000), Ok(()));
    }

    #[test]
    fn empty_files_and_folders_are_bounded_as_well() {
        let (scratch, folder, _parent) = scratch(10 * ENTRY_BYTES);
        let mut made = 0;
        while scratch.charge(ENTRY_BYTES).is_ok() {
            fs::create_dir(folder.join(made.to_string())).unwrap();
            made += 1;
        }
        assert_eq!(made, 10);
    }
}
