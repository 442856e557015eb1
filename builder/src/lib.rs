//! Turns source or a WebAssembly file into a verified artifact.
//!
//! Everything that comes in is foreign: a [`Manifest`](manifest) says what it is, a [`source`] tree holds it, and what a
//! compiler makes of it, or somebody sends, is looked at as [`wasm`] before anything runs. Tools of a build run as limited
//! [children](child).

#[cfg(target_os = "linux")]
pub mod child;
pub mod manifest;
pub mod source;
pub mod wasm;
