//! Rust: a cargo package, or one file, to a component.
//!
//! Dependencies are fetched by `cargo vendor`, which runs nothing of them, and only if there are others than the SDK's. All
//! else runs without network: build scripts, macros and the compiler. What comes out does not depend on where it was built
//! (paths are remapped), and is locked: a `Cargo.lock` that came along is followed to the letter, and otherwise returned.

mod cargo;
mod kit;
mod project;
mod sdk;
#[cfg(test)]
mod tests;

use std::fs;
use std::io::Read;
use std::path::Path;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use hks_protocol::manifest::Manifest;

use self::cargo::{Cargo, Crates};
use self::kit::Kit;
use self::project::{Project, Target, lock_path};
use super::Product;
use crate::child::Network;
use crate::source::SourceTree;
use crate::wasm::Bounds;
use crate::{Error, Workshop};

/// What functions are compiled for.
const TARGET: &str = "wasm32-wasip2";

/// The function's folder in that of the build. Its name is seen in messages.
const FUNCTION: &str = "function";

/// A lock of some thousand crates has a megabyte.
const LOCK_BYTES_MAX: u64 = 8 << 20;

/// Builds a function in Rust.
///
/// # Errors
/// A missing toolchain, a source that is no package, or what cargo and the compiler say.
pub(crate) fn build(source: &SourceTree, manifest: &Manifest, workshop: &mut Workshop<'_>) -> Result<Product, Error> {
    let toolchain = workshop.toolchains().require("rust-wasm")?;
    let cargo = Cargo { toolchain, folder: workshop.folder().to_path_buf() };
    let kit = Kit::provide(&cargo, workshop)?;
    let mut project = Project::lay(source, Some(manifest), cargo.folder.join(FUNCTION))?;
    let crates = resolve(&cargo, &project, kit.as_ref(), manifest, workshop)?;
    // Written by now; what is compiled is what it names.
    project.is_locked = true;
    let metadata = workshop.capture("look", &cargo.metadata(&project, &crates), Network::Denied)?;
    let target = Target::choose(&metadata)?;
    if let (Crates::Kit { .. }, Some(kit)) = (&crates, &kit) {
        kit.copy_compiled(&cargo.target())?;
    }
    workshop.run("compile", &cargo.compile(&project, &crates, &target), Network::Denied)?;
    let compiled = format!("target/{TARGET}/release/{}", target.file());
    let wasm = read(&cargo.folder, &compiled, Bounds::default().bytes_max)?;
    let lock = read(&cargo.folder, &lock_path(FUNCTION), LOCK_BYTES_MAX)?;
    let lock = String::from_utf8(lock).map_err(|_| Error::Refused("Cargo.lock is not text in UTF-8".into()))?;
    Ok(Product::Wasm { wasm, lock: Some(lock) })
}

/// Makes sure that all crates are there, and says where.
fn resolve(
    cargo: &Cargo,
    project: &Project,
    kit: Option<&Kit>,
    manifest: &Manifest,
    workshop: &mut Workshop<'_>,
) -> Result<Crates, Error> {
    if let Some(crates) = kit.map(Kit::crates)
        && workshop.attempt("resolve", &cargo.resolve(project, &crates), Network::Denied)?
    {
        return Ok(crates);
    }
    if !manifest.build().dependencies {
        let advice = "set build.dependencies in function.yaml, or leave them out";
        return Err(Error::Refused(format!("Cargo.toml needs crates besides the SDK's own; {advice}")));
    }
    workshop.note("fetching the crates that Cargo.toml names");
    let (vendor, config) = (cargo.folder.join("vendor"), cargo.folder.join("vendor.toml"));
    let tool = cargo.vendor(project, &vendor, &workshop.network_access().cargo_configuration());
    let said = workshop.capture("fetch", &tool, Network::Allowed)?;
    fs::create_dir_all(&vendor)
        .and_then(|()| fs::write(&config, said))
        .map_err(Error::host("keep what was fetched"))?;
    Ok(Crates::Fetched { vendor, config })
}

/// A file that a tool wrote. Build scripts may have put there what they like: nothing that leads elsewhere is followed.
fn read(folder: &Path, path: &str, bytes_max: u64) -> Result<Vec<u8>, Error> {
    let failed = || Error::host("read what was compiled");
    let folder = Dir::open_ambient_dir(folder, ambient_authority()).map_err(failed())?;
    let absent = || Error::Refused(format!("{path}: the compiler did not write it"));
    // All that could change it has ended.
    let found = folder.symlink_metadata(path).map_err(|_| absent())?;
    if !found.is_file() {
        return Err(absent());
    }
    if found.len() > bytes_max {
        return Err(Error::Refused(format!("{path} has more than {bytes_max} bytes")));
    }
    let mut bytes = Vec::new();
    folder.open(path).map_err(failed())?.take(bytes_max).read_to_end(&mut bytes).map_err(failed())?;
    Ok(bytes)
}
