//! Where instances live: slots that wait for their snapshot to be started again, and the tickets by which an instance gets
//! one.
//!
//! Wasmtime asks for memory in the middle of an instantiation, without saying for what. So who instantiates holds a
//! [`Ticket`] and puts it where the question comes by, see [`with_ticket`].

use std::cell::RefCell;
use std::collections::HashMap;
use std::future::Future;
use std::io::{Error, ErrorKind, Result};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll};

use super::near::Near;
use super::raw::{Pagemap, Region};
use super::slot::Slot;
use super::source::{Overlay, Source};
use super::stats::Counters;
use super::{PlacesConfig, Snapshot, Verify};

/// All slots of one runtime.
pub(crate) struct Places {
    config: PlacesConfig,
    /// How written pages are found; none where the kernel cannot tell.
    pagemap: Option<Pagemap>,
    shelves: Mutex<Shelves>,
    pub(super) counters: Counters,
    /// Executions until the next comparison with the snapshot.
    until_verified: AtomicU64,
    ids: AtomicU64,
}

/// Slots that wait, by the snapshot that they are of.
#[derive(Default)]
struct Shelves {
    by_source: HashMap<u64, Shelf>,
    slots: usize,
    own_bytes: usize,
    uses: u64,
}

#[derive(Default)]
struct Shelf {
    slots: Near<Slot>,
    used: u64,
}

impl Places {
    pub(crate) fn new(config: PlacesConfig) -> Self {
        let pagemap = match config.scan {
            true => super::probe::pagemap(),
            false => Err(Error::other("switched off by configuration")),
        };
        let (pagemap, reason) = match pagemap {
            Ok(pagemap) => (Some(pagemap), None),
            Err(error) => (None, Some(error.to_string())),
        };
        Self {
            config,
            pagemap,
            shelves: Mutex::default(),
            counters: Counters { fallback: reason, ..Counters::default() },
            until_verified: AtomicU64::new(0),
            ids: AtomicU64::new(0),
        }
    }

