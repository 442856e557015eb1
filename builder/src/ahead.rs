//! What is done once for all executions of an interpreted function: its text and modules are compiled, and its top level is
//! run.
//!
//! The top level runs in the sandbox that executions have, and behind a seal: no network, no clock, no chance. What it leaves
//! becomes the function's snapshot, unless it wanted one of these, or the function has secrets, which must not get into an
//! artifact. Then each execution runs it, from compiled code.

use std::sync::Arc;

use bytes::Bytes;
use hks_engine::Digest;
use hks_protocol::manifest::Runtime;
use hks_protocol::{Attempt, Failure, Json, Limits, LimitsSpec, Manifest, Outcome, Report, Seconds};
use hks_runtime::{Observed, Packages, Preinitialized, Prepared, Snapshot};

use crate::artifact::{Layer, Parts, Root, Start};
use crate::build::Clock;
use crate::builder::Inner;
use crate::interpreters::Ready;
use crate::language::{Interpreted, python};
use crate::source::RelativePath;
use crate::wasm::World;
use crate::workshop::Workshop;
use crate::{Error, Language};

/// A function's snapshot may be so large: half of what a part may be.
const SNAPSHOT_BYTES_MAX: usize = 512 << 20;

/// What compiling one text may use; a function's own limits are for its executions.
const COMPILE_LIMITS: LimitsSpec = LimitsSpec {
    memory_mb: Some(1024),
    timeout_s: Some(Seconds::Number(60.0)),
    fuel: None,
    output_bytes: None,
    log_bytes: None,
    tmp_bytes: None,
};

pub(crate) struct Ahead<'a> {
    pub(crate) inner: &'a Inner,
    pub(crate) manifest: &'a Manifest,
    pub(crate) runtime: Runtime,
}

impl Ahead<'_> {
    /// Puts the function's parts into the store.
    ///
    /// # Errors
    /// [`Error::Refused`] for source that does not compile, and for a top level that fails.
    pub(crate) fn prepare(
        &self,
        function: Interpreted,
        workshop: &mut Workshop<'_>,
        clock: &mut Clock<'_>,
    ) -> Result<Parts, Error> {
        let interpreter = self.inner.interpreters.ready(self.inner, function.language)?;
        let text = self.compile(&interpreter.prepared, &function.text, workshop)?;
        let text = text.map_err(|failure| Error::Refused(mistake(&function, &function.file, &failure)))?;
        let layers = self.layers(&interpreter.prepared, &function, workshop)?;
        clock.phase("compile");
        let prepared = self.assemble(&interpreter.prepared, &function, &text, &layers)?;
        let snapshot = self.snapshot(&interpreter, &prepared, &function, workshop)?;
        clock.phase("run ahead");
        if let Err(reason) = &snapshot {
            workshop.note(format_args!("each execution runs the top level: {reason}"));
        }
        let parts = self.keep(&interpreter.prepared, function, text, layers, snapshot)?;
        clock.phase("store");
        Ok(parts)
    }

    fn compile(
        &self,
        interpreter: &Prepared,
        text: &str,
        workshop: &Workshop<'_>,
    ) -> Result<Result<Vec<u8>, Failure>, Error> {
        let limits = Limits::try_from(COMPILE_LIMITS).map_err(Error::host("bound the compiler"))?;
        let compiled = self.wait(self.inner.runtime.compile(interpreter, text.to_owned(), limits), workshop)??;
        Ok(compiled.map_err(|report| why(&report)))
    }

    /// Waits for the runtime, no longer than the build may take, and not when it was canceled.
    fn wait<T>(&self, work: impl Future<Output = T>, workshop: &Workshop<'_>) -> Result<T, Error> {
        workshop.check()?;
        match self.inner.runtime.wait_for(work, || workshop.check().is_err()) {
            Some(done) => Ok(done),
            None => Err(workshop.check().err().unwrap_or(Error::Canceled)),
        }
    }

    /// The function's own modules have to compile; packages carry templates and tests that do not.
    fn layers(
        &self,
        interpreter: &Prepared,
        function: &Interpreted,
        workshop: &mut Workshop<'_>,
    ) -> Result<Vec<Layer>, Error> {
        let mut layers = Vec::new();
        for (root, tree) in [(Root::Code, &function.code), (Root::Packages, &function.packages)] {
            let Some(tree) = tree else { continue };
            let compiled = python::compile_tree(tree, |text| self.compile(interpreter, text, workshop))?;
            if let (Root::Code, Some((path, failure))) = (root, compiled.refused.first()) {
                return Err(Error::Refused(mistake(function, path.as_str(), failure)));
            }
            layers.push(Layer::new(root, tree, |path: &RelativePath| compiled.modules.get(path).map(Vec::as_slice)));
        }
        Ok(layers)
    }

    /// The function as its executions will find it.
    fn assemble(
        &self,
        interpreter: &Prepared,
        function: &Interpreted,
        compiled: &[u8],
        layers: &[Layer],
    ) -> Result<Prepared, Error> {
        let mut files = Vec::new();
        for layer in layers {
            files.extend(Layer::files(layer.bytes())?);
        }
        let packages = Packages::from_files(files).map_err(|error| Error::Refused(error.to_string()))?;
        let prepared = interpreter.with_packages(Arc::new(packages));
        Ok(prepared.with_source(function.text.clone(), Some(compiled.to_vec())))
    }

    /// Runs the top level, if it may: the snapshot, or why there is none.
    fn snapshot(
        &self,
        interpreter: &Ready,
        prepared: &Prepared,
        function: &Interpreted,
        workshop: &mut Workshop<'_>,
    ) -> Result<Result<Vec<u8>, String>, Error> {
        if !self.manifest.build().snapshot {
            return Ok(Err("build.snapshot is false".into()));
        }
        if self.manifest.secrets().iter().next().is_some() {
            return Ok(Err("it has secrets, whose values its top level may keep".into()));
        }
        let mut attempt = Attempt::new(None, Json::null());
        attempt.limits = *self.manifest.limits();
        attempt.environment = self.manifest.environment().clone();
        let Preinitialized { report, observed, ready } =
            self.wait(self.inner.runtime.preinitialize(prepared, attempt, ()), workshop)??;
        for line in report.logs.stdout.iter().chain(&report.logs.stderr) {
            workshop.note(format_args!("the function: {line}"));
        }
        if report.outcome != Outcome::Succeeded {
            return Err(Error::Refused(failed_ahead(function, &report)));
        }
        if let Some(wanted) = wanted(observed, interpreter.idle) {
            return Ok(Err(format!("its top level asks for {wanted}, which differs from one execution to the next")));
        }
        let snapshot = ready.map(|ready| ready.snapshot().map_or_else(Vec::new, Snapshot::to_bytes));
        Ok(snapshot
            .and_then(|bytes| if bytes.len() <= SNAPSHOT_BYTES_MAX { Ok(bytes) } else { Err(too_large(&bytes)) }))
    }

    /// Puts all parts into the store at once, because each waits for the disk.
    fn keep(
        &self,
        interpreter: &Prepared,
        function: Interpreted,
        compiled: Vec<u8>,
        layers: Vec<Layer>,
        snapshot: Result<Vec<u8>, String>,
    ) -> Result<Parts, Error> {
        self.inner.interpreters.keep(self.inner, function.language)?;
        let mut blobs = Vec::new();
        let mut part = |bytes: Bytes| {
            let digest = Digest::of(&bytes);
            blobs.push(bytes);
            digest
        };
        let mut parts = Parts::new(self.runtime, World::Interpreter, interpreter.digest());
        parts.source = Some(part(function.text.into()));
        parts.compiled = Some(part(compiled.into()));
        parts.layers = layers.into_iter().map(|layer| part(layer.into_bytes())).collect();
        parts.start = match snapshot {
            Ok(bytes) => Start::Snapshot(part(bytes.into())),
            Err(reason) => Start::Top { reason: Some(reason) },
        };
        let lines = function.lines.map(|lines| serde_json::to_vec(&lines)).transpose();
        let lines = lines.map_err(Error::host("write down where lines come from"))?;
        parts.lines = lines.map(|lines| part(lines.into()));
        parts.lock = function.lock.map(|lock| part(lock.into()));
        self.inner.put_all(blobs)?;
        Ok(parts)
    }
}

