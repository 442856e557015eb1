use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Ends tools from another thread. Clones are one: a build that runs several tools needs one only.
#[derive(Debug, Clone, Default)]
pub struct Cancel {
    shared: Arc<(Mutex<bool>, Condvar)>,
}

impl Cancel {
    /// Not canceled.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends the tool that runs, and those that would come. Returns at once; `run` returns when all of the tool is gone.
    pub fn cancel(&self) {
        *self.lock() = true;
        self.shared.1.notify_all();
    }

    /// Whether [`cancel`](Self::cancel) was called.
    pub fn is_canceled(&self) -> bool {
        *self.lock()
    }

    /// Lets those who wait look again.
    pub(super) fn wake(&self) {
        let _held = self.lock();
        self.shared.1.notify_all();
    }

    /// Waits until canceled, or woken with `done`, or for so long.
    pub(super) fn wait(&self, pause: Duration, done: impl Fn() -> bool) -> bool {
        let waiting = |canceled: &mut bool| !*canceled && !done();
        let result = self.shared.1.wait_timeout_while(self.lock(), pause, waiting);
        *result.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Waits, canceled or not, until woken with `done`, or for so long.
    pub(super) fn wait_for(&self, pause: Duration, done: impl Fn() -> bool) {
        drop(self.shared.1.wait_timeout_while(self.lock(), pause, |_| !done()));
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
