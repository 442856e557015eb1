//! Work that is left alone when it does not end in time.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicU8, AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// Runs `work` on a thread of its own. `None` if it panicked, could not start, or did not end in time; then it counts as
/// `overdue` until it does.
pub(super) fn in_time<T: Send + 'static>(
    stack: usize,
    patience: Duration,
    overdue: &'static AtomicUsize,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let (sender, done) = mpsc::sync_channel(1);
    let watch = Arc::new(Watch { thread: AtomicI32::new(0), state: AtomicU8::new(Watch::RUNNING), overdue });
    let ending = Ending(Arc::clone(&watch));
    thread::Builder::new()
        .name("hks-strip".into())
        .stack_size(stack)
        .spawn(move || {
            ending.0.thread.store(rustix::thread::gettid().as_raw_nonzero().get(), Ordering::Release);
            let _nobody_waits = sender.send(work());
            drop(ending);
        })
        .ok()?;
    match done.recv_timeout(patience) {
        Ok(value) => Some(value),
        Err(RecvTimeoutError::Disconnected) => None,
        Err(RecvTimeoutError::Timeout) => {
            watch.give_up();
            done.try_recv().ok()
        }
    }
}

/// A thread that somebody waits for.
#[derive(Debug)]
struct Watch {
    thread: AtomicI32,
    state: AtomicU8,
    overdue: &'static AtomicUsize,
}

impl Watch {
    const RUNNING: u8 = 0;
    const ENDED: u8 = 1;
    const GIVEN_UP: u8 = 2;

    fn give_up(&self) {
        self.overdue.fetch_add(1, Ordering::AcqRel);
        if self.state.swap(Self::GIVEN_UP, Ordering::AcqRel) == Self::ENDED {
            self.overdue.fetch_sub(1, Ordering::AcqRel);
        } else if let Some(thread) = rustix::process::Pid::from_raw(self.thread.load(Ordering::Acquire)) {
            // on Linux each thread has a priority of its own; without it, it only costs others more
            let _same = rustix::process::setpriority_process(Some(thread), 19);
        }
    }
}

/// Says that the thread is over, also when it panics.
struct Ending(Arc<Watch>);

impl Drop for Ending {
    fn drop(&mut self) {
        if self.0.state.swap(Watch::ENDED, Ordering::AcqRel) == Watch::GIVEN_UP {
            self.0.overdue.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STACK_BYTES: usize = 1 << 20;
    const PATIENCE: Duration = Duration::from_secs(60);

    #[test]
    fn what_panics_counts_for_nothing() {
        static NONE: AtomicUsize = AtomicUsize::new(0);
        assert_eq!(in_time(STACK_BYTES, PATIENCE, &NONE, || 1), Some(1));
        let panics = || -> i32 { std::panic::resume_unwind(Box::new(())) };
        assert_eq!(in_time(STACK_BYTES, PATIENCE, &NONE, panics), None);
        assert_eq!(NONE.load(Ordering::Acquire), 0);
    }

    #[test]
    fn what_takes_too_long_is_overdue_until_it_ends() {
        static COUNTED: AtomicUsize = AtomicUsize::new(0);
        let (end, wait) = mpsc::channel::<()>();
        let endless = move || wait.recv().is_ok();
        assert_eq!(in_time(STACK_BYTES, Duration::from_millis(1), &COUNTED, endless), None);
        assert_eq!(COUNTED.load(Ordering::Acquire), 1);
        drop(end);
        while COUNTED.load(Ordering::Acquire) != 0 {
            thread::yield_now();
        }
    }
}
