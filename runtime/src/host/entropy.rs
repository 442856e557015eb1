//! Randomness of the host's operating system, never of a seed.

use wasmtime::bail;

use crate::bindings::hks::function::entropy;
use crate::host::Guest;

/// As much as Web Crypto's `getRandomValues` gives at once; more is a loop in the guest, which its fuel pays for.
pub(crate) const BYTES_MAX: u32 = 65_536;

impl entropy::Host for Guest {
    fn random_bytes(&mut self, length: u32) -> wasmtime::Result<Vec<u8>> {
        if length > BYTES_MAX {
            bail!("random-bytes: {length} bytes asked for, at most {BYTES_MAX} are given at once");
        }
        let mut bytes = vec![0; length as usize];
        getrandom::fill(&mut bytes).map_err(|error| wasmtime::format_err!("no randomness: {error}"))?;
        Ok(bytes)
    }
}
