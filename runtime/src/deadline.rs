//! Runs a future until it ends, its deadline passes, or it is canceled, and measures what it uses.
//!
//! A guest in a loop yields at every tick of the epoch, and one in a host call waits: both come back here, so one deadline
//! covers both. What is stopped is dropped, never resumed.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use crate::cancel::Cancel;

/// Why a future was stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stopped {
    Deadline,
    Canceled,
}

/// Runs `work` on this thread until `deadline`, and adds the processor time that it takes to `cpu`.
pub(crate) async fn run_until<F: Future>(
    deadline: Instant,
    cancel: &Cancel,
    cpu: &mut Duration,
    work: F,
) -> Result<F::Output, Stopped> {
    let work = pin!(work);
    let mut work = Measured { work, cpu };
    let mut alarm = pin!(tokio::time::sleep_until(deadline.into()));
    let mut canceled = pin!(cancel.canceled());
    std::future::poll_fn(move |context| {
        // Most work ends at its first poll, and never needs the alarm.
        if let Poll::Ready(output) = work.poll(context) {
            return Poll::Ready(Ok(output));
        }
        if canceled.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(Stopped::Canceled));
        }
        // Looked at directly as well: where all threads are busy, timers are late.
        if Instant::now() >= deadline || alarm.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(Stopped::Deadline));
        }
        Poll::Pending
    })
    .await
}

/// A pinned future and the processor time that its polls took.
struct Measured<'a, F> {
    work: Pin<&'a mut F>,
    cpu: &'a mut Duration,
}

impl<F: Future> Measured<'_, F> {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<F::Output> {
        let before = thread_time();
        let poll = self.work.as_mut().poll(context);
        *self.cpu += thread_time().saturating_sub(before);
        poll
    }
}

/// Processor time of this thread since it started.
fn thread_time() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime).try_into().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn run(work: impl Future<Output = u32>, deadline: Duration, cancel: &Cancel) -> Result<u32, Stopped> {
        let mut cpu = Duration::ZERO;
        run_until(Instant::now() + deadline, cancel, &mut cpu, work).await
    }

    #[tokio::test]
    async fn what_ends_in_time_is_returned() {
        assert_eq!(run(async { 7 }, Duration::from_secs(60), &Cancel::default()).await, Ok(7));
    }

    #[tokio::test]
    async fn what_waits_forever_is_stopped() {
        let forever = std::future::pending();
        assert_eq!(run(forever, Duration::from_millis(5), &Cancel::default()).await, Err(Stopped::Deadline));
    }

    #[tokio::test]
    async fn what_yields_forever_is_stopped() {
        let forever = async {
            loop {
                tokio::task::yield_now().await;
            }
        };
        assert_eq!(run(forever, Duration::from_millis(5), &Cancel::default()).await, Err(Stopped::Deadline));
    }

    #[tokio::test]
    async fn a_wish_made_before_or_during_is_heard() {
        let cancel = Cancel::default();
        let later = cancel.clone();
        let (waiting, ()) = tokio::join!(run(std::future::pending(), Duration::from_secs(60), &cancel), async move {
            tokio::task::yield_now().await;
            later.cancel();
        });
        assert_eq!(waiting, Err(Stopped::Canceled));
        assert_eq!(run(std::future::pending(), Duration::from_secs(60), &cancel).await, Err(Stopped::Canceled));
    }
}
