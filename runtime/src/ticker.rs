//! Advances the engine's epoch while guests run.
//!
//! At every tick a running guest yields to its thread's scheduler, which is where deadlines and cancellation are looked
//! at, and where guests that share a thread take turns. The ticker has a thread of its own, because the guests' threads
//! may all be busy. It sleeps while no guest runs.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::thread::{self, Thread};
use std::time::Duration;

/// The resolution of deadlines and turns.
pub(crate) const TICK: Duration = Duration::from_millis(1);

/// Ticks without a guest before the ticker goes to sleep: waking it costs more than a few ticks.
const IDLE_TICKS_MAX: u32 = 100;

/// Keeps the ticker's thread alive.
pub(crate) struct Ticker {
    shared: Arc<Shared>,
    thread: Thread,
}

#[derive(Default)]
struct Shared {
    /// Attempts that run now.
    running: AtomicUsize,
    /// Whether the ticker sleeps, or is about to.
    asleep: std::sync::atomic::AtomicBool,
}

/// The ticker ticks at least as long as one of these lives.
pub(crate) struct Running(Arc<Shared>);

impl Ticker {
    /// Starts the thread. It ends when the ticker is dropped.
    pub(crate) fn start(engine: &wasmtime::Engine) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let (engine, weak) = (engine.weak(), Arc::downgrade(&shared));
        let tick = move || engine.upgrade().map(|engine| engine.increment_epoch()).is_some();
        let handle = thread::Builder::new().name("hks-ticker".into()).spawn(move || run(&weak, tick))?;
        Ok(Self { shared, thread: handle.thread().clone() })
    }

    /// Says that a guest is about to run.
    pub(crate) fn running(&self) -> Running {
        self.shared.running.fetch_add(1, Ordering::SeqCst);
        // Looked at first: writing takes the line away from the other processors.
        if self.shared.asleep.load(Ordering::SeqCst) && self.shared.asleep.swap(false, Ordering::SeqCst) {
            self.thread.unpark();
        }
        Running(Arc::clone(&self.shared))
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.thread.unpark();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

fn run(shared: &Weak<Shared>, tick: impl Fn() -> bool) {
    let mut idle_ticks = 0;
    while tick() {
        let Some(shared) = shared.upgrade() else { return };
        idle_ticks = if shared.running.load(Ordering::SeqCst) > 0 { 0 } else { idle_ticks + 1 };
        if idle_ticks > IDLE_TICKS_MAX {
            sleep_until_needed(shared);
            idle_ticks = 0;
        } else {
            drop(shared);
            thread::sleep(TICK);
        }
    }
}

fn sleep_until_needed(shared: Arc<Shared>) {
    shared.asleep.store(true, Ordering::SeqCst);
    // A guest that started before it could see that we sleep is seen here.
    let needed = shared.running.load(Ordering::SeqCst) > 0;
    // The handle must not keep itself alive: a dropped ticker wakes us to end.
    drop(shared);
    if !needed {
        thread::park();
    }
}
