//! Makes the objects of the snapshot immortal, so that looking at them writes nothing.
//!
//! CPython leaves the reference counts of immortal objects alone (PEP 683): on 32 bits, counts from 2^30 on. Which objects
//! there are and what type each has, the guest lists in its memory (`guests/python/src/hks_guest/immortals.py`). An object
//! begins with its count and its type. The few that died after they were listed show neither: who dies leaves a count of
//! zero, and who takes its place writes a pointer over the count or the type. The list is cleared.
//!
//! What a function lets go of what it found in the snapshot is not freed; it could not have been, as it is part of the
//! memory that all executions start from.

use std::ops::Range;

use anyhow::{Result, bail, ensure};

use super::image::Image;

/// `_Py_IMMORTAL_INITIAL_REFCNT` of 32 bits, `Include/refcount.h` of CPython 3.14.
const IMMORTAL: u32 = 5 << 28;
/// `_Py_IMMORTAL_MINIMUM_REFCNT`.
const IMMORTAL_MIN: u32 = 1 << 30;
/// More references than anything in a snapshot has; less than the address of anything.
const REFERENCES_MAX: u32 = 1 << 20;

/// How many may die after they were listed: what the last steps of the build and its last import drop. More, and what is
/// at these addresses is not what is thought.
const DEAD_MAX: usize = 64;

const MARK: &[u8] = b"HKS-IMMORTALS-V1";
const WORD_BYTES: usize = 4;
const HEADER_BYTES: usize = MARK.len() + 2 * WORD_BYTES;
const PAIR_BYTES: usize = 2 * WORD_BYTES;

/// What became of the objects on the list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Made {
    pub(super) made: usize,
    /// CPython had made them immortal.
    pub(super) were: usize,
    pub(super) dead: usize,
}

/// Makes them immortal; `free` are the ranges of memory in which there can be none.
pub(super) fn make(image: &mut Image, free: &[Range<u32>]) -> Result<Made> {
    let list = find(image.bytes())?;
    let pairs: Vec<_> = image.bytes()[list.clone()][HEADER_BYTES..].chunks(PAIR_BYTES).map(pair).collect();
    let (mut done, mut by_number) = (Made::default(), 0);
    for (object, ty) in pairs {
        let (references, found) = (image.word(object)?, image.field(object, 4)?);
        if found == ty && references >= IMMORTAL_MIN {
            done.were += 1;
            by_number += usize::from(references == IMMORTAL);
        } else if found != ty || !(1..REFERENCES_MAX).contains(&references) {
            done.dead += 1;
        } else {
            let before = free.partition_point(|hole| hole.start <= object);
            let in_hole = free[..before].last().is_some_and(|hole| object < hole.end);
            ensure!(!in_hole, "there is an object at {object:#x}, where memory is free");
            image.set_word(object, IMMORTAL)?;
            done.made += 1;
        }
    }
    ensure!(done.dead <= DEAD_MAX, "{} of {} objects are not what the guest says", done.dead, done.made + done.were);
    ensure!(by_number > 0, "CPython made {} objects immortal, none of them with {IMMORTAL:#x} references", done.were);
    ensure!(done.made > 0, "none of {} objects is mortal", done.were);
    image.clear(list);
    Ok(done)
}

/// Where the list is, from its mark to its end.
fn find(memory: &[u8]) -> Result<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(next) = memory[at..].iter().position(|byte| *byte == MARK[0]) {
        at += next;
        found.extend(list_at(memory, at));
        at += 1;
    }
    match found.len() {
        1 => Ok(found.remove(0)),
        count => bail!("{count} lists of objects are in memory, where the guest leaves one"),
    }
}

fn list_at(memory: &[u8], start: usize) -> Option<Range<usize>> {
    if !memory[start..].starts_with(MARK) {
        return None;
    }
    let header = memory.get(start + MARK.len()..start + HEADER_BYTES)?;
    let (count, checksum) = pair(header);
    let end = (count as usize).checked_mul(PAIR_BYTES)?.checked_add(start + HEADER_BYTES)?;
    let body = memory.get(start + HEADER_BYTES..end)?;
    (count > 0 && crc32(body) == checksum).then_some(start..end)
}

/// Two words.
fn pair(bytes: &[u8]) -> (u32, u32) {
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + WORD_BYTES].try_into().expect("it has four bytes"));
    (word(0), word(WORD_BYTES))
}

/// That of zlib, bit by bit, since it runs once.
pub(super) fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
    !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}
