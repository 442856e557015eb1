//! One memory for one instance at a time: mapped from a snapshot, and put back to it afterwards.

use std::fs::File;
use std::io::{Error, ErrorKind, Result};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use super::PAGE_BYTES;
use super::hot::{HotSet, Verdict};
use super::raw::{PageRun, Pagemap, Region};
use super::runs::{RUNS_MAX, Run, join, pages_of, push, union};
use super::source::{Base, Expected, Overlay, Placement, Source};

/// How many runs of pages one question to the kernel can find.
const RUNS_AT_ONCE: usize = 256;

/// A memory and the snapshot that it starts from.
pub(crate) struct Slot {
    region: Region,
    source: Arc<Source>,
    /// What the guest has: the snapshot's size, and what it added.
    size: usize,
    /// Nothing is accessible from here on, which is beyond the size after growing failed.
    accessible: usize,
    hot: HotSet,
    found: Box<[PageRun; RUNS_AT_ONCE]>,
}

/// What putting a slot back took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Restored {
    pub(crate) copied: u64,
    pub(crate) given_back: u64,
}

impl Slot {
    /// Maps a snapshot.
    pub(crate) fn map(source: Arc<Source>, reserved: usize, guard: usize, kept_max: usize) -> Result<Self> {
        let mut region = Region::reserve(reserved, guard)?;
        region.map(0..source.base_bytes(), source.base_file(), 0)?;
        region.open(source.base_bytes()..source.bytes)?;
        let hot = HotSet::new(source.bytes / PAGE_BYTES, kept_max);
        let (size, accessible) = (source.bytes, source.bytes);
        let mut slot =
            Self { region, source, size, accessible, hot, found: Box::new([PageRun::default(); RUNS_AT_ONCE]) };
        slot.place_overlay(true)?;
        Ok(slot)
    }

    pub(crate) fn source(&self) -> &Arc<Source> {
        &self.source
    }

    pub(crate) fn size(&self) -> usize {
        self.size
    }

    pub(crate) fn capacity(&self) -> usize {
        self.region.bytes()
    }

    pub(crate) fn pointer(&self) -> *mut u8 {
        self.region.pointer()
    }

    /// Bytes that it keeps of its own while nobody uses it: what it keeps by choice, and what cannot be mapped.
    pub(crate) fn own_bytes(&self) -> usize {
        self.hot.kept() * PAGE_BYTES + self.source.overlay.as_ref().map_or(0, Overlay::copied_bytes)
    }

    /// Makes the memory larger; what is added is zero.
    pub(crate) fn grow_to(&mut self, size: usize) -> Result<()> {
        if size < self.size || size > self.region.bytes() {
            return Err(ErrorKind::InvalidInput.into());
        }
        let (start, end) = (self.size.next_multiple_of(PAGE_BYTES), size.next_multiple_of(PAGE_BYTES));
        // Before the attempt: it may fail halfway.
        self.accessible = self.accessible.max(end);
        self.region.open(start..end.max(start))?;
        self.size = size;
        Ok(())
    }

    /// Makes it equal to the snapshot again. After an error it must not be used any more.
    pub(crate) fn restore(&mut self, pagemap: Option<&Pagemap>) -> Result<Restored> {
        let grown = self.source.bytes..self.accessible;
        if !grown.is_empty() {
            self.region.close(grown)?;
        }
        (self.size, self.accessible) = (self.source.bytes, self.source.bytes);
        match pagemap {
            Some(pagemap) => self.restore_written(pagemap),
            None => self.restore_all(),
        }
    }

    /// Without knowing what was written: everything is given back.
    fn restore_all(&mut self) -> Result<Restored> {
        self.region.discard(0..self.source.bytes)?;
        self.hot.clear();
        self.place_overlay(false)?;
        Ok(Restored::default())
    }

    fn restore_written(&mut self, pagemap: &Pagemap) -> Result<Restored> {
        let mut restored = Restored::default();
        self.hot.begin();
        let mut at = 0;
        while at < self.source.bytes {
            let (count, walked) = self.region.scan(pagemap, at..self.source.bytes, &mut self.found[..])?;
            for run in 0..count {
                self.restore_run(self.found[run], &mut restored)?;
            }
            if walked <= at {
                return Err(Error::new(ErrorKind::InvalidData, "the scan of written pages does not advance"));
            }
            at = walked;
        }
        Ok(restored)
    }

