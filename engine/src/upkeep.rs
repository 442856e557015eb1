//! What becomes of native code that nobody uses any more: files of older engines, of components that are gone, and what is too much.
//!
//! When a file was last used is its modification time, which loading sets: nothing else of it changes after it was written.
//! A file that somebody has mapped can be removed: it is gone when the last of them is. A file is removed under the same lock
//! under which it is compiled, so that who compiles one finds it there. What was removed too early costs a compilation.

use std::collections::HashSet;
use std::fs::{self, DirEntry, File, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::artifact::Digest;
use crate::store::ArtifactStore;
use crate::{Engine, Error, Result, key};

/// More often than that nobody needs to know that a file is in use.
const STAMP_EVERY: Duration = Duration::from_secs(60);

/// A file that is written to is younger, whatever the grace time is.
const LEFTOVER_AGE_MIN: Duration = Duration::from_secs(3600);

/// One file of native code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NativeFile {
    /// The component that it was compiled from.
    pub source: Digest,
    /// The beginning of the fingerprint of the engine that it was compiled for.
    pub engine: String,
    /// Its size.
    pub bytes: u64,
    /// When it was last loaded, to about a minute; when it was compiled, if never.
    pub last_used: SystemTime,
}

/// What is kept of native code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// For how long after their last use, files of other engines and of components that nobody refers to: during an upgrade the
    /// program before it may still run.
    pub unused: Duration,
    /// All files together; the least recently used go first.
    pub bytes_max: u64,
}

/// What [`ArtifactStore::trim`] removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Trimmed {
    /// Files of native code.
    pub files: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Half-written files of a crash.
    pub leftovers: u64,
}

