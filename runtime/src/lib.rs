//! Runs one attempt of one artifact in a fresh WebAssembly instance.
//!
//! A [`Runtime`] owns the threads that guests run on. [`Runtime::prepare`] makes an artifact ready once;
//! [`Runtime::run`] and [`Runtime::start`] then give every attempt a store of its own, which is dropped when the attempt
//! ends, whatever way it ends. What the guest may reach lies in `host`, one file a capability; what it may use, in
//! [`Limits`](hks_protocol::Limits).
//!
//! A function's failure is a [`Report`](hks_protocol::Report); only a failure of the host is an [`Error`].
//!
//! This crate knows no database, no HTTP and no configuration file.

mod attempt;
mod bindings;
mod cancel;
mod config;
mod deadline;
mod error;
mod host;
mod memory;
mod outcome;
mod prepared;
mod runtime;
mod ticker;

pub use config::RuntimeConfig;
pub use error::Error;
pub use prepared::Prepared;
pub use runtime::{Execution, Runtime};

/// What this crate's operations return.
pub type Result<T, E = Error> = std::result::Result<T, E>;
