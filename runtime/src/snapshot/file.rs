//! A snapshot as bytes: what it has of its own, for the component that it names.
//!
//! Layout: magic with version (8) · length of the header (4, little-endian) · header (JSON) · pages of the overlay · digest
//! (32, BLAKE3 over all before). The digest finds damage, not malice: a snapshot is guest memory, which can harm nobody but
//! its own function.

use std::sync::Arc;

use hks_engine::Digest;
use serde::{Deserialize, Serialize};

use super::Snapshot;
use super::runs::{Run, check_runs};
use super::source::{Overlay, Source};

pub(super) const MAGIC: &[u8; 8] = b"HKSSNAP1";
const DIGEST_BYTES: usize = 32;
/// Above what 2^20 pages of runs need, and far below what could exhaust memory.
const HEADER_BYTES_MAX: usize = 32 << 20;
const MEMORY_BYTES_MAX: u64 = 1 << 32;
/// The unit in which memories grow.
const WASM_PAGE_BYTES: u64 = 65_536;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Header {
    pub(super) component: String,
    pub(super) memory_bytes: u64,
    pub(super) runs: Vec<Run>,
    pub(super) globals: Vec<Vec<u64>>,
}

/// Why bytes are no snapshot, or not of this component.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the snapshot cannot be used: {0}")]
pub struct InvalidSnapshot(pub(crate) String);

fn invalid<T>(reason: impl Into<String>) -> Result<T, InvalidSnapshot> {
    Err(InvalidSnapshot(reason.into()))
}

impl Snapshot {
    /// The snapshot as bytes. What it shares with the component is not in them.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let source = &self.0.source;
        let header = Header {
            component: self.0.component.to_string(),
            memory_bytes: source.bytes as u64,
            runs: source.overlay.iter().flat_map(Overlay::runs).collect(),
            globals: self.0.globals.clone(),
        };
        write(&header, source.overlay.as_ref().map_or(&[], Overlay::bytes))
    }

    /// The snapshot that [`to_bytes`](Self::to_bytes) wrote, of the same component as this one, whose modules have so many
    /// `globals`.
    ///
    /// # Errors
    /// The bytes are damaged, of another version, or of another component.
    pub(crate) fn read(&self, bytes: &[u8], globals: &[u32]) -> Result<Self, InvalidSnapshot> {
        let (header, pages) = read(bytes)?;
        if header.component != self.0.component.to_string() {
            return invalid("it is of another component; take it again");
        }
        let memory_bytes = usize::try_from(header.memory_bytes).unwrap_or(usize::MAX);
        if memory_bytes < self.0.minimum {
            return invalid("its memory is smaller than the component's");
        }
        // An initial snapshot names none: they are as the modules say.
        let counts = header.globals.iter().map(Vec::len);
        if !header.globals.is_empty() && !counts.eq(globals.iter().map(|count| *count as usize)) {
            return invalid("its globals are not those of the component");
        }
        let overlay = Overlay::create(&header.runs, |file| std::os::unix::fs::FileExt::write_all_at(file, pages, 0))
            .map_err(|error| InvalidSnapshot(error.to_string()))?;
        let base = Arc::clone(&self.0.source.base);
        let source = Source { id: self.0.places.next_id(), base, overlay: Some(overlay), bytes: memory_bytes };
        Ok(Self::new(&self.0.places, source, self.0.component, self.0.minimum, header.globals))
    }
}

pub(super) fn write(header: &Header, pages: &[u8]) -> Vec<u8> {
    let header = serde_json::to_vec(header).expect("a header has only string keys");
    let mut bytes = Vec::with_capacity(MAGIC.len() + 4 + header.len() + pages.len() + DIGEST_BYTES);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&u32::try_from(header.len()).expect("at most some MB").to_le_bytes());
    bytes.extend_from_slice(&header);
    bytes.extend_from_slice(pages);
    let digest = Digest::of(&bytes);
    bytes.extend_from_slice(digest.as_bytes());
    bytes
}

/// The header and the pages, with every number in it checked.
pub(super) fn read(bytes: &[u8]) -> Result<(Header, &[u8]), InvalidSnapshot> {
    let Some((content, digest)) = bytes.split_last_chunk::<DIGEST_BYTES>() else {
        return invalid("it is too short");
    };
    let Some((magic, rest)) = content.split_first_chunk::<8>() else { return invalid("it is too short") };
    if magic != MAGIC {
        return invalid("it is no snapshot of this version");
    }
    if Digest::of(content).as_bytes() != digest {
        return invalid("it is damaged");
    }
    let Some((length, rest)) = rest.split_first_chunk::<4>() else { return invalid("it is too short") };
    let length = u32::from_le_bytes(*length) as usize;
    if length > HEADER_BYTES_MAX || length > rest.len() {
        return invalid("its header is longer than it is");
    }
    let (header, pages) = rest.split_at(length);
    let header: Header = match serde_json::from_slice(header) {
        Ok(header) => header,
        Err(error) => return invalid(format!("its header cannot be read: {error}")),
    };
    if header.memory_bytes > MEMORY_BYTES_MAX || !header.memory_bytes.is_multiple_of(WASM_PAGE_BYTES) {
        return invalid(format!("{} bytes are no size of a memory", header.memory_bytes));
    }
    let memory_bytes = usize::try_from(header.memory_bytes).unwrap_or(usize::MAX);
    check_runs(&header.runs, memory_bytes, pages.len()).map_err(|error| InvalidSnapshot(error.to_string()))?;
    Ok((header, pages))
}
