//! The seal at the end of an artifact file.
//!
//! Loading machine code is running it, so a file is loaded only if it ends with a MAC that this user's key made over every
//! byte before it. The seal is a footer and not a header, so that the code can be mapped from the file's first page.
//!
//! Layout, integers little-endian: machine code · zeros up to a page · pages of the memory image · shape (JSON) · magic (8) ·
//! engine fingerprint (32) · source digest (32) · lengths of machine code, pages and shape (8 each) · MAC (32, keyed BLAKE3
//! over all before).

use std::fs::File;
use std::ops::Range;
use std::path::Path;

use memmap2::Mmap;

use crate::artifact::Digest;
use crate::key::Key;
use crate::split::PAGE_BYTES;
use crate::{Error, Result};

const MAGIC: &[u8; 8] = b"HKSSEAL2";
const MAC_BYTES: usize = 32;
const FOOTER_BYTES: usize = 8 + 32 + 32 + 3 * 8;

/// What a seal says about the machine code before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seal {
    pub(crate) fingerprint: [u8; 32],
    pub(crate) source: Digest,
    pub(crate) code_bytes: u64,
    pub(crate) pages_bytes: u64,
    pub(crate) shape_bytes: u64,
}

impl Seal {
    /// Where the pages of the memory image lie in the file.
    pub(crate) fn pages(&self) -> Range<usize> {
        let start = (self.code_bytes as usize).next_multiple_of(PAGE_BYTES);
        start..start + self.pages_bytes as usize
    }

    /// Where the shape lies in the file.
    pub(crate) fn shape(&self) -> Range<usize> {
        let start = self.pages().end;
        start..start + self.shape_bytes as usize
    }

    /// Whether so many bytes before the footer are what the lengths say; they come from outside.
    fn fits(&self, content_bytes: usize) -> bool {
        let code = self.code_bytes.checked_next_multiple_of(PAGE_BYTES as u64);
        let total = code.and_then(|code| code.checked_add(self.pages_bytes)?.checked_add(self.shape_bytes));
        total == Some(content_bytes as u64)
    }

    /// The footer for `content`: all that comes before it.
    pub(crate) fn sign(&self, key: &Key, content: &[u8]) -> Vec<u8> {
        let mut footer = Vec::with_capacity(FOOTER_BYTES + MAC_BYTES);
        footer.extend_from_slice(MAGIC);
        footer.extend_from_slice(&self.fingerprint);
        footer.extend_from_slice(self.source.as_bytes());
        for length in [self.code_bytes, self.pages_bytes, self.shape_bytes] {
            footer.extend_from_slice(&length.to_le_bytes());
        }
        let mac = mac_of(key, content, &footer);
        footer.extend_from_slice(mac.as_bytes());
        footer
    }

    /// Reads the seal at the end of `file` and checks it over the whole content, which is returned beside it. `path` is for
    /// messages.
    ///
    /// Who can write the file can still change it afterwards: the caller makes sure that only this user can.
    pub(crate) fn verify(key: &Key, file: &File, path: &Path) -> Result<(Self, Mmap)> {
        #[expect(unsafe_code, reason = "60 MB are hashed at every start: reading them through a buffer costs twice")]
        // SAFETY: a map of a file is sound as long as nobody changes or cuts the file meanwhile. `check_private` made
        // sure that only this user can write it, and we ourselves only ever replace such files, by renaming.
        let content = unsafe { Mmap::map(file) }.map_err(Error::io("map", path))?;
        let seal = Self::check(key, &content).map_err(|reason| Error::refused(path, reason))?;
        Ok((seal, content))
    }

