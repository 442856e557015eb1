//! Reading, writing and listing single objects: sizes, bounded concurrency, and errors that name the object.

use std::fmt;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};

use super::Error;

/// Requests of one operation that are under way at once.
pub(super) const CONCURRENCY: usize = 16;
/// Large objects travel in parts of this size, so that a lost connection costs one of them. S3 wants at least 5 MiB.
const PART_BYTES: usize = 8 << 20;
/// Parts under way at once: bounds the memory that they take.
const PARTS: usize = 4;

/// The objects of one store.
#[derive(Clone)]
pub(super) struct Objects {
    objects: Arc<dyn ObjectStore>,
    /// The same objects, for writing what need not survive a power failure.
    brief: Arc<dyn ObjectStore>,
    /// As messages name it.
    shown: Arc<str>,
}

impl Objects {
    pub(super) fn new(objects: Arc<dyn ObjectStore>, shown: &str) -> Self {
        Self { brief: Arc::clone(&objects), objects, shown: shown.into() }
    }

    pub(super) fn with_brief(self, brief: Arc<dyn ObjectStore>) -> Self {
        Self { brief, ..self }
    }

    pub(super) fn error(&self, action: &'static str, object: &Path) -> impl FnOnce(object_store::Error) -> Error {
        let (store, object) = (self.to_string(), object.to_string());
        move |source| Error::Storage { store, action, object, source: source.into() }
    }

    /// Writes the whole object or nothing. A folder's is on its disk when this returns.
    pub(super) async fn put(&self, object: &Path, bytes: Bytes) -> Result<(), Error> {
        if bytes.len() > PART_BYTES {
            return self.put_parts(object, &bytes).await.map_err(self.error("write", object));
        }
        self.objects.put(object, bytes.into()).await.map_err(self.error("write", object))?;
        Ok(())
    }

    /// Writes an empty object that everybody sees from now on, but that a power failure may take away.
    pub(super) async fn put_brief(&self, object: &Path) -> Result<(), Error> {
        let written = self.brief.put(object, Bytes::new().into()).await;
        written.map(drop).map_err(self.error("write", object))
    }

    async fn put_parts(&self, object: &Path, bytes: &Bytes) -> object_store::Result<()> {
        let mut upload = self.objects.put_multipart(object).await?;
        let starts = (0..bytes.len()).step_by(PART_BYTES);
        let parts = starts.map(|start| bytes.slice(start..bytes.len().min(start + PART_BYTES)));
        let sent = stream::iter(parts.map(|part| upload.put_part(part.into()))).buffer_unordered(PARTS);
        let sent: object_store::Result<()> = sent.try_collect().await;
        let done = match sent {
            Ok(()) => upload.complete().await.map(drop),
            Err(error) => Err(error),
        };
        if done.is_err() {
            // What remains of it is invisible, and the bucket's rules or a later collection remove it.
            let _ = upload.abort().await;
        }
        done
    }

    /// The whole object, if it is there and has at most `bytes_max` bytes; its size otherwise.
    pub(super) async fn get(&self, object: &Path, bytes_max: u64) -> Result<Got, Error> {
        match self.try_get(object, bytes_max).await {
            Ok(got) => Ok(got),
            Err(object_store::Error::NotFound { .. }) => Ok(Got::Nothing),
            Err(error) => Err(self.error("read", object)(error)),
        }
    }

    async fn try_get(&self, object: &Path, bytes_max: u64) -> object_store::Result<Got> {
        let found = self.objects.get(object).await?;
        let bytes = found.meta.size;
        if bytes > bytes_max {
            return Ok(Got::TooLarge(bytes));
        }
        if bytes <= PART_BYTES as u64 {
            return found.bytes().await.map(Got::Bytes);
        }
        drop(found);
        let starts = (0..bytes).step_by(PART_BYTES);
        let ranges = starts.map(|start| start..bytes.min(start + PART_BYTES as u64));
        let mut parts = stream::iter(ranges.map(|range| self.objects.get_range(object, range))).buffered(PARTS);
        let mut all = BytesMut::new();
        while let Some(part) = parts.try_next().await? {
            all.extend_from_slice(&part);
        }
        Ok(Got::Bytes(all.freeze()))
    }

    /// All objects of a folder and the folders in it, in no order.
    pub(super) async fn list(&self, folder: &Path) -> Result<Vec<ObjectMeta>, Error> {
        self.objects.list(Some(folder)).try_collect().await.map_err(self.error("list", folder))
    }

    /// On the side of the store. Whether the original was still there.
    pub(super) async fn copy(&self, from: &Path, to: &Path) -> Result<bool, Error> {
        match self.objects.copy(from, to).await {
            Ok(()) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(self.error("copy", from)(error)),
        }
    }

    /// Removes it if it is there.
    pub(super) async fn delete(&self, object: &Path) -> Result<(), Error> {
        match self.objects.delete(object).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.error("remove", object)(error)),
        }
    }

    pub(super) async fn delete_all(&self, objects: impl IntoIterator<Item = Path>) -> Result<(), Error> {
        let deletions = stream::iter(objects).map(|object| async move { self.delete(&object).await });
        deletions.buffer_unordered(CONCURRENCY).try_collect().await
    }
}

/// What reading an object gave.
pub(super) enum Got {
    Bytes(Bytes),
    Nothing,
    TooLarge(u64),
}

impl fmt::Display for Objects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for Objects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
