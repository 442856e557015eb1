//! Python: a file or a package, with packages of the index that need no native code.
//!
//! [`build`] finds where the function begins (`entry`), what it asks for (`wanted`, `requirements`, `project`), and has uv
//! resolve and unpack it (`uv`, `resolve`, `install`) for the guest: with its markers, wheels only, each by its hash, which a
//! `lock` keeps. Why something cannot be had is told by name (`refusal`). No code of a package runs. What comes out is source;
//! [`compile_tree`] turns it into what the guest executes without compiling.

mod compiled;
mod entry;
mod fallback;
mod install;
mod lock;
mod mistake;
mod project;
mod pylock;
mod refusal;
mod requirement;
mod requirements;
mod resolve;
mod standard;
#[cfg(test)]
mod tests;
mod text;
mod uv;
mod wanted;

use hks_protocol::Manifest;

pub(crate) use compiled::compile_tree;
pub(crate) use mistake::mistake;

use super::{Interpreted, Language, Product};
use crate::source::SourceTree;
use crate::{Error, Workshop};
use entry::Program;
use lock::Lock;
use uv::Uv;
use wanted::Wanted;

/// The version of the guest's CPython, for which packages are chosen.
const GUEST_VERSION: &str = "3.14.0";

/// What environment markers (PEP 508) find in the guest. A test asks it.
const MARKERS: [(&str, &str); 8] = [
    ("implementation_name", "cpython"),
    ("os_name", "posix"),
    ("platform_machine", "wasm32"),
    ("platform_python_implementation", "CPython"),
    ("platform_release", "0.0.0"),
    ("platform_system", "wasi"),
    ("python_full_version", GUEST_VERSION),
    ("sys_platform", "wasi"),
];

/// Makes what the guest executes and imports.
///
/// # Errors
/// [`Error::Refused`] for mistakes in the source, and for packages that cannot be had; others of tools and the machine.
pub(crate) fn build(source: &SourceTree, manifest: &Manifest, workshop: &mut Workshop<'_>) -> Result<Product, Error> {
    let Program { text, code, file, hidden } = Program::read(source, manifest)?;
    workshop.note(format_args!("the function begins in {file}"));
    for path in hidden {
        workshop.note(format_args!(
            "{path}: Python's own library has a module of this name, which comes first; rename the file"
        ));
    }
    let (packages, lock) = match Wanted::read(source, manifest, workshop)? {
        None => (None, None),
        Some(wanted) => {
            let uv = Uv::new(workshop)?;
            let lock = match source.get(lock::FILE_NAME) {
                Some(content) => Lock::read(content, &wanted)?,
                None => resolve::resolve(&wanted, &uv, workshop)?,
            };
            (install::install(&lock, &uv, workshop)?, Some(lock.to_string()))
        }
    };
    Ok(Product::Interpreted(Interpreted { language: Language::Python, file, text, code, packages, lock, lines: None }))
}
