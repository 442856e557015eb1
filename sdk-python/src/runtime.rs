//! The embedded runtime, as Python sees it.

use std::path::PathBuf;
use std::sync::Arc;

use hks_engine::{ArtifactStore, EngineConfig};
use hks_protocol::{Attempt, Report};
use hks_runtime::{Packages, Prepared, RuntimeConfig, Session};
use pyo3::prelude::*;
use serde_json::json;

use crate::call::{self, Options};
use crate::errors::Error;
use crate::execution::{Execution, to_json};
use crate::function::Function;
use crate::guests::Guest;

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
        let store = ArtifactStore::open(&cache.join("artifacts"))?;
        let inner = hks_runtime::Runtime::new(&EngineConfig::default(), RuntimeConfig::new(cache.join("scratch")))?;
        Ok(Self { inner, store, python: Guest::new(&guests, "python"), javascript: Guest::new(&guests, "javascript") })
    }

    fn guest(&self, language: &str) -> Result<&Guest, Error> {
        match language {
            "python" => Ok(&self.python),
            "javascript" => Ok(&self.javascript),
            _ => Err(hks_protocol::Error::new("language", format!("{language:?} is not python or javascript")).into()),
        }
    }

    fn prepared(&self, language: &str) -> Result<Prepared, Error> {
        self.guest(language)?.prepared(&self.inner, &self.store)
    }

    fn prepared_with(&self, language: &str, packages_dir: Option<PathBuf>) -> Result<Prepared, Error> {
        let prepared = self.prepared(language)?;
        let Some(folder) = packages_dir else { return Ok(prepared) };
        let packages = Packages::read(&folder).map_err(|error| Error::Packages(error.to_string()))?;
        Ok(prepared.with_packages(Arc::new(packages)))
    }

    /// Runs the top level, and keeps it as a function if it came to its end.
    async fn load_attempt(&self, prepared: Prepared, attempt: Attempt) -> Result<(Report, Option<Function>), Error> {
        let code = attempt.code.clone().unwrap_or_default();
        let (report, session) = self.inner.load(&prepared, attempt, ()).await?;
        let Some(session) = session else { return Ok((report, None)) };
        let function = self.function(session, prepared, code).await?;
        Ok((report, Some(function)))
    }

    async fn function(&self, mut session: Session, prepared: Prepared, code: String) -> Result<Function, Error> {
        let runtime = self.inner.clone();
        match session.fork().await {
            Ok(forked) => Ok(Function::behind(runtime, forked)),
            Err(hks_runtime::Error::Unstorable(reason)) => {
                Ok(Function::without_snapshot(runtime, prepared, code, reason))
            }
            Err(error) => Err(error.into()),
        }
    }
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
        Ok(py.detach(|| self.prepared(language)).map(drop)?)
    }

    fn execute(
        &self,
        py: Python<'_>,
        language: &str,
        code: String,
        input: String,
        options: Options,
    ) -> PyResult<(String, Option<String>)> {
        call::execute(py, &self.inner, || Ok((self.prepared(language)?, options.attempt(Some(code), input)?)))
    }

    #[expect(clippy::too_many_arguments, reason = "one call from Python")]
    fn start(
        &self,
        py: Python<'_>,
        language: &str,
        code: String,
        input: String,
        options: Options,
        stream: bool,
        wake: Option<Py<PyAny>>,
    ) -> PyResult<Execution> {
        let attempt = options.attempt(Some(code), input)?;
        Ok(py.detach(|| -> Result<_, Error> {
            Ok(call::start(&self.inner, &self.prepared(language)?, attempt, stream, wake))
        })?)
    }

    /// The report of the top level, and the function if it came to its end. `canceled` is asked from time to time, on this
    /// thread.
    fn load(
        &self,
        py: Python<'_>,
        language: &str,
        code: String,
        packages_dir: Option<PathBuf>,
        options: Options,
        canceled: Option<Py<PyAny>>,
    ) -> PyResult<(String, Option<Function>)> {
        let attempt = options.attempt(Some(code), "null".into())?;
        let mut interruption = None;
        let ask = |py: Python<'_>| {
            py.check_signals()?;
            match &canceled {
                Some(canceled) if canceled.call0(py)?.is_truthy(py)? => Err(Error::Stopped.into()),
                _ => Ok(()),
            }
        };
        let loaded = py.detach(|| {
            let prepared = self.prepared_with(language, packages_dir)?;
            let loaded = self.inner.wait_for(self.load_attempt(prepared, attempt), || {
                interruption = call::attached(ask);
                interruption.is_some()
            });
            loaded.unwrap_or(Err(Error::Stopped))
        });
        if let Some(interruption) = interruption {
            return Err(interruption);
        }
        let (report, function) = loaded?;
        Ok((to_json(Ok(report))?, function))
    }

    /// The function that `save` of another one was asked about, of the same language and build. Packages are not in what
    /// was saved: those that its handler imports come from the folder.
    fn resume(
        &self,
        py: Python<'_>,
        language: &str,
        snapshot: &[u8],
        packages_dir: Option<PathBuf>,
    ) -> PyResult<Function> {
        Ok(py.detach(|| -> Result<_, Error> {
            let prepared = self.prepared_with(language, packages_dir)?;
            let behind = prepared.resume(snapshot).map_err(|error| Error::Snapshot(error.to_string()))?;
            Ok(Function::behind(self.inner.clone(), behind))
        })?)
    }

    /// Whether an environment variable of this process is missing or empty. Called with Python's lock held, under which
    /// Python changes them.
    #[expect(clippy::unused_self, reason = "whoever has a runtime need not look for a function of the module")]
    fn is_unset(&self, variable: &str) -> bool {
        std::env::var_os(variable).is_none_or(|value| value.is_empty())
    }

    fn diagnose(&self) -> String {
        let places = self.inner.places();
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "metering": format!("{:?}", self.inner.engine().metering()),
            "pagemap_scan": places.pagemap_scan,
            "fallback": places.fallback,
            "slots_waiting": places.waiting,
            "slots_waiting_bytes": places.waiting_bytes,
        })
        .to_string()
    }
}
