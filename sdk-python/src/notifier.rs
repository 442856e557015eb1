//! Calls Python back without ever letting a guest's thread wait for the interpreter lock.
//!
//! One thread for the whole process takes the lock in the guests' place. Wakes that nobody has heard yet are not repeated,
//! so that its queue is bounded by the number of executions.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, OnceLock};

use pyo3::prelude::*;

/// A Python callable that is called when there is something to read.
pub(crate) struct Wake {
    callback: Py<PyAny>,
    queued: AtomicBool,
}

impl Wake {
    pub(crate) fn new(callback: Py<PyAny>) -> Arc<Self> {
        Arc::new(Self { callback, queued: AtomicBool::new(false) })
    }

    /// Returns at once; the callable is called soon, on the notifier's thread.
    pub(crate) fn wake(self: &Arc<Self>) {
        if !self.queued.swap(true, Ordering::AcqRel) {
            // The notifier never ends, so its queue is never closed.
            let _ = queue().send(Arc::clone(self));
        }
    }
}

fn queue() -> &'static Sender<Arc<Wake>> {
    static QUEUE: OnceLock<Sender<Arc<Wake>>> = OnceLock::new();
    QUEUE.get_or_init(|| {
        let (send, receive) = channel();
        std::thread::Builder::new()
            .name("hks-notify".into())
            .spawn(move || run(&receive))
            .expect("a process that cannot start one more thread cannot run guests either");
        send
    })
}

fn run(receive: &Receiver<Arc<Wake>>) {
    for wake in receive {
        // Cleared first: what happens from here on deserves another call.
        wake.queued.store(false, Ordering::Release);
        // `None` while the interpreter shuts down: then nobody listens any more.
        Python::try_attach(|py| {
            if let Err(error) = wake.callback.call0(py) {
                error.write_unraisable(py, Some(wake.callback.bind(py)));
            }
        });
    }
}
