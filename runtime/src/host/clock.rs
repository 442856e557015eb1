//! Time, and waiting. Waiting ends with the attempt, because the host drops the wait.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use wasmtime_wasi::{HostMonotonicClock, HostWallClock};

use crate::bindings::hks::function::clock;
use crate::host::{Guest, Seal};

/// The time of one attempt.
#[derive(Debug, Clone)]
pub(crate) struct Clock {
    start: Instant,
    /// Unix time of the start.
    origin: Duration,
    deadline: Instant,
    /// What the guest sees instead of time.
    seal: Option<Arc<Seal>>,
}

impl Clock {
    /// A clock that starts now. The deadline is real, also behind a seal.
    pub(crate) fn start(timeout: Duration, seal: Option<Arc<Seal>>) -> Self {
        let start = Instant::now();
        Self { start, origin: unix_time(), deadline: start + timeout, seal }
    }

    pub(super) fn seal(&self) -> Option<&Seal> {
        self.seal.as_deref()
    }

    pub(crate) fn deadline(&self) -> Instant {
        self.deadline
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// Time that never goes back. It begins with the Unix time of the attempt's start, so that it goes on where an instance
    /// that a snapshot was taken of had it, on whatever machine that was.
    fn monotonic(&self) -> Duration {
        self.seal().map_or_else(|| self.origin + self.start.elapsed(), Seal::now)
    }

    /// Unix time.
    fn wall(&self) -> Duration {
        self.seal().map_or_else(unix_time, Seal::now)
    }

    /// The deadline in milliseconds since 1970.
    pub(crate) fn deadline_unix_ms(&self) -> u64 {
        let left = self.deadline.saturating_duration_since(Instant::now());
        saturating_u64((unix_time() + left).as_millis())
    }
}

impl clock::Host for Guest {
    fn now(&mut self) -> wasmtime::Result<u64> {
        Ok(saturating_u64(self.clock.wall().as_nanos()))
    }

    fn monotonic(&mut self) -> wasmtime::Result<u64> {
        Ok(saturating_u64(self.clock.monotonic().as_nanos()))
    }

    async fn sleep(&mut self, nanoseconds: u64) -> wasmtime::Result<()> {
        tokio::time::sleep(Duration::from_nanos(nanoseconds)).await;
        Ok(())
    }

    fn remaining(&mut self) -> wasmtime::Result<u64> {
        Ok(saturating_u64(self.clock.deadline.saturating_duration_since(Instant::now()).as_millis()))
    }
}

impl HostMonotonicClock for Clock {
    fn resolution(&self) -> u64 {
        1
    }

    fn now(&self) -> u64 {
        saturating_u64(self.monotonic().as_nanos())
    }
}

impl HostWallClock for Clock {
    fn resolution(&self) -> Duration {
        Duration::from_nanos(1)
    }

    fn now(&self) -> Duration {
        self.wall()
    }
}

fn unix_time() -> Duration {
    SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default()
}

/// Nanoseconds fit until the year 2554.
fn saturating_u64(number: u128) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
