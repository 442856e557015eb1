//! The time of the store: milliseconds, as they stand in the names of its objects.

use std::fmt;
use std::time::{Duration, SystemTime};

/// Says what time it is. Tests have one that stands still.
pub(crate) trait Clock: fmt::Debug + Send + Sync {
    fn now(&self) -> Moment;
}

/// The machine's.
#[derive(Debug)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Moment {
        let since = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        Moment(u64::try_from(since.as_millis()).unwrap_or(u64::MAX).min(LATEST))
    }
}

/// What fits into [`DIGITS`] decimal digits: some 30,000 years.
const LATEST: u64 = 999_999_999_999_999;
const DIGITS: usize = 15;

/// Milliseconds since 1970. As text it has always the same length, so that names sort by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(u64);

impl Moment {
    #[cfg(test)]
    pub(super) fn from_millis(millis: u64) -> Self {
        Self(millis.min(LATEST))
    }

    /// How long it has been; nothing for what is still to come, because clocks of machines differ.
    pub(super) fn age_at(self, now: Self) -> Duration {
        Duration::from_millis(now.0.saturating_sub(self.0))
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let digits = text.len() == DIGITS && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse().ok().map(Self)).flatten()
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:0DIGITS$}", self.0)
    }
}
