//! How a document is stored: with the digests that it refers to before it, and a digest over both.
//!
//! The store must know what a document refers to without understanding documents, and it must notice when that list is damaged:
//! what it does not list is removed.

use std::collections::BTreeSet;

use bytes::Bytes;
use hks_engine::Digest;

use super::layout;

/// More blobs than any artifact has.
pub(super) const REFERENCES_MAX: usize = 4096;
/// Documents are small: they name what is large.
pub(super) const DOCUMENT_BYTES_MAX: u64 = 4 << 20;
/// An envelope of the largest document, some room for the first lines included.
pub(super) const ENVELOPE_BYTES_MAX: u64 = DOCUMENT_BYTES_MAX + 65 * REFERENCES_MAX as u64 + 256;

const FIRST_LINE: &[u8] = b"hks document 1\n";

/// A document, and the blobs that it refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The bytes that it is named by.
    pub bytes: Bytes,
    /// Digests of blobs, sorted, each once.
    pub references: Vec<Digest>,
}

/// Sorted, each once.
pub(super) fn in_order(references: &[Digest]) -> Vec<Digest> {
    let sorted: BTreeSet<String> = references.iter().map(Digest::to_string).collect();
    sorted.iter().filter_map(|text| layout::digest(text)).collect()
}

impl Document {
    pub(super) fn encode(&self) -> Bytes {
        let mut body = format!("{}\n", self.references.len()).into_bytes();
        for digest in &self.references {
            body.extend_from_slice(format!("{digest}\n").as_bytes());
        }
        body.extend_from_slice(&self.bytes);
        let mut text = FIRST_LINE.to_vec();
        text.extend_from_slice(format!("{}\n", Digest::of(&body)).as_bytes());
        text.extend_from_slice(&body);
        text.into()
    }

    /// Nothing if a single bit is not as it was written.
    pub(super) fn decode(stored: &Bytes) -> Option<Self> {
        let mut rest = stored.strip_prefix(FIRST_LINE)?;
        let checksum = layout::digest(line(&mut rest)?)?;
        if Digest::of(rest) != checksum {
            return None;
        }
        let count: usize = line(&mut rest)?.parse().ok().filter(|count| *count <= REFERENCES_MAX)?;
        let references: Option<Vec<_>> = (0..count).map(|_| layout::digest(line(&mut rest)?)).collect();
        Some(Self { bytes: stored.slice_ref(rest), references: references? })
    }
}

/// Takes a line off `rest`.
fn line<'a>(rest: &mut &'a [u8]) -> Option<&'a str> {
    let end = rest.iter().take(65).position(|byte| *byte == b'\n')?;
    let text = std::str::from_utf8(&rest[..end]).ok()?;
    *rest = &rest[end + 1..];
    Some(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn document() -> Document {
        let references = in_order(&[Digest::of(b"2"), Digest::of(b"1"), Digest::of(b"2")]);
        Document { bytes: Bytes::from_static(b"{\"a\":\n1}"), references }
    }

    #[test]
    fn a_document_comes_back_with_its_references_in_order() {
        assert_eq!(document().references.len(), 2);
        assert_eq!(Document::decode(&document().encode()), Some(document()));
        let empty = Document { bytes: Bytes::new(), references: Vec::new() };
        assert_eq!(Document::decode(&empty.encode()), Some(empty));
    }

    #[test]
    fn every_flipped_bit_and_every_lost_byte_is_noticed() {
        let stored = document().encode();
        for bit in 0..stored.len() * 8 {
            let mut bytes = stored.to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Document::decode(&bytes.into()), None, "bit {bit}");
        }
        for end in 0..stored.len() {
            assert_eq!(Document::decode(&stored.slice(..end)), None, "{end} bytes");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mut sealed = FIRST_LINE.to_vec();
            sealed.extend_from_slice(format!("{}\n", Digest::of(&bytes)).as_bytes());
            sealed.extend_from_slice(&bytes);
            Document::decode(&sealed.into());
            Document::decode(&bytes.into());
        }
    }
}
