//! A folder of compiled components, named by what they were compiled from and for which engine.
//!
//! Files are only ever created under another name and renamed, so a reader never sees half of one. A file that cannot be
//! trusted is never loaded: [`ArtifactStore::load`] says why, and [`ArtifactStore::load_or_compile`] makes a new one.
//! What becomes of old files is a matter of [`upkeep`](crate::upkeep).

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use wasmtime::component::Component;

use crate::artifact::{Artifact, Digest};
use crate::compiled::Compiled;
use crate::key::{self, Key};
use crate::memo;
use crate::seal::Seal;
use crate::{Engine, Error, Result, upkeep};

/// A folder of sealed artifacts that belongs to this user.
#[derive(Clone)]
pub struct ArtifactStore {
    folder: PathBuf,
    key: Key,
}

impl ArtifactStore {
    /// Opens `folder`, and makes it and its key if there are none.
    ///
    /// # Errors
    /// The folder or key belongs to another user, or cannot be written.
    pub fn open(folder: &Path) -> Result<Self> {
        key::private_folder(folder)?;
        Ok(Self { folder: folder.to_owned(), key: key::load_or_create(folder)? })
    }

    /// The digest of the component in the file at `path`. Reading the whole file is needed only after it changed.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn digest_of(&self, path: &Path) -> Result<Digest> {
        let file = File::open(path).map_err(Error::io("open", path))?;
        memo::digest_of(&self.folder, &file).map_err(Error::io("read", path))
    }

    /// Where the artifact of `source` for `engine` is kept, whether or not it is there.
    #[must_use]
    pub fn path(&self, engine: &Engine, source: Digest) -> PathBuf {
        self.folder.join(format!("{source}-{}.cwasm", upkeep::engine_name(engine)))
    }

    /// Whether there is a file for `source` and `engine`; loading it may still refuse it.
    #[must_use]
    pub fn contains(&self, engine: &Engine, source: Digest) -> bool {
        self.path(engine, source).is_file()
    }

    /// Maps the artifact of `source`, if there is one.
    ///
    /// # Errors
    /// [`Error::Refused`] when there is a file that this user did not compile with this engine from this source.
    pub fn load(&self, engine: &Engine, source: Digest) -> Result<Option<Artifact>> {
        let path = self.path(engine, source);
        match key::open_private(&path) {
            Ok(file) => {
                let artifact = self.map(engine, source, &file, &path)?;
                upkeep::stamp(&file);
                Ok(Some(artifact))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => {
                Err(Error::refused(&path, "it is a symbolic link"))
            }
            Err(error) => Err(Error::io("open", &path)(error)),
        }
    }

    /// Maps the artifact of the component `wasm`; compiles it first if there is none that can be trusted.
    ///
    /// Compiling takes all cores, for CPython half a minute. Processes that want the same one wait for the first.
    ///
    /// # Errors
    /// The component is invalid, or the folder cannot be written.
    pub fn load_or_compile(&self, engine: &Engine, wasm: &[u8]) -> Result<Artifact> {
        self.load_or(engine, Digest::of(wasm), || Compiled::new(engine, wasm))
    }

    /// The same for a component by its digest, with another way to compile it: in a process with limits, say. What `compile`
    /// gives is sealed and then run as it is, so only our own compiler may have made it, from that very component.
    ///
    /// # Errors
    /// Those of `compile`, or the folder cannot be written.
    pub fn load_or<E: From<Error>>(
        &self,
        engine: &Engine,
        source: Digest,
        compile: impl FnOnce() -> Result<Compiled, E>,
    ) -> Result<Artifact, E> {
        if let Some(artifact) = self.load_trusted(engine, source)? {
            return Ok(artifact);
        }
        let _turn = self.take_turn(source)?;
        if let Some(artifact) = self.load_trusted(engine, source)? {
            return Ok(artifact);
        }
        let compiled = compile()?;
        self.seal(engine, source, &compiled)?;
        let path = self.path(engine, source);
        let loaded = self.load(engine, source)?;
        Ok(loaded.ok_or_else(|| Error::refused(&path, "it vanished right after it was compiled"))?)
    }

    /// Like `load`, but a file that cannot be trusted counts as none.
    fn load_trusted(&self, engine: &Engine, source: Digest) -> Result<Option<Artifact>> {
        match self.load(engine, source) {
            Err(error @ Error::Refused { .. }) => {
                tracing::warn!(%error, "compiling it anew");
                Ok(None)
            }
            other => other,
        }
    }

    /// Holds a lock among all processes until the returned file is dropped.
    fn take_turn(&self, source: Digest) -> Result<File> {
        let path = self.lock_path(source);
        loop {
            let file = File::create(&path).map_err(Error::io("create", &path))?;
            file.lock().map_err(Error::io("lock", &path))?;
            // Whoever had it before may have removed it with the last file of its component.
            if upkeep::is_at(&file, &path) {
                return Ok(file);
            }
        }
    }

    pub(crate) fn lock_path(&self, source: Digest) -> PathBuf {
        self.folder.join(format!("{source}.lock"))
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    fn seal(&self, engine: &Engine, source: Digest, compiled: &Compiled) -> Result<()> {
        let Compiled { content, code_bytes, pages_bytes, shape_bytes } = compiled;
        let (code_bytes, pages_bytes, shape_bytes) = (*code_bytes, *pages_bytes, *shape_bytes);
        let seal = Seal { fingerprint: *engine.fingerprint(), source, code_bytes, pages_bytes, shape_bytes };
        let footer = seal.sign(&self.key, content);
        let path = self.path(engine, source);
        let mut file = tempfile::NamedTempFile::new_in(&self.folder).map_err(Error::io("create", &path))?;
        file.write_all(content).and_then(|()| file.write_all(&footer)).map_err(Error::io("write", &path))?;
        file.persist(&path).map_err(|error| Error::io("write", &path)(error.error))?;
        Ok(())
    }

    fn map(&self, engine: &Engine, source: Digest, file: &File, path: &Path) -> Result<Artifact> {
        key::check_private(file, path)?;
        let (seal, content) = Seal::verify(&self.key, file, path)?;
        if seal.source != source {
            return Err(Error::refused(path, "it was compiled from another component"));
        }
        if seal.fingerprint != *engine.fingerprint() {
            return Err(Error::refused(path, "it was compiled for another engine or processor"));
        }
        // The very file that was checked, whatever its name may lead to by now.
        let same_file = format!("/proc/self/fd/{}", file.as_raw_fd());
        #[expect(
            unsafe_code,
            clippy::disallowed_methods,
            reason = "this is the one place, and we compiled it ourselves"
        )]
        // SAFETY: this maps the file as machine code. Its MAC was made by this user's key over exactly these bytes, which
        // only `compile` does, and neither the file nor its folder can be written by anybody else.
        let component = unsafe { Component::deserialize_file(engine.wasmtime(), same_file) };
        let component = component.map_err(|error| Error::refused(path, format!("{error:#}")))?;
        let shape = serde_json::from_slice(&content[seal.shape()])
            .map_err(|error| Error::refused(path, format!("its shape cannot be read: {error}")))?;
        Ok(Artifact::new(component, source, shape, file.try_clone().map_err(Error::io("open", path))?, seal.pages()))
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::{EngineConfig, Metering};

    const COMPONENT: &str = "(component)";

    fn engine(metering: Metering) -> Engine {
        Engine::new(&EngineConfig { metering, ..EngineConfig::default() }).unwrap()
    }

    struct Fixture {
        engine: Engine,
        store: ArtifactStore,
        wasm: Vec<u8>,
        path: PathBuf,
        _folder: tempfile::TempDir,
    }

    /// A store that holds one artifact.
    fn compiled() -> Fixture {
        let folder = tempfile::tempdir().unwrap();
        let engine = engine(Metering::FuelAndEpoch);
        let store = ArtifactStore::open(folder.path()).unwrap();
        let wasm = wat::parse_str(COMPONENT).unwrap();
        store.load_or_compile(&engine, &wasm).unwrap();
        let path = store.path(&engine, Digest::of(&wasm));
        Fixture { engine, store, wasm, path, _folder: folder }
    }

    impl Fixture {
        fn refusal(&self) -> String {
            match self.store.load(&self.engine, Digest::of(&self.wasm)) {
                Err(Error::Refused { reason, .. }) => reason,
                other => panic!("not refused: {other:?}"),
            }
        }
    }

    #[test]
    fn what_was_compiled_is_loaded_again() {
        let it = compiled();
        assert!(it.store.load(&it.engine, Digest::of(&it.wasm)).unwrap().is_some());
        assert!(it.store.load(&it.engine, Digest::of(b"other")).unwrap().is_none());
    }

    #[test]
    fn an_altered_artifact_is_refused_and_compiled_anew() {
        let it = compiled();
        let mut bytes = fs::read(&it.path).unwrap();
        bytes[100] ^= 1;
        fs::write(&it.path, &bytes).unwrap();
        assert!(it.refusal().contains("seal"), "{}", it.refusal());
        it.store.load_or_compile(&it.engine, &it.wasm).unwrap();
        assert!(it.store.load(&it.engine, Digest::of(&it.wasm)).unwrap().is_some());
    }

    #[test]
    fn an_empty_file_is_refused() {
        let it = compiled();
        fs::write(&it.path, "").unwrap();
        assert!(it.refusal().contains("too short"), "{}", it.refusal());
    }

    #[test]
    fn an_artifact_of_another_user_key_is_refused() {
        let it = compiled();
        let other = compiled();
        fs::copy(&other.path, &it.path).unwrap();
        assert!(it.refusal().contains("seal"), "{}", it.refusal());
    }

    #[test]
    fn plain_machine_code_without_a_seal_is_refused() {
        let it = compiled();
        fs::write(&it.path, it.engine.wasmtime().precompile_component(&it.wasm).unwrap()).unwrap();
        assert!(it.refusal().contains("seal"), "{}", it.refusal());
    }

    #[test]
    fn an_artifact_under_another_name_is_refused() {
        let it = compiled();
        let source = Digest::of(b"something else");
        fs::copy(&it.path, it.store.path(&it.engine, source)).unwrap();
        let error = it.store.load(&it.engine, source).unwrap_err();
        assert!(error.to_string().contains("another component"), "{error}");
    }

    #[test]
    fn an_artifact_for_another_engine_is_refused() {
        let it = compiled();
        let epoch = engine(Metering::Epoch);
        fs::copy(&it.path, it.store.path(&epoch, Digest::of(&it.wasm))).unwrap();
        let error = it.store.load(&epoch, Digest::of(&it.wasm)).unwrap_err();
        assert!(error.to_string().contains("another engine"), "{error}");
    }

    #[test]
    fn a_file_that_others_can_write_is_refused() {
        let it = compiled();
        fs::set_permissions(&it.path, Permissions::from_mode(0o666)).unwrap();
        assert!(it.refusal().contains("others can write"), "{}", it.refusal());
    }

    #[test]
    fn a_symbolic_link_is_refused() {
        let it = compiled();
        let elsewhere = it.path.with_extension("moved");
        fs::rename(&it.path, &elsewhere).unwrap();
        std::os::unix::fs::symlink(&elsewhere, &it.path).unwrap();
        assert!(it.refusal().contains("symbolic link"), "{}", it.refusal());
    }

    #[test]
    fn the_folder_and_its_key_are_private() {
        let it = compiled();
        let folder = it.path.parent().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(folder), mode(&folder.join("key"))), (0o700, 0o600));
        fs::set_permissions(folder.join("key"), Permissions::from_mode(0o666)).unwrap();
        assert!(ArtifactStore::open(folder).is_err());
    }

    #[test]
    fn what_is_no_component_is_told_so() {
        let it = compiled();
        let error = it.store.load_or_compile(&it.engine, b"no wasm").unwrap_err();
        assert!(matches!(error, Error::InvalidComponent(_)), "{error}");
    }
}
