//! Keeps what functions are made of: content named by its digest, in a folder or in an S3-compatible bucket.
//!
//! A **blob** is bytes: a component, packages, a snapshot. A **document** is a few bytes that say what an artifact consists of,
//! and the store knows which blobs it refers to. Its digest is the artifact's. A **holder**, such as a version of a function,
//! holds an artifact. What no holder needs is removed by [`Store::collect`], after a grace time.
//!
//! # Promises
//!
//! - The same content is stored once, however often it is put.
//! - What is read is what was put: every read compares digests. A damaged object is refused by name and never used again; the
//!   same content put again repairs the artifact.
//! - An object is there as a whole or not at all, whatever crashes when. When a call returns, what it wrote is durable: on a
//!   folder's disk (files and folders are synced), or wherever the bucket's service keeps what it has acknowledged.
//! - A held artifact is there with all its blobs, whatever else happens at the same time; see [`collect`] for the argument.
//! - A crash leaves garbage at worst, which the next collection removes.
//!
//! # Not covered
//!
//! - Nothing is compressed or encrypted: buckets and disks do that better, and a digest names the bytes that are stored.
//! - The store trusts whoever can write to its folder or bucket not to remove what is needed. Altered content is found.
//! - Machine code is not here: it belongs to one machine's engine, see [`native`].

mod clock;
pub mod collect;
mod envelope;
mod error;
mod generations;
mod hold;
mod holder;
mod layout;
mod leftovers;
pub mod native;
mod objects;
mod place;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use hks_engine::Digest;
use object_store::path::Path;

use self::clock::{Clock, Moment, SystemClock};
use self::generations::{Generation, digest_of};
use self::layout::Kind;
use self::objects::{CONCURRENCY, Got, Objects};

pub use self::collect::{Collected, Grace, Removed, Sweep};
pub use self::envelope::Document;
pub use self::error::Error;
pub use self::hold::Hold;
pub use self::holder::Holder;
pub use self::place::{Addressing, Bucket, Credentials, Place, PlainHttp};

/// A blob is in memory when it is put and read.
const BLOB_BYTES_MAX: u64 = 1 << 30;
/// From its lease on, an operation may rely on what it saw for that long: half of the shortest [`Grace`], the rest is for clocks
/// that differ and requests that arrive late.
const RELIED_ON: Duration = Duration::from_secs(collect::GRACE_MIN.as_secs() / 2);
/// How often an operation that took longer than that begins anew.
const TRIES: usize = 3;

/// A store of artifacts. Cheap to clone. Any number of processes may use one store at once.
#[derive(Debug, Clone)]
pub struct Store {
    objects: Objects,
    clock: Arc<dyn Clock>,
    /// The folder of a local store.
    folder: Option<PathBuf>,
}

impl Store {
    /// Opens the store, and makes it if there is none.
    ///
    /// # Errors
    /// The place cannot be used, or holds something else.
    pub async fn open(place: &Place) -> Result<Self, Error> {
        let objects = Objects::new(place.open()?, &place.to_string());
        let (objects, folder) = match place {
            Place::Folder(folder) => (objects.with_brief(place::unsynced(folder)?), Some(folder.clone())),
            Place::S3(_) => (objects, None),
        };
        Self::with(objects, Arc::new(SystemClock), folder).await
    }

    async fn with(objects: Objects, clock: Arc<dyn Clock>, folder: Option<PathBuf>) -> Result<Self, Error> {
        let store = Self { objects, clock, folder };
        store.check_format().await?;
        Ok(store)
    }

    /// Two processes that make a store at once write the same.
    async fn check_format(&self) -> Result<(), Error> {
        let format = Path::from(layout::FORMAT);
        match self.objects.get(&format, 256).await? {
            Got::Nothing => self.objects.put(&format, Bytes::from_static(layout::FORMAT_TEXT.as_bytes())).await,
            Got::Bytes(found) if found == layout::FORMAT_TEXT => Ok(()),
            Got::Bytes(found) => {
                let found = String::from_utf8_lossy(&found).chars().take(40).collect();
                Err(Error::Format { store: self.objects.to_string(), found })
            }
            Got::TooLarge(_) => Err(Error::Format { store: self.objects.to_string(), found: "…".into() }),
        }
    }

    /// Keeps a blob, at least for the grace time from now on. Nothing is written when it is there already.
    ///
    /// # Errors
    /// It is larger than a GiB, or the store cannot be written.
    pub async fn put(&self, blob: Bytes) -> Result<Digest, Error> {
        let digest = digest_of(&blob).await;
        let bytes = blob.len() as u64;
        if bytes > BLOB_BYTES_MAX {
            let kind = Kind::Blob.name();
            return Err(Error::TooLarge { kind, digest, bytes, bytes_max: BLOB_BYTES_MAX });
        }
        self.lease(&[digest]).await?;
        let generations = self.generations(Kind::Blob, digest).await?;
        let (whole, cut): (Vec<_>, Vec<_>) =
            generations.iter().filter(|generation| generation.is_live()).partition(|live| live.bytes == bytes);
        for Generation { id, .. } in cut {
            self.mark_damaged(Kind::Blob, digest, id).await?;
        }
        if whole.is_empty() {
            self.write_generation(Kind::Blob, digest, blob).await?;
        }
        Ok(digest)
    }