    fn restore_run(&mut self, run: PageRun, restored: &mut Restored) -> Result<()> {
        let pages = run.pages();
        let mut given_back = pages.start..pages.start;
        for page in pages {
            let range = page * PAGE_BYTES..(page + 1) * PAGE_BYTES;
            let (expected, shows_through) = self.source.look_up(page);
            if run.is_shared_zeros() && expected.is_none() {
                continue;
            }
            let region = &self.region;
            let changed = || region.read(range.clone()).is_ok_and(|now| !is_expected(now, expected));
            if !shows_through || self.hot.judge(page, changed) == Verdict::Keep {
                self.region.write(range.start, expected.unwrap_or(&ZEROS))?;
                restored.copied += 1;
                continue;
            }
            restored.given_back += 1;
            if given_back.end != page {
                self.give_back(&given_back)?;
                given_back.start = page;
            }
            given_back.end = page + 1;
        }
        self.give_back(&given_back)
    }

    fn give_back(&mut self, pages: &Range<usize>) -> Result<()> {
        self.region.discard(pages.start * PAGE_BYTES..pages.end * PAGE_BYTES)
    }

    /// Puts the overlay over the base; what is mapped stays so, unless this is the first time.
    fn place_overlay(&mut self, first: bool) -> Result<()> {
        let source = Arc::clone(&self.source);
        for placement in source.placements() {
            match placement {
                Placement::Map { memory, file, offset } if first => self.region.map(memory, file, offset)?,
                Placement::Map { .. } => {}
                Placement::Copy { offset, bytes } => self.region.write(offset, bytes)?,
            }
        }
        Ok(())
    }

    /// For tests that do what guests do, or what nobody should.
    #[cfg(any(test, fuzzing))]
    pub(super) fn region(&mut self) -> &mut Region {
        &mut self.region
    }

    /// The first page that is not as the snapshot has it, after a look at every byte of the memory.
    pub(crate) fn difference(&self) -> Result<Option<usize>> {
        for (range, expected) in self.source.parts() {
            let now = self.region.read(range.clone())?;
            let equal = match expected {
                Expected::Bytes(bytes) => now == bytes,
                Expected::Zeros => is_zero(now),
            };
            if !equal {
                let differs = |page: &usize| {
                    let at = page * PAGE_BYTES - range.start;
                    !is_expected(&now[at..at + PAGE_BYTES], self.source.page(*page))
                };
                return Ok((range.start / PAGE_BYTES..range.end / PAGE_BYTES).find(differs));
            }
        }
        Ok(None)
    }

    /// The pages in which the memory differs from the base now, and its size: what a snapshot of it is made of.
    pub(crate) fn capture(&mut self, pagemap: Option<&Pagemap>) -> Result<(Overlay, usize)> {
        let candidates = self.candidates(pagemap)?;
        let mut runs = Vec::<Run>::new();
        for pages in candidates {
            let now = self.region.read(pages.start * PAGE_BYTES..pages.end * PAGE_BYTES)?;
            for (page, now) in pages.zip(now.chunks_exact(PAGE_BYTES)) {
                if !is_expected(now, page_of(&self.source.base, page)) {
                    push(&mut runs, page)?;
                }
            }
        }
        join(&mut runs, RUNS_MAX);
        let overlay = Overlay::create(&runs, |file| self.write_runs(&runs, file))?;
        Ok((overlay, self.size))
    }

    fn write_runs(&self, runs: &[Run], file: &File) -> Result<()> {
        let mut at = 0;
        for run in runs {
            let start = run.first as usize * PAGE_BYTES;
            let bytes = self.region.read(start..start + run.count as usize * PAGE_BYTES)?;
            file.write_all_at(bytes, at)?;
            at += bytes.len() as u64;
        }
        Ok(())
    }

    /// Ascending ranges of pages, without overlap, outside of which the memory is as the base has it.
    fn candidates(&mut self, pagemap: Option<&Pagemap>) -> Result<Vec<Range<usize>>> {
        let end = self.size.next_multiple_of(PAGE_BYTES);
        let Some(pagemap) = pagemap else {
            return Ok(std::iter::once(0..end / PAGE_BYTES).collect());
        };
        let mut ranges: Vec<Range<usize>> = self.source.overlay.iter().flat_map(Overlay::runs).map(pages_of).collect();
        let mut at = 0;
        while at < end {
            let (count, walked) = self.region.scan(pagemap, at..end, &mut self.found[..])?;
            let found = self.found[..count].iter();
            ranges.extend(found.map(PageRun::pages));
            if walked <= at {
                return Err(Error::new(ErrorKind::InvalidData, "the scan of written pages does not advance"));
            }
            at = walked;
        }
        Ok(union(ranges))
    }
}

static ZEROS: [u8; PAGE_BYTES] = [0; PAGE_BYTES];

fn is_zero(bytes: &[u8]) -> bool {
    bytes.chunks(PAGE_BYTES).all(|chunk| *chunk == ZEROS[..chunk.len()])
}

fn is_expected(now: &[u8], expected: Option<&[u8]>) -> bool {
    now == expected.unwrap_or(&ZEROS)
}

fn page_of(base: &Base, page: usize) -> Option<&[u8]> {
    base.bytes().get(page * PAGE_BYTES..(page + 1) * PAGE_BYTES)
}
