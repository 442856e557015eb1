//! From source to what runs: one module a language.
//!
//! Each takes a [`SourceTree`] and its [`Manifest`] and gives a [`Product`]: text for an interpreter of ours, or WebAssembly of
//! any kind. What comes out depends on the source alone: not on where it was built, nor when.

#[cfg(test)]
mod assemblyscript;
pub(crate) mod c;
mod compiled;
mod detect;
pub(crate) mod go;
pub(crate) mod javascript;
pub(crate) mod python;
pub(crate) mod rust;
#[cfg(test)]
mod testing;

use hks_protocol::manifest::Runtime;
use hks_protocol::{LineTable, Manifest};

pub(crate) use detect::{file_name, runtime};

use crate::source::SourceTree;
use crate::{Error, Workshop};

/// Hands a function to its language.
pub(crate) fn build(
    runtime: Runtime,
    source: &SourceTree,
    manifest: &Manifest,
    workshop: &mut Workshop<'_>,
) -> Result<Product, Error> {
    match runtime {
        Runtime::Python => python::build(source, manifest, workshop),
        Runtime::Javascript | Runtime::Typescript => javascript::build(source, manifest, workshop),
        Runtime::Rust => rust::build(source, manifest, workshop),
        Runtime::Go => go::build(source, manifest, workshop),
        Runtime::C => c::build(source, manifest, workshop),
        Runtime::Wasm => ready_made(source, manifest),
        Runtime::Container => Err(Error::Refused(
            "a container's image is built on a cluster, and this builder makes WebAssembly; set another runtime in \
             function.yaml, or deploy an image that is built already"
                .into(),
        )),
    }
}

/// The one `.wasm` of the files, or the one that the manifest names.
fn ready_made(source: &SourceTree, manifest: &Manifest) -> Result<Product, Error> {
    let wasm = |content: &bytes::Bytes| Product::Wasm { wasm: content.to_vec(), lock: None };
    if let Some(handler) = manifest.handler() {
        let content = source.get(handler.file());
        let missing = || Error::Refused(format!("there is no file {}, which handler names", handler.file()));
        return content.map(wasm).ok_or_else(missing);
    }
    let mut found = source.iter().filter(|(path, _)| path.as_str().ends_with(".wasm"));
    match (found.next(), found.next()) {
        (Some((_, content)), None) => Ok(wasm(content)),
        (None, _) => Err(Error::Refused("there is no .wasm file among its files".into())),
        (Some((one, _)), Some((other, _))) => Err(Error::Refused(format!(
            "there is more than one .wasm file ({one}, {other}); name the function's in handler in function.yaml"
        ))),
    }
}

/// What a language's build gives.
#[derive(Debug)]
pub(crate) enum Product {
    /// Runs in an interpreter of ours.
    Interpreted(Interpreted),
    /// WebAssembly of any kind that [`wasm::accept`](crate::wasm::accept) takes, and the text of the lock of its dependencies.
    Wasm {
        /// A component, or a core module.
        wasm: Vec<u8>,
        /// What was resolved, with hashes.
        lock: Option<String>,
    },
}

/// An interpreter that we ship.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// CPython.
    Python,
    /// QuickJS-ng.
    Javascript,
}

/// Source for an interpreter.
#[derive(Debug)]
pub(crate) struct Interpreted {
    /// Which.
    pub(crate) language: Language,
    /// The user's file that the text is of, for messages.
    pub(crate) file: String,
    /// What it executes; defines `handler`.
    pub(crate) text: String,
    /// The function's own modules and data, shown below `/code`.
    pub(crate) code: Option<SourceTree>,
    /// Installed packages, shown below `/packages`.
    pub(crate) packages: Option<SourceTree>,
    /// What was resolved, with hashes.
    pub(crate) lock: Option<String>,
    /// JavaScript: where the lines of `text` came from.
    pub(crate) lines: Option<LineTable>,
}