    fn check(key: &Key, content: &[u8]) -> Result<Self, &'static str> {
        let (sealed, mac) = content.split_last_chunk::<MAC_BYTES>().ok_or("it is too short to be sealed")?;
        let (content, footer) = sealed.split_last_chunk::<FOOTER_BYTES>().ok_or("it is too short to be sealed")?;
        let seal = Self::parse(footer).ok_or("it has no seal")?;
        if !seal.fits(content.len()) {
            return Err("its length is not the sealed one");
        }
        // Comparing two `blake3::Hash` takes the same time wherever they differ.
        if mac_of(key, content, footer) != blake3::Hash::from_bytes(*mac) {
            return Err("its seal is broken: it was altered, or made with another key");
        }
        Ok(seal)
    }

    fn parse(footer: &[u8; FOOTER_BYTES]) -> Option<Self> {
        let (magic, rest) = footer.split_first_chunk::<8>()?;
        let (fingerprint, rest) = rest.split_first_chunk::<32>()?;
        let (source, rest) = rest.split_first_chunk::<32>()?;
        let length = |place: usize| rest[8 * place..].first_chunk::<8>().map(|bytes| u64::from_le_bytes(*bytes));
        if magic != MAGIC {
            return None;
        }
        Some(Self {
            fingerprint: *fingerprint,
            source: Digest::from_bytes(*source),
            code_bytes: length(0)?,
            pages_bytes: length(1)?,
            shape_bytes: length(2)?,
        })
    }
}

fn mac_of(key: &Key, content: &[u8], footer: &[u8]) -> blake3::Hash {
    blake3::Hasher::new_keyed(key).update_rayon(content).update(footer).finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Key = [7; 32];

    /// A file of some code, as long as it is, half a page of image, and four bytes of shape.
    fn sealed(code: &[u8]) -> Vec<u8> {
        let mut content = code.to_vec();
        content.resize(PAGE_BYTES, 0);
        content.extend_from_slice(&[5; PAGE_BYTES / 2]);
        content.extend_from_slice(b"{..}");
        let seal = Seal {
            fingerprint: [1; 32],
            source: Digest::from_bytes([2; 32]),
            code_bytes: code.len() as u64,
            pages_bytes: PAGE_BYTES as u64 / 2,
            shape_bytes: 4,
        };
        let footer = seal.sign(&KEY, &content);
        [content, footer].concat()
    }

    #[test]
    fn what_was_sealed_is_accepted() {
        let file = sealed(b"code");
        let seal = Seal::check(&KEY, &file).unwrap();
        assert_eq!((&file[seal.pages()], &file[seal.shape()]), (&[5; PAGE_BYTES / 2][..], &b"{..}"[..]));
        assert_eq!((seal.fingerprint, seal.source, seal.code_bytes), ([1; 32], Digest::from_bytes([2; 32]), 4));
    }

    #[test]
    fn any_changed_bit_breaks_the_seal() {
        let good = sealed(b"machine code");
        // Every byte of the ends, and a sample between them.
        for byte in (0..good.len()).filter(|byte| *byte < 64 || byte % 61 == 0 || good.len() - byte < 256) {
            for bit in 0..8 {
                let mut bad = good.clone();
                bad[byte] ^= 1 << bit;
                assert!(Seal::check(&KEY, &bad).is_err(), "byte {byte} bit {bit}");
            }
        }
    }

    #[test]
    fn a_cut_or_longer_file_is_refused() {
        let good = sealed(b"machine code");
        for length in 0..good.len() {
            assert!(Seal::check(&KEY, &good[..length]).is_err(), "{length} bytes");
        }
        assert!(Seal::check(&KEY, &[&good[..], b"x"].concat()).is_err());
        assert!(Seal::check(&KEY, &[b"x", &good[..]].concat()).is_err());
    }

    #[test]
    fn another_key_is_refused() {
        assert!(Seal::check(&[8; 32], &sealed(b"code")).is_err());
    }

    proptest::proptest! {
        #[test]
        fn no_foreign_bytes_are_accepted_or_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400)) {
            proptest::prop_assert!(Seal::check(&KEY, &bytes).is_err());
            proptest::prop_assert!(Seal::check(&KEY, &[&bytes, &MAGIC[..], &bytes].concat()).is_err());
        }
    }
}
