//! An instance that is kept between calls, and what starts where it is.

use std::sync::Arc;

use hks_protocol::{Attempt, LogSink, Report};

use crate::attempt::Held;
use crate::{Error, Prepared, Result, Runtime};

/// A function behind its top level, in an instance that keeps what each call leaves behind. Made by [`Runtime::load`].
///
/// Nothing of it is bounded in time but its calls: who keeps one keeps its memory.
pub struct Session {
    runtime: Runtime,
    prepared: Prepared,
    /// Gone after a call that did not come back by itself.
    held: Option<Held>,
}

impl Session {
    pub(crate) fn new(runtime: Runtime, prepared: Prepared, held: Held) -> Self {
        Self { runtime, prepared, held: Some(held) }
    }

    /// Whether it can be called: no call has ended by a trap, its deadline or a cancellation.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.held.is_some()
    }

    /// Calls the handler with the attempt's input, environment and limits. Dropping the future cancels the call, and ends
    /// the session.
    ///
    /// # Errors
    /// Only what is not the function's own; [`Error::Invalid`] if the attempt brings code along.
    pub async fn call(&mut self, attempt: Attempt, sink: impl LogSink) -> Result<Report> {
        if attempt.code.is_some() {
            return Err(hks_protocol::Error::new("code", "is given to a session, which has its own").into());
        }
        let held = self.take()?;
        let (report, held) = self.runtime.resume(held, attempt, Arc::new(sink)).await?;
        self.held = held;
        report
    }

    /// A function whose instances start where this one is now. Both go on independently.
    ///
    /// # Errors
    /// [`Error::Unstorable`] with the reason, such as files that are open.
    pub async fn fork(&mut self) -> Result<Prepared> {
        let held = self.take()?;
        let prepared = self.prepared.clone();
        let (held, forked) = self
            .runtime
            .on_threads(move |_, _, _| async move {
                let Held { mut store, mut live } = held;
                let snapshot = live.snapshot(&mut store).await;
                Ok((Held { store, live }, snapshot.map(|snapshot| prepared.behind(snapshot))))
            })
            .await?;
        self.held = Some(held);
        forked.map_err(Error::Unstorable)
    }

    fn take(&mut self) -> Result<Held> {
        self.held.take().ok_or_else(|| Error::Host("the session has ended: a call of it did not come back".into()))
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("component", &self.prepared.digest()).field("is_live", &self.is_live()).finish()
    }
}
