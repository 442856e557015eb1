//! Ends a tool that goes beyond its limits, or is canceled. One thread looks at the clock and at processes, one at the disk,
//! which may take long.

use std::io::PipeWriter;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::{Cancel, ChildLimits, Outcome, measure};

/// How often processes are looked at. A tool cannot fill a machine's memory in less, nor start more than some thousands.
const PROCESSES_PAUSE: Duration = Duration::from_millis(100);

/// How often the folder is measured. A disk writes some hundred megabytes meanwhile.
const DISK_PAUSE: Duration = Duration::from_millis(500);

/// How long the processes in between may take to end the tool. Only a tool that could stop them, for want of a namespace and
/// of a Landlock that guards against signals, makes them take longer.
const END_WAIT: Duration = Duration::from_secs(5);

/// Measuring takes at most one part in so many of a processor.
const SHARE: u32 = 20;

/// One tool while it runs.
#[derive(Debug)]
pub(super) struct Watched {
    /// While this is open, the tool runs.
    control: Mutex<Option<PipeWriter>>,
    verdict: OnceLock<Outcome>,
    ended: OnceLock<()>,
    /// The process that waits, until it is reaped and its number may be another's.
    waiting: Mutex<Option<Pid>>,
    cancel: Cancel,
    peak_memory_bytes: AtomicU64,
}

impl Watched {
    pub(super) fn new(control: PipeWriter, waiting: u32, cancel: Cancel) -> Self {
        let waiting = i32::try_from(waiting).ok().and_then(Pid::from_raw);
        Self {
            control: Mutex::new(Some(control)),
            verdict: OnceLock::new(),
            ended: OnceLock::new(),
            waiting: Mutex::new(waiting),
            cancel,
            peak_memory_bytes: AtomicU64::new(0),
        }
    }

    /// Ends the tool; the first reason stands.
    pub(super) fn end(&self, verdict: Outcome) {
        let _first = self.verdict.set(verdict);
        self.hang_up();
    }

    /// The process that waits has nothing more to say, and is about to be reaped.
    pub(super) fn reaping(&self) {
        *self.waiting.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.ended();
    }

    /// Kills the process that waits if it has not ended in time, and with it, by way of their death signals, the others.
    fn insist(&self) {
        self.cancel.wait_for(END_WAIT, || self.ended.get().is_some());
        if let Some(waiting) = *self.waiting.lock().unwrap_or_else(PoisonError::into_inner) {
            let _gone = kill_process(waiting, Signal::KILL);
        }
    }

    /// Nothing is left to watch.
    pub(super) fn ended(&self) {
        let _first = self.ended.set(());
        self.hang_up();
        self.cancel.wake();
    }

    pub(super) fn verdict(&self) -> Option<Outcome> {
        self.verdict.get().copied()
    }

    pub(super) fn peak_memory_bytes(&self) -> u64 {
        self.peak_memory_bytes.load(Ordering::Relaxed)
    }

    fn hang_up(&self) {
        drop(self.control.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    fn is_over(&self) -> bool {
        self.ended.get().is_some() || self.verdict.get().is_some()
    }

    /// Waits; whether there is more to watch.
    fn pause(&self, pause: Duration) -> bool {
        if self.cancel.wait(pause, || self.is_over()) {
            self.end(Outcome::Canceled);
        }
        !self.is_over()
    }

    /// Looks at the clock and the processes below `waiting`, and sees to it that a tool that is to end does.
    pub(super) fn watch_processes(&self, waiting: u32, limits: &ChildLimits, started: Instant) {
        self.until_over(waiting, limits, started);
        self.insist();
    }

    fn until_over(&self, waiting: u32, limits: &ChildLimits, started: Instant) {
        let mut pause = PROCESSES_PAUSE;
        loop {
            let left = limits.wall_time_max.saturating_sub(started.elapsed());
            if left.is_zero() {
                return self.end(Outcome::TimedOut);
            }
            if !self.pause(pause.min(left)) {
                return;
            }
            let before = Instant::now();
            let usage = measure::usage(waiting, limits.tasks_max);
            self.peak_memory_bytes.fetch_max(usage.memory_bytes, Ordering::Relaxed);
            if usage.memory_bytes > limits.memory_bytes_max {
                return self.end(Outcome::OutOfMemory);
            }
            if usage.tasks > limits.tasks_max {
                return self.end(Outcome::TooManyTasks);
            }
            pause = PROCESSES_PAUSE.max(before.elapsed() * SHARE);
        }
    }

    /// Looks at the folder.
    pub(super) fn watch_disk(&self, folder: &Path, limits: &ChildLimits) {
        let mut pause = DISK_PAUSE;
        while self.pause(pause) {
            let before = Instant::now();
            if measure::is_above(folder, limits.disk_bytes_max, limits.disk_entries_max) {
                return self.end(Outcome::DiskFull);
            }
            pause = DISK_PAUSE.max(before.elapsed() * SHARE);
        }
    }
}