    pub(crate) fn next_id(&self) -> u64 {
        self.ids.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn scans(&self) -> bool {
        self.pagemap.is_some()
    }

    pub(super) fn pagemap(&self) -> Option<&Pagemap> {
        self.pagemap.as_ref()
    }

    /// Slots that wait, and what they keep of their own.
    pub(super) fn waiting(&self) -> (usize, usize) {
        let shelves = self.lock();
        (shelves.slots, shelves.own_bytes)
    }

    /// Memory for the instance that this thread is making.
    pub(super) fn memory(&self, minimum: usize, reserved: usize, guard: usize) -> Result<NewMemory> {
        let ticket = CURRENT.with_borrow(Clone::clone);
        if let Some(ticket) = ticket.filter(|ticket| !ticket.is_used()) {
            let expected = ticket.snapshot.0.minimum;
            if expected != minimum {
                let bytes = minimum;
                return Err(Error::other(format!("a snapshot of {expected} bytes for a memory of {bytes}")));
            }
            ticket.fill(self.slot(ticket.source(), reserved, guard)?);
            return Ok(NewMemory::Slot(ticket));
        }
        let mut region = Region::reserve(reserved, guard)?;
        region.open(0..minimum)?;
        Counters::count(&self.counters.plain);
        Ok(NewMemory::Plain(region))
    }

    fn slot(&self, source: &Arc<Source>, reserved: usize, guard: usize) -> Result<Slot> {
        if let Some(slot) = self.lock().take(source.id) {
            Counters::count(&self.counters.reused);
            return Ok(slot);
        }
        Counters::count(&self.counters.mapped);
        Slot::map(Arc::clone(source), reserved, guard, self.config.kept_pages_max)
    }

    /// Takes a slot back that ended well.
    fn put_back(&self, mut slot: Slot) {
        if let Err(error) = self.restore(&mut slot) {
            Counters::count(&self.counters.discarded);
            tracing::error!(%error, "a slot is discarded, because it could not be restored");
            return;
        }
        let evicted = {
            let mut shelves = self.lock();
            shelves.put(slot);
            shelves.evict(self.config.waiting_max, self.config.waiting_bytes_max)
        };
        // Unmapping takes its time: not under the lock.
        drop(evicted);
    }

    fn restore(&self, slot: &mut Slot) -> Result<()> {
        let restored = slot.restore(self.pagemap.as_ref())?;
        Counters::add(&self.counters.copied, restored.copied);
        Counters::add(&self.counters.given_back, restored.given_back);
        if self.is_to_be_verified() {
            Counters::count(&self.counters.verified);
            if let Some(page) = slot.difference()? {
                Counters::count(&self.counters.differed);
                return Err(Error::new(ErrorKind::InvalidData, format!("page {page} differs from the snapshot")));
            }
        }
        Ok(())
    }

    fn is_to_be_verified(&self) -> bool {
        match self.config.verify {
            Verify::Always => true,
            Verify::Never => false,
            Verify::Every(executions) => {
                self.until_verified.fetch_add(1, Ordering::Relaxed).is_multiple_of(executions.get())
            }
        }
    }

    /// Lets go of the slots of a snapshot that nobody can start any more.
    pub(super) fn forget(&self, source: u64) {
        let forgotten = self.lock().forget(source);
        drop(forgotten);
    }

    #[cfg(any(test, fuzzing))]
    pub(super) fn on_waiting(&self, look: impl FnMut(&mut Slot)) {
        self.lock().by_source.values_mut().flat_map(|shelf| shelf.slots.iter_mut()).for_each(look);
    }

    fn lock(&self) -> MutexGuard<'_, Shelves> {
        self.shelves.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shelves {
    fn take(&mut self, source: u64) -> Option<Slot> {
        self.uses += 1;
        let shelf = self.by_source.get_mut(&source)?;
        shelf.used = self.uses;
        let slot = shelf.slots.take()?;
        self.slots -= 1;
        self.own_bytes -= slot.own_bytes();
        Some(slot)
    }

    fn put(&mut self, slot: Slot) {
        self.uses += 1;
        self.slots += 1;
        self.own_bytes += slot.own_bytes();
        let shelf = self.by_source.entry(slot.source().id).or_default();
        shelf.used = self.uses;
        shelf.slots.put(slot);
    }

    /// Takes out what is too much, of the snapshot that was not used for longest first.
    fn evict(&mut self, slots_max: usize, bytes_max: usize) -> Vec<Slot> {
        let mut evicted = Vec::new();
        while self.slots > slots_max || self.own_bytes > bytes_max {
            let filled = self.by_source.iter().filter(|(_, shelf)| !shelf.slots.is_empty());
            let Some(oldest) = filled.min_by_key(|(_, shelf)| shelf.used).map(|(id, _)| *id) else { break };
            let shelf = self.by_source.get_mut(&oldest).expect("it was just found");
            let Some(slot) = shelf.slots.take_oldest() else { break };
            self.slots -= 1;
            self.own_bytes -= slot.own_bytes();
            evicted.push(slot);
            if shelf.slots.is_empty() {
                self.by_source.remove(&oldest);
            }
        }
        evicted
    }

    fn forget(&mut self, source: u64) -> Option<Shelf> {
        let shelf = self.by_source.remove(&source)?;
        self.slots -= shelf.slots.len();
        self.own_bytes -= shelf.slots.iter().map(Slot::own_bytes).sum::<usize>();
        Some(shelf)
    }
}

/// What an engine gets when it asks for memory.
pub(super) enum NewMemory {
    Slot(Arc<Ticket>),
    Plain(Region),
}

/// The right to one slot, and the slot while the instance lives.
pub(crate) struct Ticket {
    /// Held so that its slots are let go of only after the last of them came back.
    snapshot: Snapshot,
    slot: Mutex<Option<Slot>>,
    place: OnceLock<Place>,
    size: AtomicUsize,
    ended_well: AtomicBool,
}

/// What does not change about a slot, to be had without the lock.
struct Place {
    pointer: usize,
    capacity: usize,
}

impl Ticket {
    pub(super) fn new(snapshot: Snapshot) -> Arc<Self> {
        Arc::new(Self {
            snapshot,
            slot: Mutex::default(),
            place: OnceLock::new(),
            size: AtomicUsize::new(0),
            ended_well: AtomicBool::new(false),
        })
    }

    /// The guest came back to the host by itself: its memory may serve another. Without this, the slot is discarded.
    pub(crate) fn ended_well(&self) {
        self.ended_well.store(true, Ordering::Release);
    }

    /// The guest runs again.
    pub(crate) fn runs(&self) {
        self.ended_well.store(false, Ordering::Release);
    }

    fn is_used(&self) -> bool {
        self.place.get().is_some()
    }

    fn fill(&self, slot: Slot) {
        self.size.store(slot.size(), Ordering::Release);
        let place = Place { pointer: slot.pointer() as usize, capacity: slot.capacity() };
        self.place.set(place).unwrap_or_else(|_| unreachable!("a ticket is used once"));
        *self.lock() = Some(slot);
    }

    pub(super) fn size(&self) -> usize {
        self.size.load(Ordering::Acquire)
    }

    pub(super) fn capacity(&self) -> usize {
        self.place.get().map_or(0, |place| place.capacity)
    }

    pub(super) fn pointer(&self) -> *mut u8 {
        self.place.get().map_or(std::ptr::null_mut(), |place| place.pointer as *mut u8)
    }

    pub(super) fn grow_to(&self, size: usize) -> Result<()> {
        self.lock().as_mut().ok_or(ErrorKind::NotFound)?.grow_to(size)?;
        self.size.store(size, Ordering::Release);
        Ok(())
    }

    /// What a snapshot of the memory is made of. The caller holds the store of the instance mutably, so that no guest runs.
    pub(super) fn capture(&self) -> Result<(Overlay, usize)> {
        let mut slot = self.lock();
        let slot = slot.as_mut().ok_or_else(|| Error::other("the instance has no memory of its own"))?;
        slot.capture(self.places().pagemap.as_ref())
    }

    pub(super) fn source(&self) -> &Arc<Source> {
        &self.snapshot.0.source
    }

    fn places(&self) -> &Places {
        &self.snapshot.0.places
    }

    #[cfg(any(test, fuzzing))]
    pub(super) fn on_slot<T>(&self, look: impl FnOnce(&mut Slot) -> T) -> T {
        look(self.lock().as_mut().expect("the memory is in use"))
    }

    /// Wasmtime has let go of the memory.
    pub(super) fn finish(&self) {
        let Some(slot) = self.lock().take() else { return };
        if self.ended_well.load(Ordering::Acquire) {
            self.places().put_back(slot);
        } else {
            Counters::count(&self.places().counters.discarded);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Slot>> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

thread_local! {
    static CURRENT: RefCell<Option<Arc<Ticket>>> = const { RefCell::new(None) };
}

/// Runs `instantiation` with `ticket` at hand for the memory that it asks for, on whichever threads it is polled.
pub(crate) async fn with_ticket<F: Future>(ticket: Option<&Arc<Ticket>>, instantiation: F) -> F::Output {
    let mut instantiation = std::pin::pin!(instantiation);
    std::future::poll_fn(move |context| poll_with(ticket, instantiation.as_mut(), context)).await
}

fn poll_with<F: Future>(
    ticket: Option<&Arc<Ticket>>,
    instantiation: Pin<&mut F>,
    context: &mut Context<'_>,
) -> Poll<F::Output> {
    struct Restore(Option<Arc<Ticket>>);
    impl Drop for Restore {
        fn drop(&mut self) {
            CURRENT.set(self.0.take());
        }
    }
    let _restore = Restore(CURRENT.replace(ticket.cloned()));
    instantiation.poll(context)
}
