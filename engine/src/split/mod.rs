//! Takes out of a component what its instances start with, so that it can be mapped instead of copied.
//!
//! A component's memory begins with its data segments: 31 MB for CPython, which an instance would copy at every start. Here
//! they become an [`Image`], pages that every instance maps copy-on-write, and the component is compiled without them.
//! What a running instance changes besides its memory are its globals; two exports are added that read and write them, so
//! that an instance can be stored and resumed ([`Shape::globals`]). What else an instance could change is looked for, and
//! is a reason not to store it ([`Shape::unstorable`]).
//!
//! [`component`] reads and writes the component level, [`module`] the modules in it.

mod component;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod module;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::Result;

/// Bytes of a page of the host: the unit in which memory is mapped and stored.
pub const PAGE_BYTES: usize = 4096;

/// What instances of a component start with besides its code.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Shape {
    /// The memory that is mapped; none if the component has no memory, or keeps its data segments.
    pub memory: Option<Memory>,
    /// How many mutable globals each module has that has any. The pair of exports for module `k` is named by
    /// [`get_global`] and [`set_global`].
    pub globals: Vec<u32>,
    /// Why running instances cannot be stored and resumed, for people; empty if they can.
    pub unstorable: Vec<String>,
}

/// The memory of an instance before anything ran in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// Its size, a multiple of 64 KiB.
    pub bytes: u64,
}

/// Name of the export of module `k` that reads a global: `func(index: u32) -> u64`, floats as their bits.
#[must_use]
pub fn get_global(k: usize) -> String {
    format!("hks-get-global-m{k}")
}

/// Name of the export of module `k` that writes a global: `func(index: u32, bits: u64)`.
#[must_use]
pub fn set_global(k: usize) -> String {
    format!("hks-set-global-m{k}")
}

/// A component without its data, and the data.
pub(crate) struct Split {
    pub(crate) component: Vec<u8>,
    pub(crate) shape: Shape,
    /// What the memory begins with, whole pages; all that follows is zero.
    pub(crate) pages: Vec<u8>,
}

/// Splits a component. One that cannot be split comes back as it is, with the reasons in [`Shape::unstorable`].
///
/// # Errors
/// It is not a valid component.
pub(crate) fn split(bytes: &[u8]) -> Result<Split> {
    component::split(bytes)
}

/// Images up to this size are kept whatever is in them.
const SPARSE_BYTES_MAX: usize = 16 << 20;

/// The pages of a memory up to the last one that is not zero; `None` if nearly all of a large image were zeros.
fn trim(memory: &[u8]) -> Option<&[u8]> {
    let is_used = |page: &[u8]| page.iter().any(|byte| *byte != 0);
    let used = memory.chunks(PAGE_BYTES).filter(|page| is_used(page)).count();
    let last = memory.chunks(PAGE_BYTES).rposition(is_used).map_or(0, |last| last + 1);
    let image = &memory[..last * PAGE_BYTES];
    (image.len() <= SPARSE_BYTES_MAX || used >= last / 4).then_some(image)
}