    /// Reads a blob, which the caller expects to have at most `bytes_max` bytes.
    ///
    /// # Errors
    /// It is missing, damaged or larger, or the store cannot be read.
    pub async fn blob(&self, digest: Digest, bytes_max: u64) -> Result<Bytes, Error> {
        let bytes_max = bytes_max.min(BLOB_BYTES_MAX);
        self.read(Kind::Blob, digest, bytes_max, |bytes, found| (found == digest).then_some(bytes)).await
    }

    /// Whether there is such a blob, and nobody found it damaged. It may be about to be removed: what is to stay is put,
    /// referred to, and held.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn contains(&self, blob: Digest) -> Result<bool, Error> {
        let generations = self.generations(Kind::Blob, blob).await?;
        Ok(generations.iter().any(|generation| generation.mark != Some(layout::Mark::Damaged)))
    }

    /// Keeps a document, at least for the grace time from now on, with the blobs that it refers to. Longer if it is
    /// [held](Self::hold).
    ///
    /// # Errors
    /// A blob is missing, the document is larger than 4 MiB or refers to more than 4,096 blobs, or the store cannot be written.
    pub async fn put_document(&self, bytes: Bytes, references: &[Digest]) -> Result<Digest, Error> {
        let digest = Digest::of(&bytes);
        let document = Document { bytes, references: envelope::in_order(references) };
        let size = document.bytes.len() as u64;
        if size > envelope::DOCUMENT_BYTES_MAX {
            let (kind, bytes_max) = (Kind::Document.name(), envelope::DOCUMENT_BYTES_MAX);
            return Err(Error::TooLarge { kind, digest, bytes: size, bytes_max });
        }
        if document.references.len() > envelope::REFERENCES_MAX {
            let (count, max) = (document.references.len(), envelope::REFERENCES_MAX);
            return Err(Error::Refused(format!("document {digest} refers to {count} blobs, and {max} are allowed")));
        }
        for _ in 0..TRIES {
            let begun = self.lease_with(digest, &document.references).await?;
            self.ensure_all_live(&document.references).await?;
            self.write_document(digest, &document).await?;
            if self.may_rely_on(begun) {
                return Ok(digest);
            }
        }
        Err(self.too_slow(format!("put document {digest}")))
    }

    async fn write_document(&self, digest: Digest, document: &Document) -> Result<(), Error> {
        let generations = self.generations(Kind::Document, digest).await?;
        if generations.iter().any(Generation::is_live) {
            match self.document(digest).await {
                Ok(stored) if stored.references == document.references => return Ok(()),
                Ok(_) => {
                    let message = format!("document {digest} is stored already, and refers to other blobs there");
                    return Err(Error::Refused(message));
                }
                Err(Error::Missing { .. } | Error::Damaged { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        self.write_generation(Kind::Document, digest, document.encode()).await
    }

    /// Reads a document.
    ///
    /// # Errors
    /// It is missing or damaged, or the store cannot be read.
    pub async fn document(&self, digest: Digest) -> Result<Document, Error> {
        let check = |bytes, _| Document::decode(&bytes).filter(|document| Digest::of(&document.bytes) == digest);
        self.read(Kind::Document, digest, envelope::ENVELOPE_BYTES_MAX, check).await
    }

    /// Says, for all collections to see, that somebody relies on these from now on. Comes before looking at them. It need not
    /// survive a power failure: neither does whoever relies on it.
    async fn lease(&self, digests: &[Digest]) -> Result<Moment, Error> {
        let now = self.clock.now();
        let names: Vec<Path> = digests.iter().map(|digest| layout::lease(*digest, now)).collect();
        let leases = stream::iter(names).map(|name| async move { self.objects.put_brief(&name).await });
        let written: Result<(), Error> = leases.buffer_unordered(CONCURRENCY).try_collect().await;
        written.map(|()| now)
    }

    async fn lease_with(&self, document: Digest, references: &[Digest]) -> Result<Moment, Error> {
        let all: Vec<_> = references.iter().copied().chain([document]).collect();
        self.lease(&all).await
    }

    async fn ensure_all_live(&self, blobs: &[Digest]) -> Result<(), Error> {
        let checks = stream::iter(blobs.to_vec()).map(|blob| self.ensure_live(Kind::Blob, blob));
        checks.buffer_unordered(CONCURRENCY).try_collect().await
    }

    /// Whether what was seen since `begun`, under leases of that time, can be relied on.
    fn may_rely_on(&self, begun: Moment) -> bool {
        begun.age_at(self.clock.now()) < RELIED_ON
    }

    fn too_slow(&self, action: String) -> Error {
        Error::TooSlow { store: self.objects.to_string(), action }
    }
}
