//! What happened to slots, for `doctor`, metrics and tests.

use std::sync::atomic::{AtomicU64, Ordering};

use super::places::Places;

#[derive(Default)]
pub(super) struct Counters {
    pub(super) mapped: AtomicU64,
    pub(super) reused: AtomicU64,
    pub(super) plain: AtomicU64,
    pub(super) discarded: AtomicU64,
    pub(super) copied: AtomicU64,
    pub(super) given_back: AtomicU64,
    pub(super) verified: AtomicU64,
    pub(super) differed: AtomicU64,
    pub(super) fallback: Option<String>,
}

impl Counters {
    pub(super) fn count(counter: &AtomicU64) {
        Self::add(counter, 1);
    }

    pub(super) fn add(counter: &AtomicU64, number: u64) {
        counter.fetch_add(number, Ordering::Relaxed);
    }
}

/// What happened to the slots of a runtime since it was made, and what waits now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct PlacesStats {
    /// Whether the kernel tells which pages were written (PAGEMAP_SCAN, Linux 6.7).
    pub pagemap_scan: bool,
    /// Why it does not, if so; each execution then costs its page faults anew.
    pub fallback: Option<String>,
    /// Slots that were mapped because none was waiting.
    pub mapped: u64,
    /// Starts that found a slot waiting.
    pub reused: u64,
    /// Memories that no snapshot describes, made for one instance.
    pub plain: u64,
    /// Slots that were not used again: after a trap, a timeout, a cancellation, or because restoring failed.
    pub discarded: u64,
    /// Pages that were copied back.
    pub pages_copied: u64,
    /// Pages that were given back, because hardly any execution writes them.
    pub pages_given_back: u64,
    /// Slots that were compared with their snapshot, byte by byte.
    pub verified: u64,
    /// Of these, slots that differed. Anything but 0 is a bug.
    pub differed: u64,
    /// Slots that wait for the next execution.
    pub waiting: usize,
    /// What they keep of their own.
    pub waiting_bytes: usize,
}

impl Places {
    /// What happened so far.
    pub(crate) fn stats(&self) -> PlacesStats {
        let (waiting, waiting_bytes) = self.waiting();
        let counters = &self.counters;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        PlacesStats {
            pagemap_scan: self.scans(),
            fallback: counters.fallback.clone(),
            mapped: read(&counters.mapped),
            reused: read(&counters.reused),
            plain: read(&counters.plain),
            discarded: read(&counters.discarded),
            pages_copied: read(&counters.copied),
            pages_given_back: read(&counters.given_back),
            verified: read(&counters.verified),
            differed: read(&counters.differed),
            waiting,
            waiting_bytes,
        }
    }
}
