//! Runs one attempt of one artifact in a fresh WebAssembly instance.
//!
//! A [`Runtime`] owns the threads that guests run on. [`Runtime::prepare`] makes an artifact ready once;
//! [`Runtime::run`] and [`Runtime::start`] then give every attempt a store of its own, which is dropped when the attempt
//! ends, whatever way it ends. What the guest may reach lies in `host`, one file a capability; what it may use, in
//! [`Limits`](hks_protocol::Limits).
//!
//! A function's failure is a [`Report`](hks_protocol::Report); only a failure of the host is an [`Error`].
//!
//! This crate knows no database, no network and no configuration file.

mod attempt;
mod bindings;
mod bounded;
mod cancel;
mod code_cache;
mod command;
mod config;
mod deadline;
mod error;
mod host;
mod http;
mod live;
mod memory;
mod outcome;
mod prepared;
mod runtime;
mod session;
mod snapshot;
mod ticker;

pub use config::RuntimeConfig;
pub use error::Error;
pub use host::{Observed, PackageFile, Packages};
pub use prepared::Prepared;
pub use runtime::{Execution, Preinitialized, Runtime};
pub use session::Session;
/// For `fuzz/`.
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing {
    use crate::snapshot::model::{Model, read_file};
    use crate::{PlacesConfig, Verify};

    /// What can be done to slots, as five bytes each; the first three say how much may wait and be kept.
    pub fn slots(bytes: &[u8]) {
        let Some(([slots, kept, scan], steps)) = bytes.split_first_chunk() else { return };
        Model::new(PlacesConfig {
            waiting_max: usize::from(*slots) % 5,
            kept_pages_max: usize::from(*kept),
            verify: Verify::Always,
            scan: scan % 4 != 0,
            ..PlacesConfig::default()
        })
        .run(&steps[..steps.len().min(1000)]);
    }

    /// The event of an HTTP component.
    pub fn request(bytes: &[u8]) {
        let Ok(event) = str::from_utf8(bytes) else { return };
        if let Ok(request) = crate::http::request::from_event(event) {
            let values = request.headers().values().flat_map(|value| value.as_bytes());
            assert!(values.chain(request.uri().to_string().as_bytes()).all(|byte| !b"\r\n\0".contains(byte)));
        }
    }

    /// The file of a snapshot.
    pub fn snapshot_file(bytes: &[u8]) {
        read_file(bytes);
    }
}

pub use snapshot::{InvalidSnapshot, PlacesConfig, PlacesStats, Snapshot, Verify};

/// What this crate's operations return.
pub type Result<T, E = Error> = std::result::Result<T, E>;
