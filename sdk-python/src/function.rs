//! A function whose top level has run, as Python sees it.

use hks_protocol::Attempt;
use hks_runtime::{Prepared, Runtime};
use pyo3::prelude::*;

use crate::call::{self, Options};
use crate::errors::Error;
use crate::execution::Execution;

/// A function that is ready to be called. Its executions start from a snapshot behind its top level, or run it anew where
/// none could be taken.
#[pyclass(frozen, module = "hks_sdk._hks")]
pub(crate) struct Function {
    runtime: Runtime,
    prepared: Prepared,
    /// Its source, if there is no snapshot.
    code: Option<String>,
    refusal: Option<String>,
}

impl Function {
    /// Starts behind `prepared`, which is a snapshot.
    pub(crate) fn behind(runtime: Runtime, prepared: Prepared) -> Self {
        Self { runtime, prepared, code: None, refusal: None }
    }

    /// Runs all of `code` every time, for the reason given.
    pub(crate) fn without_snapshot(runtime: Runtime, prepared: Prepared, code: String, reason: String) -> Self {
        Self { runtime, prepared, code: Some(code), refusal: Some(reason) }
    }

    fn attempt(&self, input: String, options: Options) -> Result<Attempt, Error> {
        options.attempt(self.code.clone(), input)
    }
}

#[pymethods]
impl Function {
    #[getter]
    fn refusal(&self) -> Option<&str> {
        self.refusal.as_deref()
    }

    /// Bytes that its snapshot has of its own; none without one.
    #[getter]
    fn snapshot_bytes(&self) -> Option<usize> {
        self.snapshot().map(hks_runtime::Snapshot::own_bytes)
    }

    fn save(&self, py: Python<'_>) -> Option<Vec<u8>> {
        py.detach(|| self.snapshot().map(hks_runtime::Snapshot::to_bytes))
    }

    fn execute(&self, py: Python<'_>, input: String, options: Options) -> PyResult<(String, Option<String>)> {
        call::execute(py, &self.runtime, || Ok((self.prepared.clone(), self.attempt(input, options)?)))
    }

    fn start(
        &self,
        py: Python<'_>,
        input: String,
        options: Options,
        stream: bool,
        wake: Option<Py<PyAny>>,
    ) -> PyResult<Execution> {
        let attempt = self.attempt(input, options)?;
        Ok(py.detach(|| call::start(&self.runtime, &self.prepared, attempt, stream, wake)))
    }
}

impl Function {
    fn snapshot(&self) -> Option<&hks_runtime::Snapshot> {
        self.prepared.snapshot().filter(|_| self.refusal.is_none())
    }
}
