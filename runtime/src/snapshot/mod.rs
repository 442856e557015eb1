//! Snapshots: what an instance starts from, and the slots that it runs in.
//!
//! A [`Snapshot`] is a base memory that all snapshots of a component share, an overlay of the pages in which it differs, a
//! size and a few globals. Starting an execution is to take a slot that shows the snapshot already; ending it is to put back
//! the pages that were written. Nothing is initialised and next to nothing is copied. The drawing, the invariants and the
//! measurements are in `docs/internals/snapshots.md`.
//!
//! - [`source`]: what every byte has to be; pure but for the files behind it
//! - [`slot`]: one memory, mapped, grown, put back, compared
//! - [`hot`]: which pages a slot keeps; pure
//! - [`places`]: slots that wait, and how an instance gets one
//! - [`stacks`]: the same for stacks
//! - [`file`]: a snapshot as bytes
//! - [`runs`]: numbers of pages; pure
//! - [`raw`]: all that is `unsafe`
//! - [`probe`], [`stats`]: what the kernel can, and what happened

mod file;
mod hot;
mod near;
mod places;
mod probe;
mod raw;
mod runs;
mod slot;
mod source;
mod stacks;
mod stats;

#[cfg(any(test, fuzzing))]
pub(crate) mod model;
#[cfg(test)]
mod tests;

use std::io;
use std::num::NonZeroU64;
use std::sync::Arc;

use hks_engine::{Artifact, Digest, PAGE_BYTES};

pub use self::file::InvalidSnapshot;
pub(crate) use self::places::{Places, Ticket, with_ticket};
pub(crate) use self::raw::{Memories, StackPool};
pub(crate) use self::source::{Base, Source};
pub(crate) use self::stacks::Stacks;
pub use self::stats::PlacesStats;

/// What may be chosen about slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlacesConfig {
    /// Slots that wait for another execution at most, of all snapshots together.
    pub waiting_max: usize,
    /// Bytes that they keep of their own at most.
    pub waiting_bytes_max: usize,
    /// Pages of its own that one slot keeps at most, besides those that every slot of its snapshot has.
    pub kept_pages_max: usize,
    /// How often a slot is compared with its snapshot after it was restored.
    pub verify: Verify,
    /// Ask the kernel which pages were written, where it can tell. Otherwise all are given back, and every execution faults
    /// its own in again.
    pub scan: bool,
}

impl Default for PlacesConfig {
    fn default() -> Self {
        Self { waiting_max: 256, waiting_bytes_max: 512 << 20, kept_pages_max: 2048, verify: Verify::Never, scan: true }
    }
}

/// How often a slot is compared with its snapshot, byte by byte: some milliseconds for an interpreter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verify {
    /// Not at all.
    Never,
    /// After one of so many executions, to be sure in production.
    Every(NonZeroU64),
    /// After each, for tests.
    Always,
}

/// What an instance starts from. Cheap to clone; slots of it are kept until the last clone is dropped, and the last instance.
#[derive(Clone)]
pub struct Snapshot(Arc<Handle>);

struct Handle {
    places: Arc<Places>,
    source: Arc<Source>,
    /// The component that it is of.
    component: Digest,
    /// What its module declares as the size of the memory.
    minimum: usize,
    /// The mutable globals of each module that has some; empty while they are as the module says.
    globals: Vec<Vec<u64>>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.places.forget(self.source.id);
    }
}

impl Snapshot {
    /// What an artifact starts from before anything ran; `None` if that is not known beforehand.
    pub(crate) fn initial(places: &Arc<Places>, artifact: &Artifact) -> io::Result<Option<Self>> {
        let Some(base) = Base::new(artifact)? else { return Ok(None) };
        let bytes = base.memory_bytes();
        let source = Source { id: places.next_id(), base: Arc::new(base), overlay: None, bytes };
        Ok(Some(Self::new(places, source, artifact.digest(), bytes, Vec::new())))
    }

    fn new(places: &Arc<Places>, source: Source, component: Digest, minimum: usize, globals: Vec<Vec<u64>>) -> Self {
        let (places, source) = (Arc::clone(places), Arc::new(source));
        Self(Arc::new(Handle { places, source, component, minimum, globals }))
    }

    /// What the instance of `ticket` is now, with the globals that were read from it. The caller holds its store mutably.
    pub(crate) fn capture(&self, ticket: &Ticket, globals: Vec<Vec<u64>>) -> io::Result<Self> {
        debug_assert_eq!(ticket.source().base.bytes().as_ptr(), self.0.source.base.bytes().as_ptr());
        let (overlay, bytes) = ticket.capture()?;
        let base = Arc::clone(&self.0.source.base);
        let source = Source { id: self.0.places.next_id(), base, overlay: Some(overlay), bytes };
        Ok(Self::new(&self.0.places, source, self.0.component, self.0.minimum, globals))
    }

    /// The right to one slot of it.
    pub(crate) fn ticket(&self) -> Arc<Ticket> {
        Ticket::new(self.clone())
    }

    pub(crate) fn globals(&self) -> &[Vec<u64>] {
        &self.0.globals
    }

    /// By how much its memory is larger than what the module declares, which is all that Wasmtime's limiter hears of.
    pub(crate) fn grown_bytes(&self) -> u64 {
        (self.0.source.bytes - self.0.minimum) as u64
    }

    /// Size of the memory.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.0.source.bytes
    }

    /// Size of what it does not share with other snapshots of the component.
    #[must_use]
    pub fn own_bytes(&self) -> usize {
        self.0.source.overlay.as_ref().map_or(0, |overlay| overlay.bytes().len())
    }

    /// Digest of the component that it is of.
    #[must_use]
    pub fn component(&self) -> Digest {
        self.0.component
    }
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Snapshot({}, {} bytes of its own)", self.0.component, self.own_bytes())
    }
}
