//! Time, and waiting. Waiting ends with the attempt, because the host drops the wait.

use std::time::{Duration, Instant, SystemTime};

use crate::bindings::hks::function::clock;
use crate::host::Guest;

/// The time of one attempt.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    start: Instant,
    deadline: Instant,
}

impl Clock {
    /// A clock that starts now.
    pub(crate) fn start(timeout: Duration) -> Self {
        let start = Instant::now();
        Self { start, deadline: start + timeout }
    }

    pub(crate) fn deadline(&self) -> Instant {
        self.deadline
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// The deadline in milliseconds since 1970.
    pub(crate) fn deadline_unix_ms(&self) -> u64 {
        let left = self.deadline.saturating_duration_since(Instant::now());
        saturating_u64((unix_time() + left).as_millis())
    }
}

impl clock::Host for Guest {
    fn now(&mut self) -> wasmtime::Result<u64> {
        Ok(saturating_u64(unix_time().as_nanos()))
    }

    fn monotonic(&mut self) -> wasmtime::Result<u64> {
        Ok(saturating_u64(self.clock.start.elapsed().as_nanos()))
    }

    async fn sleep(&mut self, nanoseconds: u64) -> wasmtime::Result<()> {
        tokio::time::sleep(Duration::from_nanos(nanoseconds)).await;
        Ok(())
    }

    fn remaining(&mut self) -> wasmtime::Result<u64> {
        Ok(saturating_u64(self.clock.deadline.saturating_duration_since(Instant::now()).as_millis()))
    }
}

fn unix_time() -> Duration {
    SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default()
}

/// Nanoseconds fit until the year 2554.
fn saturating_u64(number: u128) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
