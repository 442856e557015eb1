//! What every function in Rust needs, made once for each toolchain: the sources of the SDK's dependencies, and all of that
//! compiled. A function that needs no other crates is then built without network, in about a second instead of ten.
//!
//! The kit is made in the folder of the first build that wants it, before anything of the function is there. Builds read its
//! sources, and get a copy of what is compiled: none of them can change what another is given.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::cargo::{Cargo, Crates};
use super::project::{Project, STARTER_LOCK, Target, of_one_file};
use super::{FUNCTION, TARGET, sdk};
use crate::child::Network;
use crate::{Error, Workshop};

/// Changes when a kit is made in another way.
const VERSION: &str = "hks-builder rust kit 1";

/// A function that has of serde's code what most have.
const FUNCTION_TEXT: &str = "#[hks_sdk::handler]\nfn handler(_: serde_json::Value) {}\n";

/// A kit that is complete.
#[derive(Debug)]
pub(super) struct Kit {
    folder: PathBuf,
}

impl Kit {
    /// The kit for this toolchain, made now if there is none. `None` where nothing can be kept.
    pub(super) fn provide(cargo: &Cargo, workshop: &mut Workshop<'_>) -> Result<Option<Self>, Error> {
        let Some(folder) = workshop.toolchains().kept(&format!("rust-kit-{}", digest(cargo)?)) else { return Ok(None) };
        let kit = Self { folder };
        if kit.target().is_dir() {
            return Ok(Some(kit));
        }
        if fs::create_dir_all(&kit.folder).is_err() {
            return Ok(None);
        }
        workshop.note("the first build in Rust on this machine: compiling what all functions share");
        kit.make(cargo, workshop)?;
        Ok(Some(kit))
    }

    pub(super) fn crates(&self) -> Crates {
        Crates::Kit { vendor: self.vendor() }
    }

    /// A copy of all that is compiled, for a build to go on with.
    pub(super) fn copy_compiled(&self, to: &Path) -> Result<(), Error> {
        copy(&self.target(), to, &|_| true).map_err(Error::host("copy what functions share"))
    }

    fn vendor(&self) -> PathBuf {
        self.folder.join("vendor")
    }

    fn target(&self) -> PathBuf {
        self.folder.join("target")
    }

    /// Other builds may do the same at the same time: whoever moves its result in first has made it.
    fn make(&self, cargo: &Cargo, workshop: &mut Workshop<'_>) -> Result<(), Error> {
        let project = Project::lay(&of_one_file("lib.rs", FUNCTION_TEXT)?, None, cargo.folder.join(FUNCTION))?;
        if !self.vendor().is_dir() {
            let fetched = cargo.folder.join("vendor");
            let tool = cargo.vendor(&project, &fetched, &workshop.network_access().cargo_configuration());
            workshop.capture("fetch", &tool, Network::Allowed)?;
            self.keep(&fetched, &self.vendor(), &|_| true)?;
        }
        let target =
            Target::choose(&workshop.capture("look", &cargo.metadata(&project, &self.crates()), Network::Denied)?)?;
        workshop.run("compile", &cargo.compile(&project, &self.crates(), &target), Network::Denied)?;
        let of_function = format!("{FUNCTION}.wasm");
        self.keep(&cargo.target(), &self.target(), &|name| {
            // what belongs to the example, which nobody needs
            !(name.starts_with("function-") || name.starts_with("libfunction-") || name == of_function)
        })?;
        for made in [FUNCTION, "vendor", "target", "cargo-home"] {
            fs::remove_dir_all(cargo.folder.join(made))
                .or_else(absent)
                .map_err(Error::host("clear the build's folder"))?;
        }
        Ok(())
    }

    fn keep(&self, made: &Path, place: &Path, wanted: &dyn Fn(&str) -> bool) -> Result<(), Error> {
        let failed = || Error::host("keep what functions in Rust share");
        let part = tempfile::Builder::new().prefix(".part-").tempdir_in(&self.folder).map_err(failed())?;
        let whole = part.path().join("whole");
        copy(made, &whole, wanted).map_err(failed())?;
        match fs::rename(&whole, place) {
            Err(error) if !place.is_dir() => Err(failed()(error)),
            _ => Ok(()),
        }
    }
}

/// Of all that decides what is in a kit.
fn digest(cargo: &Cargo) -> Result<String, Error> {
    let mut hasher = blake3::Hasher::new();
    let mut sized = |bytes: &[u8]| {
        hasher.update(&(bytes.len() as u64).to_le_bytes()).update(bytes);
    };
    [VERSION, TARGET, STARTER_LOCK].iter().for_each(|text| sized(text.as_bytes()));
    for (path, text) in sdk::FILES {
        sized(path.as_bytes());
        sized(text.as_bytes());
    }
    // A toolchain that is updated in place is another one; cargo looks closer, and would compile all of it again.
    let compiler = cargo.toolchain.environment.get("RUSTC").map_or(cargo.toolchain.program.as_path(), Path::new);
    let found = fs::metadata(compiler).map_err(Error::host("look at the Rust compiler"))?;
    let modified = found.modified().ok().and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
    sized(format!("{} {} {modified:?}", compiler.display(), found.len()).as_bytes());
    Ok(hasher.finalize().to_hex()[..16].to_owned())
}

/// Folders and files with their times, which cargo compares; nothing else.
fn copy(from: &Path, to: &Path, wanted: &dyn Fn(&str) -> bool) -> io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (name, kind) = (entry.file_name(), entry.file_type()?);
        if !wanted(&name.to_string_lossy()) {
            continue;
        }
        if kind.is_dir() {
            copy(&entry.path(), &to.join(name), wanted)?;
        } else if kind.is_file() {
            let copied = to.join(name);
            fs::copy(entry.path(), &copied)?;
            File::options().write(true).open(&copied)?.set_modified(entry.metadata()?.modified()?)?;
        }
    }
    Ok(())
}

fn absent(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}
