//! Marks the free chunks of the C library's heap as used, so that new memory comes from one place: the end.
//!
//! wasi-libc allocates with Doug Lea's malloc 2.8.6 (`dlmalloc/src/malloc.c` there), and this CPython has no allocator of
//! its own above that. One heap in one segment: chunks without gaps from its beginning to the *top chunk*, each with its
//! size and two flags in its second word. The state names the free ones in bins, and two chunks apart: the *designated
//! victim*, and the top. All but the top become used, and the bins empty, as if a program held them for good.
//!
//! The state is found by what must be true of it, in one place only; the walk has to end exactly at the top chunk, and to
//! meet exactly the free chunks that the bins hold.

use std::collections::HashSet;
use std::ops::Range;

use anyhow::{Context as _, Result, bail, ensure};

use super::image::Image;

const WORD: u32 = 4;
const CHUNK_ALIGN: u32 = 16;
const CHUNK_BYTES_MIN: u32 = 16;

/// Flags in the second word of a chunk: the chunk before is in use, and this one is.
const BEFORE_USED: u32 = 1;
const USED: u32 = 2;
const FLAGS: u32 = 7;

/// What a segment keeps behind its top chunk.
const TOP_FOOT_BYTES: u32 = 56;

const SMALL_BINS: u32 = 32;
const TREE_BINS: u32 = 32;

/// `struct malloc_state`, as offsets from its address.
mod state {
    use super::{SMALL_BINS, TREE_BINS, WORD};

    pub(super) const SMALL_MAP: u32 = 0;
    pub(super) const TREE_MAP: u32 = WORD;
    pub(super) const VICTIM_BYTES: u32 = 2 * WORD;
    pub(super) const TOP_BYTES: u32 = 3 * WORD;
    pub(super) const LEAST: u32 = 4 * WORD;
    pub(super) const VICTIM: u32 = 5 * WORD;
    pub(super) const TOP: u32 = 6 * WORD;
    /// Two words for each bin, and two more: a bin is named by where it would be if it were a chunk.
    pub(super) const SMALL: u32 = 10 * WORD;
    pub(super) const TREES: u32 = SMALL + (SMALL_BINS + 1) * 2 * WORD;
    pub(super) const FOOTPRINT: u32 = TREES + TREE_BINS * WORD;
    pub(super) const SEGMENT: u32 = FOOTPRINT + 4 * WORD;
    pub(super) const SEGMENT_BYTES: u32 = SEGMENT + WORD;
    pub(super) const SEGMENT_NEXT: u32 = SEGMENT + 2 * WORD;
    pub(super) const END: u32 = SEGMENT + 4 * WORD;
}

/// Offsets in a free chunk.
const FORWARD: u32 = 2 * WORD;
const BACK: u32 = 3 * WORD;
const CHILDREN: [u32; 2] = [4 * WORD, 5 * WORD];

/// What was found in the heap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Plugged {
    pub(super) chunks: usize,
    pub(super) holes: usize,
    pub(super) bytes: u64,
}

/// Where the heap has free memory: ascending ranges, without the top.
pub(super) fn holes(image: &Image) -> Result<Vec<Range<u32>>> {
    let (_, holes) = Heap::find(image)?.walk(image)?;
    Ok(holes.into_iter().map(|(chunk, size)| chunk..chunk + size).collect())
}

/// Fills the holes.
pub(super) fn plug(image: &mut Image) -> Result<Plugged> {
    let heap = Heap::find(image)?;
    let (chunks, holes) = heap.walk(image)?;
    let known = heap.known_free(image)?;
    ensure!(
        known.len() == holes.len() && holes.iter().all(|hole| known.contains(hole)),
        "{} chunks are free, but the bins hold {}",
        holes.len(),
        known.len()
    );
    let mut bytes = 0;
    for &(chunk, size) in &holes {
        bytes += u64::from(size);
        image.set_word(chunk + WORD, image.word(chunk + WORD)? | USED)?;
        let next = chunk + size + WORD;
        image.set_word(next, image.word(next)? | BEFORE_USED)?;
    }
    heap.empty_bins(image)?;
    ensure!(heap.walk(image)?.1.is_empty(), "a hole is still there");
    Ok(Plugged { chunks, holes: holes.len(), bytes })
}

#[derive(Debug, PartialEq, Eq)]
struct Heap {
    /// Address of the allocator's state.
    state: u32,
    first: u32,
    top: u32,
}

impl Heap {
    fn find(image: &Image) -> Result<Self> {
        let last = u32::try_from(image.bytes().len()).context("the memory has 4 GiB")?.saturating_sub(state::END);
        let found: Vec<_> = (0..last).step_by(WORD as usize).filter_map(|state| Self::at(image, state)).collect();
        match <[Self; 1]>::try_from(found) {
            Ok([heap]) => Ok(heap),
            Err(found) => bail!("{} places look like the state of the allocator", found.len()),
        }
    }

