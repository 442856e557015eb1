//! The one Wasmtime configuration, and the machine code that it makes.
//!
//! An [`Engine`] is built from an [`EngineConfig`] in one place, so that what was compiled can always be run: compiling
//! and running share it. An [`Artifact`] is the compiled form of one component; an [`ArtifactStore`] keeps artifacts in a
//! folder that only this user can write, each sealed with a MAC, because loading one is to execute it. Beside its machine
//! code it has an image of the memory that its instances start with, split off the component before it is compiled.
//!
//! This crate does not run anything; see `hks-runtime`. It holds the only `unsafe` code of the execution path.

mod artifact;
mod compiled;
mod config;
mod error;
mod key;
mod memo;
mod seal;
mod split;
mod store;
mod upkeep;

pub use artifact::{Artifact, Digest};
pub use compiled::Compiled;
pub use config::{CpuTarget, Engine, EngineConfig, Metering};
pub use error::Error;
pub use split::{Memory, PAGE_BYTES, Shape, get_global, set_global};
pub use store::ArtifactStore;
pub use upkeep::{Keep, NativeFile, Trimmed};
pub use wasmtime;

/// For `fuzz/`.
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing {
    /// Bytes that may be a component.
    pub fn split(bytes: &[u8]) {
        crate::split::fuzzing::split(bytes);
    }

    /// A valid module without imports.
    pub fn split_module(module: &[u8]) {
        crate::split::fuzzing::split_module(module);
    }
}

/// What this crate's operations return.
pub type Result<T, E = Error> = std::result::Result<T, E>;
