//! Looks at the process of the tests itself: memory, descriptors; and turns, so that nobody else changes them meanwhile.
//!
//! Linux only, as is all that measures here.

use std::cell::RefCell;
use std::fs;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

static TURNS: RwLock<()> = RwLock::new(());

thread_local! {
    /// Held from a test's first call until its thread ends.
    static TURN: RefCell<Option<Turn>> = const { RefCell::new(None) };
}

#[expect(dead_code, reason = "held for what they do when they are dropped")]
enum Turn {
    Shared(RwLockReadGuard<'static, ()>),
    Alone(RwLockWriteGuard<'static, ()>),
}

/// Waits until no test wants to be alone. Every call takes a turn by itself.
pub(crate) fn take_turn() {
    TURN.with_borrow_mut(|turn| {
        if turn.is_none() {
            *turn = Some(Turn::Shared(TURNS.read().unwrap_or_else(PoisonError::into_inner)));
        }
    });
}

/// Waits until no other test runs guests, and keeps others from doing so until this test ends.
pub(crate) fn alone() {
    TURN.with_borrow_mut(|turn| {
        drop(turn.take());
        *turn = Some(Turn::Alone(TURNS.write().unwrap_or_else(PoisonError::into_inner)));
    });
}

/// Memory of this process that is in RAM now.
pub(crate) fn rss_bytes() -> u64 {
    status("VmRSS:")
}

/// The most that was in RAM since the last reset.
pub(crate) fn peak_rss_bytes() -> u64 {
    status("VmHWM:")
}

pub(crate) fn reset_peak_rss() {
    // 5 resets the peak, see proc_pid_clear_refs(5).
    fs::write("/proc/self/clear_refs", "5").unwrap();
}

fn status(field: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

/// Descriptors that this process has open.
pub(crate) fn open_files() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}
