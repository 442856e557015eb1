//! What a guest may reach: one file a capability. A capability that is not here does not exist.
//!
//! Every import is linked once into a [`Linker`]; what it acts on is the [`Guest`] of the calling store. Nothing here
//! enforces the deadline or the memory limit, see [`crate::deadline`] and [`crate::memory`].

mod clock;
mod entropy;
pub(crate) mod environment;
mod filesystem;
mod http;
mod output;
mod packages;
mod scratch;
mod seal;
mod stdio;
mod wasi;

pub(crate) use clock::Clock;
pub(crate) use http::{HEADER_BYTES_MAX, Http};
pub(crate) use output::Output;
pub use packages::{PackageFile, Packages};
pub(crate) use scratch::{Scratch, ScratchFolders};
pub use seal::Observed;
pub(crate) use seal::Seal;
pub(crate) use stdio::{Kept, Program};
pub(crate) use wasi::{Wasi, exit_code};

use std::sync::Arc;

use wasmtime::component::{HasSelf, Linker};

use crate::bindings::Interpreter;
use crate::bindings::hks::function::types;
use crate::memory::MemoryLimiter;

/// All that one store holds for its guest.
pub(crate) struct Guest {
    pub(crate) memory: MemoryLimiter,
    pub(crate) output: Output,
    pub(crate) clock: Clock,
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) packages: Arc<Packages>,
    pub(crate) wasi: Wasi,
    pub(crate) http: Http,
    /// What a command prints to stdout; nobody else has that kept.
    pub(crate) stdout: Option<Kept>,
}

impl types::Host for Guest {}

/// Links every capability.
pub(crate) fn link(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<Guest>> {
    let mut linker = Linker::new(engine);
    Interpreter::add_to_linker::<_, HasSelf<Guest>>(&mut linker, |guest| guest)?;
    wasi::link(&mut linker)?;
    http::link(&mut linker)?;
    Ok(linker)
}
