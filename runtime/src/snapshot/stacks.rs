//! Stacks for guests, used again: a fresh one costs six page faults at every start.

use std::io::Result;
use std::sync::{Mutex, PoisonError};

use super::PAGE_BYTES;
use super::raw::Region;

/// What is kept of a used stack; deeper parts are given back, so that one deep recursion does not cost memory for ever.
const KEPT_BYTES: usize = 64 << 10;
const GUARD_BYTES: usize = 64 << 10;

/// Stacks of one size that wait for the next guest.
///
/// They are not cleared: what a former guest left there is out of reach for the next, whose machine code reads of its stack
/// only what it wrote itself.
#[derive(Default)]
pub(crate) struct Stacks {
    waiting: Mutex<Vec<Region>>,
    waiting_max: usize,
}

impl Stacks {
    /// Keeps at most so many.
    pub(crate) fn new(waiting_max: usize) -> Self {
        Self { waiting: Mutex::default(), waiting_max }
    }

    pub(super) fn take(&self, bytes: usize) -> Result<Region> {
        if let Some(region) = self.lock().pop()
            && region.bytes() == bytes
        {
            return Ok(region);
        }
        let mut region = Region::reserve(bytes, GUARD_BYTES)?;
        region.open(0..bytes)?;
        Ok(region)
    }

    pub(super) fn put(&self, mut region: Region) {
        let deep = region.bytes().saturating_sub(KEPT_BYTES) / PAGE_BYTES * PAGE_BYTES;
        if region.discard(0..deep).is_err() {
            return;
        }
        let mut waiting = self.lock();
        if waiting.len() < self.waiting_max {
            waiting.push(region);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Region>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
