//! Stacks for guests, used again: a fresh one costs six page faults at every start.
//!
//! What is deep in a stack is given back only where a guest has been there, because giving memory back interrupts all other
//! processors that this process runs on, also when there is none.

use std::io::Result;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use super::PAGE_BYTES;
use super::near::Near;
use super::places::Places;
use super::raw::{PageRun, Region};

/// What is kept of a used stack; deeper parts are given back, so that one deep recursion does not cost memory for ever.
const KEPT_BYTES: usize = 64 << 10;
const GUARD_BYTES: usize = 64 << 10;

/// Stacks of one size that wait for the next guest.
///
/// They are not cleared: what a former guest left there is out of reach for the next, whose machine code reads of its stack
/// only what it wrote itself.
pub(crate) struct Stacks {
    waiting: Mutex<Near<Region>>,
    waiting_max: usize,
    /// Knows which pages were written.
    places: Arc<Places>,
}

impl Stacks {
    /// Keeps at most so many.
    pub(crate) fn new(waiting_max: usize, places: Arc<Places>) -> Self {
        Self { waiting: Mutex::default(), waiting_max, places }
    }

    pub(super) fn take(&self, bytes: usize) -> Result<Region> {
        if let Some(region) = self.lock().take()
            && region.bytes() == bytes
        {
            return Ok(region);
        }
        let mut region = Region::reserve(bytes, GUARD_BYTES)?;
        region.open(0..bytes)?;
        Ok(region)
    }

    pub(super) fn put(&self, mut region: Region) {
        let deep = 0..region.bytes().saturating_sub(KEPT_BYTES) / PAGE_BYTES * PAGE_BYTES;
        if self.may_be_written(&region, deep.clone()) && region.discard(deep).is_err() {
            return;
        }
        let mut waiting = self.lock();
        if waiting.len() < self.waiting_max {
            waiting.put(region);
        }
    }

    /// Without a kernel that can tell, it may.
    fn may_be_written(&self, region: &Region, range: Range<usize>) -> bool {
        let mut found = [PageRun::default()];
        let scanned = self.places.pagemap().map(|pagemap| region.scan(pagemap, range.clone(), &mut found));
        !matches!(scanned, Some(Ok((0, end))) if end == range.end)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Near<Region>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
