//! The memory that a component starts with: the data segments of its one module.

use std::ops::Range;

use anyhow::{Context as _, Result, bail, ensure};
use wasmparser::{ConstExpr, DataKind, Operator, Parser, Payload};

const PAGE_BYTES: u64 = 65_536;
const WORD_BYTES: usize = 4;

/// A part of the memory, and where it is in the file.
struct Segment {
    memory: Range<usize>,
    file: usize,
}

pub(super) struct Image {
    memory: Vec<u8>,
    /// In the order in which they are applied: those that overlap overwrite each other.
    segments: Vec<Segment>,
    /// What they cover: ascending, apart from each other.
    covered: Vec<Range<usize>>,
}

impl Image {
    pub(super) fn read(component: &[u8]) -> Result<Self> {
        let mut sizes = Vec::new();
        let mut segments = Vec::new();
        for payload in Parser::new(0).parse_all(component) {
            match payload? {
                Payload::MemorySection(section) => {
                    for memory in section {
                        sizes.push(memory?.initial * PAGE_BYTES);
                    }
                }
                Payload::DataSection(section) => {
                    for data in section {
                        let data = data?;
                        let DataKind::Active { memory_index: 0, offset_expr } = &data.kind else {
                            bail!("a data segment is passive, or of a second memory");
                        };
                        let start = constant(offset_expr)?;
                        let file = data.range.end - data.data.len();
                        segments.push(Segment { memory: start..start + data.data.len(), file });
                    }
                }
                _ => {}
            }
        }
        let [bytes] = sizes[..] else { bail!("{} memories, where one is known", sizes.len()) };
        let mut memory = vec![0; usize::try_from(bytes)?];
        for Segment { memory: place, file } in &segments {
            let target = memory.get_mut(place.clone()).context("a data segment ends behind the memory")?;
            target.copy_from_slice(&component[*file..file + place.len()]);
        }
        let covered = joined(segments.iter().map(|segment| segment.memory.clone()).collect());
        Ok(Self { memory, segments, covered })
    }

    /// Puts the memory back into the component that it was read from.
    pub(super) fn write(&self, component: &mut [u8]) {
        for Segment { memory, file } in &self.segments {
            component[*file..file + memory.len()].copy_from_slice(&self.memory[memory.clone()]);
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.memory
    }

    pub(super) fn word(&self, address: u32) -> Result<u32> {
        self.peek(address).with_context(|| format!("{address:#x} is no place for a word"))
    }

    /// A word of what is at `base`, an address that was read and may be none.
    pub(super) fn field(&self, base: u32, offset: u32) -> Result<u32> {
        self.word(base.saturating_add(offset))
    }

    /// The same as [`word`](Self::word), for looking around.
    pub(super) fn peek(&self, address: u32) -> Option<u32> {
        let at = address as usize;
        let word = self.memory.get(at..at.checked_add(WORD_BYTES)?).filter(|_| at.is_multiple_of(WORD_BYTES))?;
        Some(u32::from_le_bytes(word.try_into().expect("it has the bytes of a word")))
    }

    /// Changes a word where some segment has it. Zeros between segments are not in the file, so they stay what they are.
    pub(super) fn set_word(&mut self, address: u32, value: u32) -> Result<()> {
        let before = self.word(address)?.to_le_bytes();
        for (at, (old, new)) in (address as usize..).zip(before.into_iter().zip(value.to_le_bytes())) {
            ensure!(old == new || self.covers(at), "{at:#x} is in no data segment");
            self.memory[at] = new;
        }
        Ok(())
    }

    fn covers(&self, at: usize) -> bool {
        let begun = self.covered.partition_point(|range| range.start <= at);
        self.covered[..begun].last().is_some_and(|range| at < range.end)
    }

    /// Makes a range zero.
    pub(super) fn clear(&mut self, range: Range<usize>) {
        self.memory[range].fill(0);
    }
}

/// The same places in ascending ranges that do not touch.
fn joined(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_by_key(|range| range.start);
    let mut joined: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        match joined.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => joined.push(range),
        }
    }
    joined
}

fn constant(offset: &ConstExpr<'_>) -> Result<usize> {
    let mut operators = offset.get_operators_reader();
    match (operators.read()?, operators.read()?) {
        (Operator::I32Const { value }, Operator::End) => Ok(value.cast_unsigned() as usize),
        other => bail!("a data segment begins at {other:?}: fuse the modules first"),
    }
}
