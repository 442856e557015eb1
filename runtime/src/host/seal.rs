//! Time and chance for a guest whose memory must depend on its code alone: a clock that only reading moves, and numbers that
//! are the same every time. What looks at either is counted, because a value kept of them would be stale or known to all.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// 2020-01-01T00:00:00Z: in the past of every execution, so that monotonic time never goes back.
const TIME: Duration = Duration::from_secs(1_577_836_800);
/// What each look at the clock takes, so that loops that wait for time to pass end.
const STEP: Duration = Duration::from_micros(1);

/// Shared by all that belongs to one guest.
#[derive(Debug, Default)]
pub(crate) struct Seal {
    clock_reads: AtomicU64,
    random_bytes: AtomicU64,
}

/// What a guest asked for behind a seal. The numbers of two guests can be compared, if one does nothing: interpreters ask
/// for their own purposes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Observed {
    /// How often any clock was read.
    pub clock_reads: u64,
    /// Random bytes that it was given.
    pub random_bytes: u64,
}

impl Seal {
    /// Unix time.
    pub(super) fn now(&self) -> Duration {
        let reads = self.clock_reads.fetch_add(1, Ordering::Relaxed);
        TIME + STEP * u32::try_from(reads).unwrap_or(u32::MAX)
    }

    pub(super) fn fill(&self, bytes: &mut [u8]) {
        let before = self.random_bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        for (place, byte) in (before..).zip(bytes) {
            *byte = split_mix(place / 8).to_le_bytes()[(place % 8) as usize];
        }
    }

    pub(crate) fn observed(&self) -> Observed {
        Observed {
            clock_reads: self.clock_reads.load(Ordering::Relaxed),
            random_bytes: self.random_bytes.load(Ordering::Relaxed),
        }
    }
}

/// The numbers of SplitMix64 from seed 0 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014), by
/// their place.
fn split_mix(place: u64) -> u64 {
    let mut z = place.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_paper_however_they_are_asked_for() {
        assert_eq!(split_mix(0), 0xe220_a839_7b1d_cdaf);
        let (whole, pieces) = (Seal::default(), Seal::default());
        let (mut one, mut other) = ([0; 20], [0; 20]);
        whole.fill(&mut one);
        other.chunks_mut(3).for_each(|piece| pieces.fill(piece));
        assert_eq!(one, other);
        assert_eq!(one[..8], 0xe220_a839_7b1d_cdaf_u64.to_le_bytes());
        assert_eq!(whole.observed(), Observed { clock_reads: 0, random_bytes: 20 });
    }

    #[test]
    fn time_passes_by_looking_only() {
        let seal = Seal::default();
        assert_eq!(seal.now(), TIME);
        assert_eq!(seal.now(), TIME + STEP);
        assert_eq!(seal.observed().clock_reads, 2);
    }
}
