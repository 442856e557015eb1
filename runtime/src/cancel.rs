use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

/// A wish that an attempt end now. Cheap to clone; every clone is the same wish.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cancel(Arc<Wish>);

#[derive(Debug, Default)]
struct Wish {
    made: AtomicBool,
    notify: Notify,
}

impl Cancel {
    /// Makes the wish. Making it twice, or after the end, changes nothing.
    pub(crate) fn cancel(&self) {
        self.0.made.store(true, Ordering::Release);
        self.0.notify.notify_waiters();
    }

    pub(crate) fn is_canceled(&self) -> bool {
        self.0.made.load(Ordering::Acquire)
    }

    /// Ends when the wish is made, at once if it was made before.
    pub(crate) async fn canceled(&self) {
        let notified = self.0.notify.notified();
        let mut notified = std::pin::pin!(notified);
        // Listen first, look second: a wish made in between is not missed.
        notified.as_mut().enable();
        if !self.is_canceled() {
            notified.await;
        }
    }
}
