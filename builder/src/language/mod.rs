//! From source to what runs: one module a language.
//!
//! Each takes a [`SourceTree`] and its [`Manifest`](hks_protocol::Manifest) and gives a [`Product`]: text for an interpreter of ours, or
//! WebAssembly of any kind. What comes out depends on the source alone: not on where it was built, nor when.

pub(crate) mod c;
mod compiled;
pub(crate) mod go;
#[cfg(test)]
mod testing;

use crate::source::SourceTree;

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
    /// What it executes; defines `handler`.
    pub(crate) text: String,
    /// The function's own modules and data, shown below `/code`.
    pub(crate) code: Option<SourceTree>,
    /// Installed packages, shown below `/packages`.
    pub(crate) packages: Option<SourceTree>,
    /// What was resolved, with hashes.
    pub(crate) lock: Option<String>,
}
