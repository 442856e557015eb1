//! What every byte of a memory has to be at the start of an execution: a base that many snapshots share, and the pages in
//! which this one differs.

use std::fs::File;
use std::io::{ErrorKind, Result};
use std::ops::Range;
use std::sync::Arc;

use hks_engine::Artifact;

use super::PAGE_BYTES;
use super::raw::SealedFile;
use super::runs::{Layout, Run};

/// What a component's memory is before anything ran in it.
pub(crate) struct Base {
    /// What it begins with.
    image: SealedFile,
    /// Its size; what follows the image is zero.
    memory_bytes: usize,
}

impl Base {
    /// The base of an artifact, if it has a memory that can be mapped.
    pub(crate) fn new(artifact: &Artifact) -> Result<Option<Self>> {
        let Some(memory) = &artifact.shape().memory else { return Ok(None) };
        let bytes = usize::try_from(memory.bytes).map_err(|_| ErrorKind::InvalidData)?;
        if bytes == 0 {
            return Ok(None);
        }
        let (file, range) = artifact.image();
        let image = SealedFile::of_artifact(file, range)?;
        Ok(Some(Self { image, memory_bytes: bytes }))
    }

    /// A memory of so many bytes that begins with `image`.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn of_bytes(memory_bytes: usize, image: &[u8]) -> Result<Self> {
        let image = SealedFile::create(image.len(), |file| std::os::unix::fs::FileExt::write_all_at(file, image, 0))?;
        Ok(Self { image, memory_bytes })
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.memory_bytes
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.image.bytes()
    }
}

/// The pages in which a snapshot differs from its base, one after the other in a file.
pub(crate) struct Overlay {
    file: SealedFile,
    layout: Layout,
    copied_bytes: usize,
}

impl Overlay {
    /// `write` puts the pages of `runs` into the file.
    pub(crate) fn create(runs: &[Run], write: impl FnOnce(&File) -> Result<()>) -> Result<Self> {
        let mappable = rustix::param::page_size() == PAGE_BYTES;
        let layout = Layout::new(runs, mappable);
        let file = SealedFile::create(layout.bytes(), write)?;
        let copied_bytes = layout.runs().iter().filter(|run| !run.is_mapped).map(|run| run.file().len()).sum();
        Ok(Self { file, layout, copied_bytes })
    }

    pub(crate) fn runs(&self) -> impl Iterator<Item = Run> {
        self.layout.runs().iter().map(|placed| placed.run)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.file.bytes()
    }

    /// Bytes of it that every slot has a copy of.
    pub(crate) fn copied_bytes(&self) -> usize {
        self.copied_bytes
    }
}

/// All of a memory at the start.
pub(crate) struct Source {
    /// What slots of it are found by.
    pub(crate) id: u64,
    pub(crate) base: Arc<Base>,
    pub(crate) overlay: Option<Overlay>,
    /// Size of the memory; that of the base, or more.
    pub(crate) bytes: usize,
}

/// A part of a memory as it has to be.
pub(super) enum Expected<'a> {
    Bytes(&'a [u8]),
    Zeros,
}

/// How a part of an overlay gets into a slot.
pub(super) enum Placement<'a> {
    Map { memory: Range<usize>, file: &'a SealedFile, offset: usize },
    Copy { offset: usize, bytes: &'a [u8] },
}

impl Source {
    pub(super) fn base_file(&self) -> &SealedFile {
        &self.base.image
    }

    pub(super) fn base_bytes(&self) -> usize {
        self.base.bytes().len()
    }

    /// What a page has to be; `None` is all zero. The page is within the memory.
    pub(super) fn page(&self, page: usize) -> Option<&[u8]> {
        self.look_up(page).0
    }

    /// What a page has to be, and whether it shows that when the slot has no copy of its own; otherwise it must be kept.
    pub(super) fn look_up(&self, page: usize) -> (Option<&[u8]>, bool) {
        if let Some(overlay) = &self.overlay
            && let Some(placed) = overlay.layout.find(page)
        {
            return (Some(&overlay.bytes()[placed.file_of(page)]), placed.is_mapped);
        }
        let start = page * PAGE_BYTES;
        (self.base.bytes().get(start..start + PAGE_BYTES), true)
    }

    /// How the overlay gets into a slot that has the base.
    pub(super) fn placements(&self) -> impl Iterator<Item = Placement<'_>> {
        self.overlay.iter().flat_map(|overlay| {
            overlay.layout.runs().iter().map(|placed| match placed.is_mapped {
                true => Placement::Map { memory: placed.memory(), file: &overlay.file, offset: placed.file().start },
                false => Placement::Copy { offset: placed.memory().start, bytes: &overlay.bytes()[placed.file()] },
            })
        })
    }

    /// The whole memory as it has to be, in ascending parts.
    pub(super) fn parts(&self) -> Vec<(Range<usize>, Expected<'_>)> {
        let mut parts = Vec::new();
        let mut at = 0;
        if let Some(overlay) = &self.overlay {
            for placed in overlay.layout.runs() {
                self.below(at..placed.memory().start, &mut parts);
                parts.push((placed.memory(), Expected::Bytes(&overlay.bytes()[placed.file()])));
                at = placed.memory().end;
            }
        }
        self.below(at..self.bytes, &mut parts);
        parts
    }

    /// What is there where the overlay has nothing.
    fn below<'a>(&'a self, range: Range<usize>, parts: &mut Vec<(Range<usize>, Expected<'a>)>) {
        let end = self.base_bytes().clamp(range.start, range.end);
        if range.start < end {
            parts.push((range.start..end, Expected::Bytes(&self.base.bytes()[range.start..end])));
        }
        if end < range.end {
            parts.push((end..range.end, Expected::Zeros));
        }
    }
}
