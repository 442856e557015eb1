//! Remembers what builds came to, so that the same source twice costs nothing. A folder of this machine with one small file
//! for each; what is lost is built again.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use hks_engine::Digest;

/// Builds that are remembered; at a hundred bytes each, some MiB of disk.
const ENTRIES_MAX: usize = 20_000;
/// How many are forgotten at once, the longest unused first.
const ENTRIES_FORGOTTEN: usize = ENTRIES_MAX / 4;

/// Artifacts by the digest of all that went into them.
pub(crate) struct Recall {
    folder: PathBuf,
}

impl Recall {
    pub(crate) fn open(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        Ok(Self { folder: folder.to_path_buf() })
    }

    /// The artifact, if it was built. A file that is damaged counts for none.
    pub(crate) fn find(&self, inputs: Digest) -> Option<Digest> {
        let file = self.file(inputs);
        let found = fs::read_to_string(&file).ok()?.trim_end().parse().ok()?;
        // For what is forgotten first; it does not matter if it cannot be written.
        let _unimportant = fs::File::open(&file).and_then(|file| file.set_modified(SystemTime::now()));
        Some(found)
    }

    pub(crate) fn keep(&self, inputs: Digest, artifact: Digest) -> io::Result<()> {
        self.make_room()?;
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        writeln!(file, "{artifact}")?;
        file.persist(self.file(inputs)).map_err(|error| error.error)?;
        Ok(())
    }

    /// For an artifact that is not in the store any more.
    pub(crate) fn forget(&self, inputs: Digest) {
        let _gone_already = fs::remove_file(self.file(inputs));
    }

    fn make_room(&self) -> io::Result<()> {
        let entries = fs::read_dir(&self.folder)?.filter_map(Result::ok);
        let mut used: Vec<(SystemTime, PathBuf)> =
            entries.filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path()))).collect();
        if used.len() < ENTRIES_MAX {
            return Ok(());
        }
        used.sort_unstable();
        for (_, file) in used.iter().take(ENTRIES_FORGOTTEN) {
            let _gone_already = fs::remove_file(file);
        }
        Ok(())
    }

    fn file(&self, inputs: Digest) -> PathBuf {
        self.folder.join(inputs.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_found_until_it_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let recall = Recall::open(folder.path()).unwrap();
        let (inputs, artifact) = (Digest::of(b"inputs"), Digest::of(b"artifact"));
        assert_eq!(recall.find(inputs), None);
        recall.keep(inputs, artifact).unwrap();
        assert_eq!(recall.find(inputs), Some(artifact));
        fs::write(folder.path().join(inputs.to_string()), "damaged").unwrap();
        assert_eq!(recall.find(inputs), None);
        recall.keep(inputs, artifact).unwrap();
        recall.forget(inputs);
        assert_eq!(recall.find(inputs), None);
    }
}
