//! Caches of compilers that hold what every build needs, so that none compiles it again: Go's library takes ten seconds and
//! more, C's and C++'s half a minute, where a function takes a fraction of one.
//!
//! A cache is made once on a machine, of sources that are ours, and copied into each build. Never linked: a compiler writes to
//! its cache, and what one build wrote would be what others run. Never made of what a build leaves behind, for the same reason.
//!
//! Without a managed folder there is no place to keep one, and builds are slow. A cache of another version or place of a compiler
//! has another name; nobody deletes the old one but who deletes the folder.

use std::fs;
use std::io;
use std::path::Path;

use super::Toolchain;
use crate::{Error, Workshop};

/// Where the work of filling leaves the cache, in the folder that it is given.
pub(crate) const CACHE: &str = "cache";

/// Fills the new folder `into` with the cache of a compiler, for which `about` names its version and how it is used. The first time,
/// `fill` makes it: it runs the compiler in a folder of its own, on sources of ours.
///
/// # Errors
/// What `fill` gives, and a disk that cannot be written.
pub(crate) fn warm(
    workshop: &mut Workshop<'_>,
    toolchain: &Toolchain,
    about: &[&str],
    into: &Path,
    fill: impl FnOnce(&mut Workshop<'_>, &Path) -> Result<(), Error>,
) -> Result<(), Error> {
    let Some(folder) = workshop.toolchains().warm_folder() else { return Ok(()) };
    let kept = folder.join(name(toolchain, about));
    if !kept.is_dir() {
        // A folder that only others can write has what they put there, or nothing.
        let Ok(()) = fs::create_dir_all(&folder) else { return Ok(()) };
        let Ok(work) = tempfile::tempdir_in(&folder) else { return Ok(()) };
        let place = fs::canonicalize(work.path()).map_err(Error::host("find the folder of a compiler's cache"))?;
        workshop.note("the compiler's own library is compiled, once on this machine");
        fill(workshop, &place)?;
        match fs::rename(place.join(CACHE), &kept) {
            // Another build was faster.
            Err(_) if kept.is_dir() => {}
            renamed => renamed.map_err(Error::host("keep a compiler's cache"))?,
        }
    }
    copy(&kept, into).map_err(Error::host("copy a compiler's cache"))
}

/// Tells one compiler from another, and one that was installed anew from the old one: some compare times of their files.
fn name(toolchain: &Toolchain, about: &[&str]) -> String {
    let installed = fs::metadata(&toolchain.program).and_then(|found| found.modified()).ok();
    let described = format!("{} {:?} {installed:?} {about:?}", toolchain.program.display(), toolchain.arguments);
    let program = toolchain.program.file_name().unwrap_or_default().to_string_lossy();
    format!("{program}-{}", &blake3::hash(described.as_bytes()).to_hex()[..16])
}

/// Files and folders; there is nothing else in a cache.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (kind, target) = (entry.file_type()?, to.join(entry.file_name()));
        if kind.is_dir() {
            copy(&entry.path(), &target)?;
        } else if kind.is_file() {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
