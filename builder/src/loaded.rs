//! Functions that are ready to run, by their artifacts; the least recently used makes room.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};

use hks_engine::Digest;
use hks_runtime::Prepared;

pub(crate) struct Loaded {
    max: NonZeroUsize,
    entries: Mutex<Entries>,
}

#[derive(Default)]
struct Entries {
    by_artifact: HashMap<Digest, (Prepared, u64)>,
    uses: u64,
}

impl Loaded {
    pub(crate) fn new(max: NonZeroUsize) -> Self {
        Self { max, entries: Mutex::default() }
    }

    pub(crate) fn find(&self, artifact: Digest) -> Option<Prepared> {
        let mut entries = self.lock();
        entries.uses += 1;
        let uses = entries.uses;
        let (prepared, used) = entries.by_artifact.get_mut(&artifact)?;
        *used = uses;
        Some(prepared.clone())
    }

    pub(crate) fn keep(&self, artifact: Digest, prepared: &Prepared) {
        let mut entries = self.lock();
        while entries.by_artifact.len() >= self.max.get() {
            let oldest = entries.by_artifact.iter().min_by_key(|(_, (_, used))| *used).map(|(digest, _)| *digest);
            oldest.map(|digest| entries.by_artifact.remove(&digest));
        }
        entries.uses += 1;
        let uses = entries.uses;
        entries.by_artifact.insert(artifact, (prepared.clone(), uses));
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
