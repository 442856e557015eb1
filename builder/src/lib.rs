//! Turns source or a WebAssembly file into a verified artifact.
//!
//! Everything that comes in is foreign: a [`Manifest`](manifest) says what it is, a [`source`] tree holds it.

#[cfg(target_os = "linux")]
pub mod child;
pub mod manifest;
pub mod source;
pub mod wasm;
