//! The one Wasmtime configuration, and the machine code that it makes.
//!
//! An [`Engine`] is built from an [`EngineConfig`] in one place, so that what was compiled can always be run: compiling
//! and running share it. An [`Artifact`] is the compiled form of one component; an [`ArtifactStore`] keeps artifacts in a
//! folder that only this user can write, each sealed with a MAC, because loading one is to execute it.
//!
//! This crate does not run anything; see `hks-runtime`. It holds the only `unsafe` code of the execution path.

mod artifact;
mod config;
mod error;
mod key;
mod memo;
mod seal;
mod store;

pub use artifact::{Artifact, Digest};
pub use config::{Allocation, AllocationInUse, CpuTarget, Engine, EngineConfig, Metering};
pub use error::Error;
pub use store::ArtifactStore;
pub use wasmtime;

/// What this crate's operations return.
pub type Result<T, E = Error> = std::result::Result<T, E>;
