//! One execution under way, as Python sees it.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hks_protocol::{LogLine, LogSink, Report, Stream};
use pyo3::prelude::*;

use crate::errors::Error;
use crate::notifier::Wake;

/// What can be read of an execution.
pub(crate) enum Event {
    Line(LogLine),
    Ended(Box<hks_runtime::Result<Report>>),
}

/// Where a guest's thread puts events. The log limit bounds what can pile up.
#[derive(Clone)]
pub(crate) struct Events {
    send: Sender<Event>,
    wake: Option<Arc<Wake>>,
}

impl Events {
    pub(crate) fn new(send: Sender<Event>, wake: Option<Arc<Wake>>) -> Self {
        Self { send, wake }
    }

    pub(crate) fn put(&self, event: Event) {
        // Nobody listens to an execution that was dropped.
        if self.send.send(event).is_ok()
            && let Some(wake) = &self.wake
        {
            wake.wake();
        }
    }
}

/// Passes lines on if the caller streams; the report has all of them anyway.
pub(crate) struct Lines {
    pub(crate) events: Option<Events>,
}

impl LogSink for Lines {
    fn line(&self, line: LogLine) {
        if let Some(events) = &self.events {
            events.put(Event::Line(line));
        }
    }
}

/// One execution under way. Dropping it cancels it.
#[pyclass(frozen, module = "hks_sdk._hks")]
pub(crate) struct Execution {
    id: String,
    inner: hks_runtime::Execution,
    events: Mutex<Receiver<Event>>,
}

impl Execution {
    pub(crate) fn new(id: String, inner: hks_runtime::Execution, events: Receiver<Event>) -> Self {
        Self { id, inner, events: Mutex::new(events) }
    }

    fn receive(&self, timeout: Duration) -> Result<Option<Event>, Error> {
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        // Without a wait first: a wait of no time would still ask for the clock.
        match events.try_recv() {
            Ok(event) => return Ok(Some(event)),
            Err(TryRecvError::Disconnected) => return Err(Error::Stopped),
            Err(TryRecvError::Empty) if timeout.is_zero() => return Ok(None),
            Err(TryRecvError::Empty) => {}
        }
        match events.recv_timeout(timeout) {
            Ok(event) => Ok(Some(event)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(Error::Stopped),
        }
    }
}

#[pymethods]
impl Execution {
    #[getter]
    fn execution_id(&self) -> &str {
        &self.id
    }

    fn cancel(&self) {
        self.inner.cancel();
    }

    fn next(&self, py: Python<'_>, timeout_s: f64) -> PyResult<Option<(&'static str, String)>> {
        let timeout = Duration::try_from_secs_f64(timeout_s.max(0.0)).unwrap_or(Duration::MAX);
        let event = py.detach(|| self.receive(timeout))?;
        Ok(match event {
            None => None,
            Some(Event::Line(line)) => Some((stream_name(line.stream), line.text)),
            Some(Event::Ended(report)) => Some(("report", to_json(*report)?)),
        })
    }
}

fn stream_name(stream: Stream) -> &'static str {
    match stream {
        Stream::Stdout => "stdout",
        Stream::Stderr => "stderr",
    }
}

pub(crate) fn to_json(report: hks_runtime::Result<Report>) -> Result<String, Error> {
    let report = report?;
    Ok(serde_json::to_string(&report).expect("a report has only string keys and finite numbers"))
}
