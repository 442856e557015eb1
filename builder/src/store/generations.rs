//! The objects that hold one content: usually one, more when a collection and a build wanted different things.
//!
//! [`live`](Generation::is_live) is the word that the argument in [`collect`](super::collect) is about.

use bytes::Bytes;
use hks_engine::Digest;

use super::clock::Moment;
use super::layout::{self, Kind, Mark, Name};
use super::objects::Got;
use super::{Error, Store};

/// Below this many bytes hashing takes less time than handing them to another thread is worth.
const HASHED_AT_ONCE_BYTES: usize = 1 << 20;

/// Another collection or repair came between so often that somebody must be doing it on purpose.
const TRIES: usize = 4;

/// One object with the content, and what stands beside it.
#[derive(Debug, Clone)]
pub(super) struct Generation {
    pub(super) id: String,
    pub(super) bytes: u64,
    pub(super) mark: Option<Mark>,
}

impl Generation {
    /// Nothing stands against relying on it.
    pub(super) fn is_live(&self) -> bool {
        self.mark.is_none()
    }
}

/// Without keeping a thread of the async runtime busy for long.
pub(super) async fn digest_of(bytes: &Bytes) -> Digest {
    if bytes.len() <= HASHED_AT_ONCE_BYTES {
        return Digest::of(bytes);
    }
    let all = bytes.clone();
    let hashed = tokio::task::spawn_blocking(move || Digest::of(&all)).await;
    // Only a runtime that is being shut down does not run it.
    hashed.unwrap_or_else(|_| Digest::of(bytes))
}

impl Store {
    /// Live ones first, then condemned, then damaged; among them the oldest first.
    pub(super) async fn generations(&self, kind: Kind, digest: Digest) -> Result<Vec<Generation>, Error> {
        let listed = self.objects.list(&kind.shard(digest)).await?;
        let mut found = Vec::new();
        let mut marks = Vec::new();
        for object in listed {
            let Some(name) = Name::parse(&object.location).filter(|name| name.digest == digest) else { continue };
            match name.mark {
                None => found.push(Generation { id: name.generation, bytes: object.size, mark: None }),
                Some((mark, _)) => marks.push((name.generation, mark)),
            }
        }
        for generation in &mut found {
            generation.mark = marks.iter().filter(|(id, _)| *id == generation.id).map(|(_, mark)| *mark).max();
        }
        found.sort_by(|a, b| (a.mark, &a.id).cmp(&(b.mark, &b.id)));
        Ok(found)
    }

    /// Writes the content under a name that there never was.
    pub(super) async fn write_generation(&self, kind: Kind, digest: Digest, bytes: Bytes) -> Result<(), Error> {
        self.objects.put(&kind.object(digest, &self.new_generation()?), bytes).await
    }

    /// Makes sure of a generation that no collection removes while the caller's lease counts. The caller took the lease before.
    pub(super) async fn ensure_live(&self, kind: Kind, digest: Digest) -> Result<(), Error> {
        let generations = self.generations(kind, digest).await?;
        if generations.iter().any(Generation::is_live) {
            return Ok(());
        }
        for generation in generations.iter().filter(|generation| generation.mark == Some(Mark::Condemned)) {
            let copy = kind.object(digest, &self.new_generation()?);
            if self.objects.copy(&kind.object(digest, &generation.id), &copy).await? {
                return Ok(());
            }
        }
        match generations.first() {
            Some(damaged) if damaged.mark == Some(Mark::Damaged) => Err(self.damaged(kind, digest, &damaged.id)),
            _ => Err(self.missing(kind, digest)),
        }
    }

    /// The content, which `check` found to be what was written, given its bytes and their digest. What it refuses is marked,
    /// and another generation is tried.
    pub(super) async fn read<T>(
        &self,
        kind: Kind,
        digest: Digest,
        bytes_max: u64,
        check: impl Fn(Bytes, Digest) -> Option<T>,
    ) -> Result<T, Error> {
        for _ in 0..TRIES {
            let generations = self.generations(kind, digest).await?;
            let Some(first) = generations.first() else { return Err(self.missing(kind, digest)) };
            if first.mark == Some(Mark::Damaged) {
                return Err(self.damaged(kind, digest, &first.id));
            }
            match self.objects.get(&kind.object(digest, &first.id), bytes_max).await? {
                // Removed since it was listed.
                Got::Nothing => {}
                Got::TooLarge(bytes) => return Err(Error::TooLarge { kind: kind.name(), digest, bytes, bytes_max }),
                Got::Bytes(bytes) => {
                    let found = digest_of(&bytes).await;
                    if let Some(content) = check(bytes, found) {
                        return Ok(content);
                    }
                    // Where we may only read, the next reader finds it anew.
                    if self.mark_damaged(kind, digest, &first.id).await.is_err() {
                        return Err(self.damaged(kind, digest, &first.id));
                    }
                }
            }
        }
        Err(Error::TooSlow { store: self.objects.to_string(), action: format!("read {} {digest}", kind.name()) })
    }

    /// So that nobody relies on it, and the next put writes the content anew.
    pub(super) async fn mark_damaged(&self, kind: Kind, digest: Digest, generation: &str) -> Result<(), Error> {
        tracing::warn!(store = %self.objects, object = %kind.object(digest, generation), "damaged");
        self.put_mark(kind, digest, generation, Mark::Damaged, self.clock.now()).await
    }

    pub(super) async fn put_mark(
        &self,
        kind: Kind,
        digest: Digest,
        generation: &str,
        mark: Mark,
        at: Moment,
    ) -> Result<(), Error> {
        self.objects.put(&kind.mark(digest, generation, mark, at), Bytes::new()).await
    }

    fn new_generation(&self) -> Result<String, Error> {
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(|error| Error::Refused(format!("no randomness for a name: {error}")))?;
        Ok(layout::generation(self.clock.now(), u64::from_le_bytes(random)))
    }

    fn damaged(&self, kind: Kind, digest: Digest, generation: &str) -> Error {
        Error::Damaged { store: self.objects.to_string(), object: kind.object(digest, generation).to_string() }
    }

    pub(super) fn missing(&self, kind: Kind, digest: Digest) -> Error {
        Error::Missing { store: self.objects.to_string(), kind: kind.name(), digest }
    }
}
