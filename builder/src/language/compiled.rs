//! What builds of compiled languages share: source laid out for a compiler, and what it made taken back in.

use std::fs;
use std::io::Read;
use std::path::Path;

use cap_std::ambient_authority;
use cap_std::fs::Dir;

use crate::source::SourceTree;
use crate::wasm::Bounds;
use crate::{Error, Workshop};

/// The function's own files, below the build's folder.
pub(super) const SOURCE: &str = "source";
/// What the compiler makes of them, beside it.
pub(super) const OUTPUT: &str = "function.wasm";

/// Writes the function's files into [`SOURCE`].
pub(super) fn lay_out(source: &SourceTree, workshop: &Workshop<'_>) -> Result<(), Error> {
    let folder = workshop.folder().join(SOURCE);
    fs::create_dir_all(&folder).map_err(Error::host("make a folder for the source"))?;
    let folder = Dir::open_ambient_dir(folder, ambient_authority()).map_err(Error::host("open the source's folder"))?;
    Ok(source.write_to(&folder)?)
}

/// Writes files of ours into a folder beside it.
pub(super) fn lay_beside(workshop: &Workshop<'_>, name: &str, files: &[(&str, &str)]) -> Result<(), Error> {
    write_files(&workshop.folder().join(name), files)
}

/// Writes files of ours into a new folder.
pub(super) fn write_files(folder: &Path, files: &[(&str, &str)]) -> Result<(), Error> {
    fs::create_dir_all(folder).map_err(Error::host("make a folder for files of ours"))?;
    files
        .iter()
        .try_for_each(|(name, text)| fs::write(folder.join(name), text))
        .map_err(Error::host("write files of ours"))
}

/// What the compiler left in [`OUTPUT`]; one byte more than is accepted of a file that is longer.
pub(super) fn take_output(workshop: &Workshop<'_>) -> Result<Vec<u8>, Error> {
    read_below(workshop.folder(), OUTPUT, Bounds::default().bytes_max + 1)
        .map_err(|error| Error::Refused(format!("the compiler left no WebAssembly: {error}")))
}

/// A file that a tool left below a folder. Tools are foreign: neither a link out of it nor a device is followed.
pub(super) fn read_below(folder: &Path, name: &str, bytes_max: u64) -> std::io::Result<Vec<u8>> {
    let file = Dir::open_ambient_dir(folder, ambient_authority())?.open(name)?;
    if !file.metadata()?.is_file() {
        return Err(std::io::Error::other(format!("{name} is not a file")));
    }
    let mut content = Vec::new();
    file.take(bytes_max).read_to_end(&mut content)?;
    Ok(content)
}
