//! Remembers the digest of a file, so that a process that starts need not read 35 MB to know what it has compiled before.
//!
//! A digest is believed as long as device, inode, size and both times of the file are those that it was computed for; the
//! change time cannot be set by a program. A file that changed in the last seconds is not remembered: it might change again
//! within the resolution of its times. The memo lies in the artifact folder, which only this user can write.

use std::fs::{File, Metadata};
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::artifact::Digest;
use crate::key::{check_private, open_private};

/// Longer than the resolution of any file system's times.
const SETTLED: Duration = Duration::from_secs(3);

/// The digest of `file`, from the memo in `folder` or by reading all of it.
pub(crate) fn digest_of(folder: &Path, file: &File) -> std::io::Result<Digest> {
    let identity = Identity::of(&file.metadata()?);
    let memo = folder.join(identity.file_name());
    if let Some(digest) = read(&memo, &identity) {
        return Ok(digest);
    }
    let digest = Digest::of_file(file)?;
    if identity.is_settled() && Identity::of(&file.metadata()?) == identity {
        // Without a memo the next process only starts later.
        let _ = write(folder, &memo, &identity, digest);
    }
    Ok(digest)
}

/// What must be unchanged for a file to be unchanged: device, inode, size, modification and change time.
#[derive(PartialEq, Eq)]
struct Identity([i128; 5]);

impl Identity {
    fn of(metadata: &Metadata) -> Self {
        let nanoseconds = |seconds: i64, rest: i64| i128::from(seconds) * 1_000_000_000 + i128::from(rest);
        Self([
            metadata.dev().into(),
            metadata.ino().into(),
            metadata.size().into(),
            nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
            nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
        ])
    }

    fn file_name(&self) -> String {
        format!("{:x}-{:x}.digest", self.0[0], self.0[1])
    }

    fn line(&self, digest: &str) -> String {
        let [device, inode, size, modified, changed] = self.0;
        format!("{device} {inode} {size} {modified} {changed} {digest}\n")
    }

    fn is_settled(&self) -> bool {
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        let settled = i128::try_from(now.saturating_sub(SETTLED).as_nanos()).unwrap_or(i128::MAX);
        self.0[3].max(self.0[4]) < settled
    }
}

fn read(memo: &Path, identity: &Identity) -> Option<Digest> {
    let file = open_private(memo).ok()?;
    check_private(&file, memo).ok()?;
    let line = std::io::read_to_string(file).ok()?;
    let digest: Digest = line.trim_end().rsplit(' ').next()?.parse().ok()?;
    (line == identity.line(&digest.to_string())).then_some(digest)
}

fn write(folder: &Path, memo: &Path, identity: &Identity, digest: Digest) -> std::io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(identity.line(&digest.to_string()).as_bytes())?;
    file.persist(memo)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn set_old(path: &Path) {
        let old = SystemTime::now() - Duration::from_secs(60);
        File::options().write(true).open(path).unwrap().set_modified(old).unwrap();
    }

    fn memos(folder: &Path) -> usize {
        let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| name.to_string_lossy().ends_with(".digest")).count()
    }

    #[test]
    fn a_fresh_file_is_read_every_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("guest");
        fs::write(&path, "a").unwrap();
        set_old(&path);
        assert_eq!(digest_of(folder.path(), &File::open(&path).unwrap()).unwrap(), Digest::of(b"a"));
        // Its change time is now, whatever its modification time says.
        assert_eq!(memos(folder.path()), 0);
    }

    #[test]
    fn a_memo_counts_for_the_very_same_file_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("guest");
        fs::write(&path, "a").unwrap();
        let identity = Identity::of(&fs::metadata(&path).unwrap());
        let memo = folder.path().join(identity.file_name());
        write(folder.path(), &memo, &identity, Digest::of(b"remembered")).unwrap();
        assert_eq!(digest_of(folder.path(), &File::open(&path).unwrap()).unwrap(), Digest::of(b"remembered"));
        fs::write(&path, "b").unwrap();
        assert_eq!(digest_of(folder.path(), &File::open(&path).unwrap()).unwrap(), Digest::of(b"b"));
    }

    #[test]
    fn a_damaged_memo_counts_for_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("guest");
        fs::write(&path, "a").unwrap();
        let identity = Identity::of(&fs::metadata(&path).unwrap());
        for text in ["", "\n", "1 2 3 4 5 xyz\n", "äöü", &identity.line("00")] {
            fs::write(folder.path().join(identity.file_name()), text).unwrap();
            assert_eq!(digest_of(folder.path(), &File::open(&path).unwrap()).unwrap(), Digest::of(b"a"), "{text:?}");
        }
    }
}