impl ArtifactStore {
    /// All native code in the folder, the most recently used first.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn files(&self) -> Result<Vec<NativeFile>> {
        let mut files: Vec<_> = self.entries()?.iter().filter_map(native_file).collect();
        files.sort_by(|a, b| b.last_used.cmp(&a.last_used).then_with(|| a.name().cmp(&b.name())));
        Ok(files)
    }

    /// Removes native code that is not to be kept: of other engines than `engine` and of components that are not `referenced`, once
    /// unused for a while, and whatever is too much. What is being compiled is left alone.
    ///
    /// # Errors
    /// The folder cannot be read or written. What was removed until then stays removed.
    pub fn trim(&self, engine: &Engine, referenced: &HashSet<Digest>, keep: &Keep) -> Result<Trimmed> {
        let now = SystemTime::now();
        let unused = |since: SystemTime| now.duration_since(since).unwrap_or_default() > keep.unused;
        let ours = engine_name(engine);
        let files = self.files()?;
        let mut bytes_left: u64 = files.iter().map(|file| file.bytes).sum();
        let mut trimmed = Trimmed::default();
        for file in files.iter().rev() {
            let needed = file.engine == ours && referenced.contains(&file.source);
            let old = !needed && unused(file.last_used);
            if (old || bytes_left > keep.bytes_max) && self.remove(file)? {
                bytes_left -= file.bytes;
                trimmed.files += 1;
                trimmed.bytes += file.bytes;
            }
        }
        let abandoned = keep.unused.max(LEFTOVER_AGE_MIN);
        trimmed.leftovers = self.sweep(|since| now.duration_since(since).unwrap_or_default() > abandoned)?;
        Ok(trimmed)
    }

    /// Says when native code of `source` was last used, for one that took the place of another engine's. Nothing happens if there
    /// is none.
    ///
    /// # Errors
    /// The file cannot be changed.
    pub fn set_last_used(&self, engine: &Engine, source: Digest, at: SystemTime) -> Result<()> {
        let path = self.path(engine, source);
        match key::open_private(&path) {
            Ok(file) => file.set_modified(at).map_err(Error::io("stamp", &path)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(Error::io("open", &path)(error)),
        }
    }

    fn entries(&self) -> Result<Vec<DirEntry>> {
        let entries = fs::read_dir(self.folder()).and_then(Iterator::collect);
        entries.map_err(Error::io("list", self.folder()))
    }

    /// Whether it is gone. It stays if somebody compiles it just now, or has used it since it was listed.
    fn remove(&self, file: &NativeFile) -> Result<bool> {
        let Some(turn) = self.try_turn(file.source)? else { return Ok(false) };
        let path = self.folder().join(file.name());
        let modified = fs::metadata(&path).and_then(|metadata| metadata.modified());
        let removed = modified.is_ok_and(|modified| modified == file.last_used) && remove_file(&path)?;
        let others = self.entries()?.iter().any(|entry| native_file(entry).is_some_and(|of| of.source == file.source));
        if !others {
            remove_file(&self.lock_path(file.source))?;
        }
        drop(turn);
        Ok(removed)
    }

    /// Removes what crashes left: half-written files, and locks of components that were never compiled.
    fn sweep(&self, abandoned: impl Fn(SystemTime) -> bool) -> Result<u64> {
        let mut leftovers = 0;
        let entries = self.entries()?;
        let compiled: HashSet<Digest> = entries.iter().filter_map(native_file).map(|file| file.source).collect();
        for entry in &entries {
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            let old = entry.metadata().and_then(|metadata| metadata.modified()).is_ok_and(&abandoned);
            // The names that `tempfile` gives, which the key and memos are written under as well.
            if name.starts_with(".tmp") && old {
                leftovers += u64::from(remove_file(&entry.path())?);
            }
            let locked = name.strip_suffix(".lock").and_then(|source| source.parse::<Digest>().ok());
            if let Some(source) = locked.filter(|source| old && !compiled.contains(source))
                && let Some(_turn) = self.try_turn(source)?
            {
                remove_file(&self.lock_path(source))?;
            }
        }
        Ok(leftovers)
    }

    /// Like `take_turn`, without waiting for whoever has it.
    fn try_turn(&self, source: Digest) -> Result<Option<File>> {
        let path = self.lock_path(source);
        let file = File::create(&path).map_err(Error::io("create", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(is_at(&file, &path).then_some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(Error::io("lock", &path)(error)),
        }
    }
}

impl NativeFile {
    fn name(&self) -> String {
        format!("{}-{}.cwasm", self.source, self.engine)
    }
}

/// How names of files say which engine they are for.
pub(crate) fn engine_name(engine: &Engine) -> String {
    let mut name = Digest::from_bytes(*engine.fingerprint()).to_string();
    name.truncate(16);
    name
}

/// Notes that the file is in use. That this failed is worth no failure: it is removed a little early, and compiled again.
pub(crate) fn stamp(file: &File) {
    let now = SystemTime::now();
    let last = file.metadata().and_then(|metadata| metadata.modified());
    if last.is_ok_and(|last| now.duration_since(last).unwrap_or_default() > STAMP_EVERY) {
        let _ = file.set_modified(now);
    }
}

/// Whether the open file is still the one that the path leads to: a lock on one that was removed keeps nobody out.
pub(crate) fn is_at(file: &File, path: &Path) -> bool {
    let identity = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    let (open, there) = (file.metadata().map(identity), fs::metadata(path).map(identity));
    open.ok().is_some_and(|open| there.is_ok_and(|there| there == open))
}

fn native_file(entry: &DirEntry) -> Option<NativeFile> {
    let name = entry.file_name();
    let (source, engine) = name.to_str()?.strip_suffix(".cwasm")?.split_once('-')?;
    let metadata = entry.metadata().ok()?;
    let file = NativeFile {
        source: source.parse().ok()?,
        engine: engine.to_owned(),
        bytes: metadata.len(),
        last_used: metadata.modified().ok()?,
    };
    let known = engine.len() == 16 && engine.bytes().all(|byte| byte.is_ascii_hexdigit());
    (known && name.to_str() == Some(&file.name()) && metadata.is_file()).then_some(file)
}

/// Whether it was there.
fn remove_file(path: &Path) -> Result<bool> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Error::io("remove", path)(error)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;
    use crate::{EngineConfig, Metering};

    const HOUR: Duration = Duration::from_secs(3600);
    const ALL: Keep = Keep { unused: HOUR, bytes_max: u64::MAX };

    fn engine(metering: Metering) -> Engine {
        Engine::new(&EngineConfig { metering, ..EngineConfig::default() }).unwrap()
    }

    fn component(number: usize) -> Vec<u8> {
        wat::parse_str(format!("(component (core module (func (export \"f{number}\"))))")).unwrap()
    }

    struct Fixture {
        now: Engine,
        before: Engine,
        store: ArtifactStore,
        folder: tempfile::TempDir,
    }

    fn fixture() -> Fixture {
        let folder = tempfile::tempdir().unwrap();
        let store = ArtifactStore::open(folder.path()).unwrap();
        Fixture { now: engine(Metering::FuelAndEpoch), before: engine(Metering::Epoch), store, folder }
    }

    impl Fixture {
        /// Native code of the component that was last used so long ago.
        fn compile(&self, engine: &Engine, number: usize, unused: Duration) -> Digest {
            let wasm = component(number);
            self.store.load_or_compile(engine, &wasm).unwrap();
            let source = Digest::of(&wasm);
            self.store.set_last_used(engine, source, SystemTime::now() - unused).unwrap();
            source
        }

        fn trim(&self, referenced: &[Digest], keep: Keep) -> Trimmed {
            self.store.trim(&self.now, &referenced.iter().copied().collect(), &keep).unwrap()
        }

        fn names(&self, end: &str) -> usize {
            let names = fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
            names.filter(|name| name.to_string_lossy().ends_with(end)).count()
        }
    }

    #[test]
    fn only_what_is_referred_to_and_ours_outlives_its_grace_time() {
        let it = fixture();
        let kept = it.compile(&it.now, 1, 9 * HOUR);
        let other_engine = it.compile(&it.before, 1, 2 * HOUR);
        let unreferenced = it.compile(&it.now, 2, 2 * HOUR);
        let fresh = it.compile(&it.before, 3, HOUR / 2);
        assert_eq!(it.store.files().unwrap().len(), 4);
        let trimmed = it.trim(&[kept], ALL);
        assert_eq!(trimmed.files, 2);
        assert!(it.store.contains(&it.now, kept) && it.store.contains(&it.before, fresh));
        assert!(!it.store.contains(&it.before, other_engine) && !it.store.contains(&it.now, unreferenced));
        assert_eq!(it.trim(&[kept], ALL), Trimmed::default());
        // The lock of what is gone is gone, too.
        assert_eq!(it.names(".lock"), 2);
    }

    #[test]
    fn the_least_recently_used_goes_when_it_is_too_much() {
        let it = fixture();
        let sources: Vec<_> = [3, 1, 2].map(|age| it.compile(&it.now, age as usize, HOUR * age)).to_vec();
        let bytes_max = it.store.files().unwrap().iter().map(|file| file.bytes).sum::<u64>() - 1;
        let trimmed = it.trim(&sources, Keep { bytes_max, ..ALL });
        assert_eq!(trimmed.files, 1);
        assert!(!it.store.contains(&it.now, sources[0]));
        let order: Vec<_> = it.store.files().unwrap().iter().map(|file| file.source).collect();
        assert_eq!(order, [sources[1], sources[2]]);
    }

    #[test]
    fn loading_counts_as_use_and_what_is_loaded_stays_usable_when_its_file_goes() {
        let it = fixture();
        let source = it.compile(&it.now, 1, 2 * HOUR);
        let artifact = it.store.load(&it.now, source).unwrap().unwrap();
        assert_eq!(it.trim(&[], ALL).files, 0);
        assert_eq!(it.trim(&[], Keep { bytes_max: 0, ..ALL }).files, 1);
        let linker = wasmtime::component::Linker::<()>::new(it.now.wasmtime());
        assert!(linker.instantiate_pre(artifact.component()).is_ok());
        assert!(it.store.load(&it.now, source).unwrap().is_none());
    }

    #[test]
    fn what_is_being_compiled_is_left_alone() {
        let it = fixture();
        let source = it.compile(&it.now, 1, 2 * HOUR);
        let turn = it.store.try_turn(source).unwrap().unwrap();
        assert_eq!(it.trim(&[], ALL).files, 0);
        drop(turn);
        assert_eq!(it.trim(&[], ALL).files, 1);
    }

    #[test]
    fn a_lock_that_was_removed_keeps_nobody_out_and_is_taken_anew() {
        let it = fixture();
        let source = Digest::of(b"1");
        let turn = it.store.try_turn(source).unwrap().unwrap();
        remove_file(&it.store.lock_path(source)).unwrap();
        assert!(!is_at(&turn, &it.store.lock_path(source)));
        assert!(it.store.try_turn(source).unwrap().is_some());
    }

    #[test]
    fn leftovers_of_a_crash_go_after_the_grace_time() {
        let it = fixture();
        for (name, age) in [(".tmpOLD", 2 * HOUR), (".tmpNEW", HOUR / 2), ("notes", 2 * HOUR)] {
            let file = File::create(it.folder.path().join(name)).unwrap();
            file.set_modified(SystemTime::now() - age).unwrap();
        }
        let lock = File::create(it.store.lock_path(Digest::of(b"never compiled"))).unwrap();
        lock.set_modified(SystemTime::now() - 2 * HOUR).unwrap();
        assert_eq!(it.trim(&[], ALL).leftovers, 1);
        let left = ["OLD", "NEW", "notes", ".lock", "key"].map(|end| it.names(end));
        assert_eq!(left, [0, 1, 1, 0, 1]);
    }

    #[test]
    fn who_compiles_while_others_remove_finds_it_there() {
        let it = fixture();
        let done = Arc::new(AtomicBool::new(false));
        let (store, now, until) = (it.store.clone(), it.now.clone(), Arc::clone(&done));
        let remover = std::thread::spawn(move || {
            let nothing = Keep { unused: Duration::ZERO, bytes_max: 0 };
            while !until.load(Ordering::SeqCst) {
                store.trim(&now, &HashSet::new(), &nothing).unwrap();
            }
        });
        for _ in 0..100 {
            let artifact = it.store.load_or_compile(&it.now, &component(1)).unwrap();
            assert_eq!(artifact.digest(), Digest::of(&component(1)));
        }
        done.store(true, Ordering::SeqCst);
        remover.join().unwrap();
    }
}
