//! Who holds which artifact. Each hold is an empty object whose name says both, so that counts need no counter.

use bytes::Bytes;
use futures_util::TryFutureExt;
use hks_engine::Digest;
use object_store::path::Path;

use super::layout::{self, Kind};
use super::{Error, Holder, Store, TRIES};

/// Somebody holds an artifact.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Hold {
    /// Digest of its document.
    pub artifact: Digest,
    /// Who holds it.
    pub holder: Holder,
}

impl Store {
    /// Keeps an artifact and all its blobs until the holder releases it. Holding it twice is holding it once.
    ///
    /// # Errors
    /// The document or a blob of it is missing or damaged, or the store cannot be written. Then it is not held.
    pub async fn hold(&self, artifact: Digest, holder: &Holder) -> Result<(), Error> {
        let hold = layout::hold(artifact, holder);
        let references = self.document(artifact).await?.references;
        for attempt in 0..TRIES {
            let begun = self.lease_with(artifact, &references).await?;
            let live = self.ensure_live(Kind::Document, artifact);
            let live = live.and_then(|()| self.ensure_all_live(&references)).await;
            if let Err(error) = live {
                if attempt > 0 {
                    self.objects.delete(&hold).await?;
                }
                return Err(error);
            }
            self.objects.put(&hold, Bytes::new()).await?;
            if self.may_rely_on(begun) {
                return Ok(());
            }
        }
        self.objects.delete(&hold).await?;
        Err(self.too_slow(format!("hold artifact {artifact} for {holder}")))
    }

    /// The holder no longer needs the artifact. When nobody else does, it is kept for the grace time from now on. Nothing happens
    /// if it was not held.
    ///
    /// # Errors
    /// The store cannot be written; then it may still be held.
    pub async fn release(&self, artifact: Digest, holder: &Holder) -> Result<(), Error> {
        // In this order: at no time is there neither.
        self.lease(&[artifact]).await?;
        self.objects.delete(&layout::hold(artifact, holder)).await
    }

    /// All that is held. A power failure may bring back a hold that was released just before: whoever knows its holders compares
    /// them with this list now and then.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn holds(&self) -> Result<Vec<Hold>, Error> {
        let listed = self.objects.list(&Path::from(layout::HOLDS)).await?;
        let parsed = listed.iter().filter_map(|object| layout::parse_hold(&object.location));
        Ok(parsed.map(|(artifact, holder)| Hold { artifact, holder }).collect())
    }
}
