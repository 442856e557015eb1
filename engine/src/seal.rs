//! The seal at the end of an artifact file.
//!
//! Loading machine code is running it, so a file is loaded only if it ends with a MAC that this user's key made over every
//! byte before it. The seal is a footer and not a header, so that the code can be mapped from the file's first page.
//!
//! Layout, integers little-endian: machine code · magic (8) · engine fingerprint (32) · source digest (32) · length of the
//! machine code (8) · MAC (32, keyed BLAKE3 over all before).

use std::fs::File;
use std::path::Path;

use crate::artifact::Digest;
use crate::key::Key;
use crate::{Error, Result};

const MAGIC: &[u8; 8] = b"HKSSEAL1";
const MAC_BYTES: usize = 32;
const FOOTER_BYTES: usize = 8 + 32 + 32 + 8;

/// What a seal says about the machine code before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seal {
    pub(crate) fingerprint: [u8; 32],
    pub(crate) source: Digest,
    pub(crate) code_bytes: u64,
}

impl Seal {
    /// The footer for `code`.
    pub(crate) fn sign(&self, key: &Key, code: &[u8]) -> Vec<u8> {
        let mut footer = Vec::with_capacity(FOOTER_BYTES + MAC_BYTES);
        footer.extend_from_slice(MAGIC);
        footer.extend_from_slice(&self.fingerprint);
        footer.extend_from_slice(self.source.as_bytes());
        footer.extend_from_slice(&self.code_bytes.to_le_bytes());
        let mac = mac_of(key, code, &footer);
        footer.extend_from_slice(mac.as_bytes());
        footer
    }

    /// Reads the seal at the end of `file` and checks it over the whole content. `path` is for messages.
    ///
    /// Who can write the file can still change it afterwards: the caller makes sure that only this user can.
    pub(crate) fn verify(key: &Key, file: &File, path: &Path) -> Result<Self> {
        #[expect(unsafe_code, reason = "60 MB are hashed at every start: reading them through a buffer costs twice")]
        // SAFETY: a map of a file is sound as long as nobody changes or cuts the file meanwhile. `check_private` made
        // sure that only this user can write it, and we ourselves only ever replace such files, by renaming.
        let content = unsafe { memmap2::Mmap::map(file) }.map_err(Error::io("map", path))?;
        Self::check(key, &content).map_err(|reason| Error::refused(path, reason))
    }

    fn check(key: &Key, content: &[u8]) -> Result<Self, &'static str> {
        let (sealed, mac) = content.split_last_chunk::<MAC_BYTES>().ok_or("it is too short to be sealed")?;
        let (code, footer) = sealed.split_last_chunk::<FOOTER_BYTES>().ok_or("it is too short to be sealed")?;
        let seal = Self::parse(footer).ok_or("it has no seal")?;
        if seal.code_bytes != code.len() as u64 {
            return Err("its length is not the sealed one");
        }
        // Comparing two `blake3::Hash` takes the same time wherever they differ.
        if mac_of(key, code, footer) != blake3::Hash::from_bytes(*mac) {
            return Err("its seal is broken: it was altered, or made with another key");
        }
        Ok(seal)
    }

    fn parse(footer: &[u8; FOOTER_BYTES]) -> Option<Self> {
        let (magic, rest) = footer.split_first_chunk::<8>()?;
        let (fingerprint, rest) = rest.split_first_chunk::<32>()?;
        let (source, rest) = rest.split_first_chunk::<32>()?;
        let code_bytes = rest.first_chunk::<8>()?;
        (magic == MAGIC).then(|| Self {
            fingerprint: *fingerprint,
            source: Digest::from_bytes(*source),
            code_bytes: u64::from_le_bytes(*code_bytes),
        })
    }
}

fn mac_of(key: &Key, code: &[u8], footer: &[u8]) -> blake3::Hash {
    blake3::Hasher::new_keyed(key).update_rayon(code).update(footer).finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Key = [7; 32];

    fn sealed(code: &[u8]) -> Vec<u8> {
        let seal = Seal { fingerprint: [1; 32], source: Digest::from_bytes([2; 32]), code_bytes: code.len() as u64 };
        [code, &seal.sign(&KEY, code)].concat()
    }

    #[test]
    fn what_was_sealed_is_accepted() {
        let seal = Seal::check(&KEY, &sealed(b"code")).unwrap();
        assert_eq!((seal.fingerprint, seal.source, seal.code_bytes), ([1; 32], Digest::from_bytes([2; 32]), 4));
    }

    #[test]
    fn any_changed_bit_breaks_the_seal() {
        let good = sealed(b"machine code");
        for byte in 0..good.len() {
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
