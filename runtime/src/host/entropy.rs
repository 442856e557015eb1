//! Randomness of the host's operating system, never of a seed; but for a guest behind a [`Seal`](super::Seal).

use wasmtime::bail;
use wasmtime_wasi::p2::bindings::random::{insecure, insecure_seed, random};

use crate::bindings::hks::function::entropy;
use crate::host::Guest;

/// As much as Web Crypto's `getRandomValues` gives at once; more is a loop in the guest, which its fuel pays for.
const BYTES_MAX: u64 = 65_536;

impl Guest {
    fn random(&self, length: u64) -> wasmtime::Result<Vec<u8>> {
        if length > BYTES_MAX {
            bail!("{length} random bytes asked for, at most {BYTES_MAX} are given at once");
        }
        let mut bytes = vec![0; usize::try_from(length)?];
        match self.clock.seal() {
            Some(seal) => seal.fill(&mut bytes),
            None => getrandom::fill(&mut bytes).map_err(|error| wasmtime::format_err!("no randomness: {error}"))?,
        }
        Ok(bytes)
    }

    fn random_number(&self) -> wasmtime::Result<u64> {
        let bytes = self.random(8)?;
        Ok(u64::from_le_bytes(bytes.try_into().expect("as many as were asked for")))
    }
}

impl entropy::Host for Guest {
    fn random_bytes(&mut self, length: u32) -> wasmtime::Result<Vec<u8>> {
        self.random(length.into())
    }
}

impl random::Host for Guest {
    fn get_random_bytes(&mut self, length: u64) -> wasmtime::Result<Vec<u8>> {
        self.random(length)
    }

    fn get_random_u64(&mut self) -> wasmtime::Result<u64> {
        self.random_number()
    }
}

impl insecure::Host for Guest {
    fn get_insecure_random_bytes(&mut self, length: u64) -> wasmtime::Result<Vec<u8>> {
        self.random(length)
    }

    fn get_insecure_random_u64(&mut self) -> wasmtime::Result<u64> {
        self.random_number()
    }
}

impl insecure_seed::Host for Guest {
    fn insecure_seed(&mut self) -> wasmtime::Result<(u64, u64)> {
        Ok((self.random_number()?, self.random_number()?))
    }
}
