use std::io;
use std::path::PathBuf;

use hks_engine::Digest;

/// Why the store did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no such object, or no longer.
    #[error("{store} has no {kind} {digest}; build it again")]
    Missing {
        /// The store.
        store: String,
        /// `blob` or `document`.
        kind: &'static str,
        /// What was asked for, or what that refers to.
        digest: Digest,
    },
    /// An object's content is not what its name says. It will not be used again; the same content put again takes its place.
    #[error("{object} in {store} is damaged; build it again, which repairs it")]
    Damaged {
        /// The store.
        store: String,
        /// The object, as it is called there.
        object: String,
    },
    /// More bytes than the caller, or the store, takes.
    #[error("{kind} {digest} has {bytes} bytes, and {bytes_max} are allowed")]
    TooLarge {
        /// `blob` or `document`.
        kind: &'static str,
        /// Its digest.
        digest: Digest,
        /// What it has.
        bytes: u64,
        /// What is allowed.
        bytes_max: u64,
    },
    /// The request makes no sense. The caller's to mend.
    #[error("{0}")]
    Refused(String),
    /// The folder or bucket holds a store of another version of this program, or no store at all.
    #[error("{store} is not a store that this version reads: its object `format` says {found:?}; use another place")]
    Format {
        /// The store.
        store: String,
        /// What its `format` says, shortened.
        found: String,
    },
    /// The store answered so slowly that what was made sure of at the beginning may not hold at the end.
    #[error("{store} is too slow to {action}; try again when it answers faster")]
    TooSlow {
        /// The store.
        store: String,
        /// As in "hold …".
        action: String,
    },
    /// The store could not be reached, or could not do it.
    #[error("cannot {action} {object} in {store}: {source}")]
    Storage {
        /// The store.
        store: String,
        /// As in "read".
        action: &'static str,
        /// The object, as it is called there.
        object: String,
        /// What the store said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The folder of a local store cannot be used.
    #[error("cannot {action} {path}: {source}")]
    Folder {
        /// As in "make".
        action: &'static str,
        /// The folder, or a file in it.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}
