use wasmtime::ResourceLimiter;

/// What a table entry takes in the host.
const TABLE_ENTRY_BYTES: u64 = 16;

/// Bounds all memories and tables of one store together, and remembers what was asked for.
///
/// A refused growth is told to the guest, which may live on; that it was refused is remembered, so that the outcome of a
/// guest that did not can name the cause.
#[derive(Debug)]
pub(crate) struct MemoryLimiter {
    limit_bytes: u64,
    used_bytes: u64,
    peak_bytes: u64,
    refused_bytes: Option<u64>,
}

impl MemoryLimiter {
    pub(crate) fn new(limit_bytes: u64) -> Self {
        Self { limit_bytes, used_bytes: 0, peak_bytes: 0, refused_bytes: None }
    }

    /// Counts memory that is there from the start without being asked for. Too much is refused with what is asked for next.
    pub(crate) fn begin_with(&mut self, bytes: u64) {
        self.used_bytes = self.used_bytes.saturating_add(bytes);
        self.peak_bytes = self.peak_bytes.max(self.used_bytes);
    }

    /// Another attempt begins with what is in use.
    pub(crate) fn renew(&mut self, limit_bytes: u64) {
        self.limit_bytes = limit_bytes;
        self.peak_bytes = self.used_bytes;
        self.refused_bytes = None;
    }

    /// Most that was in use at once.
    pub(crate) fn peak_bytes(&self) -> u64 {
        self.peak_bytes
    }

    /// What the store would have had, had the last refused growth been granted.
    pub(crate) fn refused_bytes(&self) -> Option<u64> {
        self.refused_bytes
    }

    fn grow(&mut self, current: u64, desired: u64) -> bool {
        let wanted = self.used_bytes.saturating_add(desired.saturating_sub(current));
        if wanted > self.limit_bytes {
            self.refused_bytes = Some(wanted);
            return false;
        }
        self.used_bytes = wanted;
        self.peak_bytes = self.peak_bytes.max(wanted);
        true
    }
}

impl ResourceLimiter for MemoryLimiter {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(self.grow(current as u64, desired as u64))
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(self.grow(current as u64 * TABLE_ENTRY_BYTES, (desired as u64).saturating_mul(TABLE_ENTRY_BYTES)))
    }

    /// What a component has that is linked when it is instantiated, and room.
    fn instances(&self) -> usize {
        64
    }

    fn tables(&self) -> usize {
        16
    }

    fn memories(&self) -> usize {
        4
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memories_are_summed() {
        let mut limiter = MemoryLimiter::new(100);
        assert!(limiter.grow(0, 60));
        assert!(limiter.grow(0, 40));
        assert!(!limiter.grow(40, 41));
        assert_eq!((limiter.peak_bytes(), limiter.refused_bytes()), (100, Some(101)));
    }

    #[test]
    fn a_table_counts_as_what_it_takes() {
        let mut limiter = MemoryLimiter::new(1600);
        assert!(limiter.table_growing(0, 100, None).unwrap());
        assert!(!limiter.table_growing(100, usize::MAX, None).unwrap());
    }
}
