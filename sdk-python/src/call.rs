//! Calls of a runtime: what is common to source text and to functions that were loaded.

use std::collections::BTreeMap;
use std::sync::mpsc::channel;

use hks_protocol::{Attempt, Environment, Json, Limits, LimitsSpec, Seconds};
use hks_runtime::Prepared;
use pyo3::prelude::*;

use crate::errors::Error;
use crate::execution::{Event, Events, Execution, Lines, to_json};
use crate::notifier::Wake;

/// What a call may use and sees besides its input, as plain values; the Python side has checked them already and says it
/// better.
#[derive(FromPyObject)]
pub(crate) struct Options {
    timeout_s: f64,
    memory_mb: u64,
    fuel: Option<u64>,
    environment: BTreeMap<String, String>,
}

impl Options {
    pub(crate) fn attempt(self, code: Option<String>, input: String) -> Result<Attempt, Error> {
        let Self { timeout_s, memory_mb, fuel, environment } = self;
        let timeout_s = Some(Seconds::Number(timeout_s));
        let mut attempt = Attempt::new(code, Json::parse("input", input)?);
        let limits = LimitsSpec { memory_mb: Some(memory_mb), timeout_s, fuel, ..LimitsSpec::default() };
        attempt.limits = Limits::try_from(limits)?;
        attempt.environment = Environment::try_from(environment)?;
        Ok(attempt)
    }
}

/// A larger value is read with the rest of its report, so that its text is not there twice.
const VALUE_BYTES_MAX: usize = 64 << 10;

/// Runs an attempt on this thread, and gives its report as JSON, with its value beside it if that is small. Ctrl-C cancels
/// it.
///
/// All but the question for signals happens without Python's lock, so that other threads of the caller go on meanwhile.
pub(crate) fn execute(
    py: Python<'_>,
    runtime: &hks_runtime::Runtime,
    make: impl FnOnce() -> Result<(Prepared, Attempt), Error> + Send,
) -> PyResult<(String, Option<String>)> {
    let mut interruption = None;
    let report = py.detach(|| {
        let (prepared, attempt) = make()?;
        let report = runtime.run_here(&prepared, &attempt, (), || {
            interruption = attached(|py| py.check_signals());
            interruption.is_some()
        })?;
        let value = (report.value.len_bytes() <= VALUE_BYTES_MAX).then(|| report.value.as_str().to_owned());
        Ok((to_json(Ok(report))?, value))
    });
    match interruption {
        Some(interruption) => Err(interruption),
        None => report.map_err(|error: Error| error.into()),
    }
}

/// What a question to Python raised. While the interpreter shuts down there is nobody to ask, and the answer is no.
pub(crate) fn attached(ask: impl FnOnce(Python<'_>) -> PyResult<()>) -> Option<PyErr> {
    Python::try_attach(|py| ask(py).err()).flatten()
}

/// Starts an attempt on the runtime's threads.
pub(crate) fn start(
    runtime: &hks_runtime::Runtime,
    prepared: &Prepared,
    attempt: Attempt,
    stream: bool,
    wake: Option<Py<PyAny>>,
) -> Execution {
    let id = attempt.execution_id.to_string();
    let (send, receive) = channel();
    let events = Events::new(send, wake.map(Wake::new));
    let sink = Lines { events: stream.then(|| events.clone()) };
    let done = move |report| events.put(Event::Ended(Box::new(report)));
    Execution::new(id, runtime.start(prepared, attempt, sink, done), receive)
}