    /// The heap whose state is at an address, if that is one: in order, one segment that is all of it, and the top at its
    /// end with the size that the state says.
    fn at(image: &Image, state: u32) -> Option<Self> {
        let word = |offset: u32| image.peek(state + offset);
        let (top, top_bytes, base) = (word(state::TOP)?, word(state::TOP_BYTES)?, word(state::LEAST)?);
        let bytes = word(state::FOOTPRINT)?;
        let is_one = base > 0
            && base < top
            && top_bytes > 0
            && word(state::SEGMENT)? == base
            && word(state::SEGMENT_BYTES)? == bytes
            && word(state::SEGMENT_NEXT)? == 0
            && top.checked_add(top_bytes)? == base.checked_add(bytes)?.checked_sub(TOP_FOOT_BYTES)?
            && image.peek(top.checked_add(WORD)?)? == top_bytes | BEFORE_USED;
        let first = base.checked_add(FORWARD)?.checked_next_multiple_of(CHUNK_ALIGN)? - FORWARD;
        is_one.then_some(Self { state, first, top })
    }

    /// All chunks in their order: how many there are, and address and size of those that are free.
    fn walk(&self, image: &Image) -> Result<(usize, Vec<(u32, u32)>)> {
        let (mut chunks, mut holes) = (0, Vec::new());
        let (mut at, mut before_used) = (self.first, true);
        while at < self.top {
            let head = image.word(at + WORD)?;
            let (size, used) = (head & !FLAGS, head & USED != 0);
            ensure!(
                size >= CHUNK_BYTES_MIN && size.is_multiple_of(CHUNK_ALIGN) && size <= self.top - at,
                "the chunk at {at:#x} has the head {head:#x}"
            );
            ensure!((head & BEFORE_USED != 0) == before_used, "the chunk at {at:#x} does not know the one before");
            if !used {
                ensure!(before_used && image.word(at + size)? == size, "the free chunk at {at:#x} is not closed");
                holes.push((at, size));
            }
            (chunks, before_used, at) = (chunks + 1, used, at + size);
        }
        ensure!(at == self.top && before_used, "the chunks end at {at:#x}, the top chunk is at {:#x}", self.top);
        Ok((chunks, holes))
    }

    /// Address and size of the free chunks that the state names. Bins whose bit is not set hold old addresses.
    fn known_free(&self, image: &Image) -> Result<HashSet<(u32, u32)>> {
        let mut known = HashSet::new();
        let mut add = |chunk: u32| -> Result<bool> { Ok(known.insert((chunk, image.field(chunk, WORD)? & !FLAGS))) };
        let marked = image.word(self.state + state::SMALL_MAP)?;
        for (_, bin) in self.small_bins().enumerate().filter(|(number, _)| marked >> number & 1 == 1) {
            let mut chunk = image.field(bin, FORWARD)?;
            while chunk != bin {
                ensure!(image.field(image.field(chunk, BACK)?, FORWARD)? == chunk, "the list of a bin is broken");
                ensure!(add(chunk)?, "a bin holds the chunk at {chunk:#x} twice");
                chunk = image.field(chunk, FORWARD)?;
            }
        }
        let marked = image.word(self.state + state::TREE_MAP)?;
        for (_, bin) in self.tree_bins().enumerate().filter(|(number, _)| marked >> number & 1 == 1) {
            let mut waiting = vec![image.word(bin)?];
            while let Some(root) = waiting.pop() {
                if root == 0 {
                    continue;
                }
                // chunks of one size hang in a ring from the node of the tree, the only one of them with children
                let mut chunk = root;
                loop {
                    ensure!(add(chunk)?, "a tree holds the chunk at {chunk:#x} twice");
                    chunk = image.field(chunk, FORWARD)?;
                    if chunk == root {
                        break;
                    }
                }
                for child in CHILDREN {
                    waiting.push(image.field(root, child)?);
                }
            }
        }
        let victim = image.word(self.state + state::VICTIM)?;
        if victim != 0 {
            ensure!(add(victim)?, "the designated victim is in a bin");
        }
        Ok(known)
    }

    fn empty_bins(&self, image: &mut Image) -> Result<()> {
        for bin in self.small_bins() {
            image.set_word(bin + FORWARD, bin)?;
            image.set_word(bin + BACK, bin)?;
        }
        for bin in self.tree_bins() {
            image.set_word(bin, 0)?;
        }
        for field in [state::SMALL_MAP, state::TREE_MAP, state::VICTIM, state::VICTIM_BYTES] {
            image.set_word(self.state + field, 0)?;
        }
        Ok(())
    }

    fn small_bins(&self) -> impl Iterator<Item = u32> {
        let first = self.state + state::SMALL;
        (0..SMALL_BINS).map(move |bin| first + bin * 2 * WORD)
    }

    fn tree_bins(&self) -> impl Iterator<Item = u32> {
        let first = self.state + state::TREES;
        (0..TREE_BINS).map(move |bin| first + bin * WORD)
    }
}
