//! The embedded runtime, as Python sees it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::mpsc::channel;

use hks_engine::{ArtifactStore, Engine, EngineConfig};
use hks_protocol::{Attempt, Environment, Json, Limits, LimitsSpec, Seconds};
use hks_runtime::RuntimeConfig;
use pyo3::prelude::*;
use serde_json::json;

use crate::errors::Error;
use crate::execution::{Event, Events, Execution, Lines};
use crate::guests::Guest;
use crate::notifier::Wake;

/// Runs functions in this process.
#[pyclass(frozen, module = "hks_sdk._hks")]
pub(crate) struct Runtime {
    inner: hks_runtime::Runtime,
    store: ArtifactStore,
    python: Guest,
    javascript: Guest,
}

impl Runtime {
    fn create(guests: PathBuf, cache: PathBuf) -> Result<Self, Error> {
        let engine = Engine::new(&EngineConfig::default())?;
        let store = ArtifactStore::open(&cache.join("artifacts"))?;
        let inner = hks_runtime::Runtime::new(engine, RuntimeConfig::new(cache.join("scratch")))?;
        Ok(Self { inner, store, python: Guest::new(&guests, "python"), javascript: Guest::new(&guests, "javascript") })
    }

    fn guest(&self, language: &str) -> Result<&Guest, Error> {
        match language {
            "python" => Ok(&self.python),
            "javascript" => Ok(&self.javascript),
            _ => Err(hks_protocol::Error::new("language", format!("{language:?} is not python or javascript")).into()),
        }
    }
}

/// Builds an attempt out of plain values; the Python side has checked them already and says it better.
fn attempt(
    code: String,
    input: String,
    limits: LimitsSpec,
    environment: BTreeMap<String, String>,
) -> Result<Attempt, Error> {
    let mut attempt = Attempt::new(Some(code), Json::parse("input", input)?);
    attempt.limits = Limits::try_from(limits)?;
    attempt.environment = Environment::try_from(environment)?;
    Ok(attempt)
}

#[pymethods]
impl Runtime {
    #[new]
    fn new(py: Python<'_>, guests_dir: PathBuf, cache_dir: PathBuf) -> PyResult<Self> {
        Ok(py.detach(|| Self::create(guests_dir, cache_dir))?)
    }

    fn is_compiled(&self, py: Python<'_>, language: &str) -> PyResult<bool> {
        let guest = self.guest(language)?;
        Ok(py.detach(|| guest.is_compiled(self.inner.engine(), &self.store))?)
    }

    fn prepare(&self, py: Python<'_>, language: &str) -> PyResult<()> {
        let guest = self.guest(language)?;
        Ok(py.detach(|| guest.prepared(&self.inner, &self.store)).map(drop)?)
    }

    #[pyo3(signature = (language, code, input, *, timeout_s, memory_mb, fuel, environment, stream, wake))]
    #[expect(clippy::too_many_arguments, reason = "one call from Python, all by keyword")]
    fn start(
        &self,
        py: Python<'_>,
        language: &str,
        code: String,
        input: String,
        timeout_s: f64,
        memory_mb: u64,
        fuel: Option<u64>,
        environment: BTreeMap<String, String>,
        stream: bool,
        wake: Option<Py<PyAny>>,
    ) -> PyResult<Execution> {
        let guest = self.guest(language)?;
        let timeout_s = Some(Seconds::Number(timeout_s));
        let limits = LimitsSpec { memory_mb: Some(memory_mb), timeout_s, fuel, ..LimitsSpec::default() };
        let attempt = attempt(code, input, limits, environment)?;
        let id = attempt.execution_id.to_string();
        let (send, receive) = channel();
        let events = Events::new(send, wake.map(Wake::new));
        let sink = Lines { events: stream.then(|| events.clone()) };
        let inner = py.detach(|| -> Result<_, Error> {
            let prepared = guest.prepared(&self.inner, &self.store)?;
            let done = move |report| events.put(Event::Ended(Box::new(report)));
            Ok(self.inner.start(&prepared, attempt, sink, done))
        })?;
        Ok(Execution::new(id, inner, receive))
    }

    fn diagnose(&self) -> String {
        let engine = self.inner.engine();
        let allocation = engine.allocation();
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "metering": format!("{:?}", engine.metering()),
            "pooled": allocation.pooled,
            "pagemap_scan": allocation.pagemap_scan,
            "instances": allocation.instances,
            "fallbacks": allocation.fallbacks,
        })
        .to_string()
    }
}