/// What a top level asked for that it must not keep, besides what the interpreter asks for itself.
fn wanted(observed: Observed, idle: Observed) -> Option<&'static str> {
    match (observed.clock_reads > idle.clock_reads, observed.random_bytes > idle.random_bytes) {
        (true, true) => Some("the time and random numbers"),
        (true, false) => Some("the time"),
        (false, true) => Some("random numbers"),
        (false, false) => None,
    }
}

fn too_large(snapshot: &[u8]) -> String {
    let (has, max) = (snapshot.len() >> 20, SNAPSHOT_BYTES_MAX >> 20);
    format!("what its top level leaves has {has} MiB, and {max} MiB are the maximum")
}

/// The function's own failure. Every report that is no success has one.
fn why(report: &Report) -> Failure {
    report.error.clone().unwrap_or_else(|| Failure {
        name: "Failure".into(),
        value: format!("it ended with {:?}", report.outcome),
        traceback: String::new(),
    })
}

/// Source that does not compile, told with the user's file and line.
fn mistake(function: &Interpreted, file: &str, failure: &Failure) -> String {
    match (function.language, &function.lines) {
        (Language::Python, _) => python::mistake(file, failure),
        (Language::Javascript, Some(lines)) => lines.restore(&told(failure)),
        (Language::Javascript, None) => told(failure),
    }
}

fn told(failure: &Failure) -> String {
    let Failure { name, value, traceback } = failure;
    if traceback.is_empty() { format!("{name}: {value}") } else { traceback.trim_end().to_owned() }
}

/// A top level that failed when it was run ahead.
fn failed_ahead(function: &Interpreted, report: &Report) -> String {
    let failure = told(&why(report));
    let failure = function.lines.as_ref().map_or_else(|| failure.clone(), |lines| lines.restore(&failure));
    format!(
        "its top level fails when it is run once, as every build does:\n{failure}\nput what can only work in an execution \
         into the handler, or set build.snapshot to false in function.yaml"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_interpreter_does_not_ask_for_itself_counts() {
        let idle = Observed { clock_reads: 1, random_bytes: 8 };
        assert_eq!(wanted(idle, idle), None);
        assert_eq!(wanted(Observed { clock_reads: 2, ..idle }, idle), Some("the time"));
        assert_eq!(wanted(Observed { random_bytes: 9, ..idle }, idle), Some("random numbers"));
    }
}
