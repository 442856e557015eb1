//! One attempt, from a store of its own to a report.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use hks_protocol::{Attempt, ByteSize, LogSink, Report, Stream, Usage};
use jiff::Timestamp;
use serde_json::json;
use wasmtime::Store;

use crate::cancel::Cancel;
use crate::command::{LAST_BYTES, LAST_LINES};
use crate::deadline::{Stopped, run_until};
use crate::host::{Clock, Guest, Http, Kept, Output, Program, Scratch, ScratchFolders, Seal, Wasi, environment};
use crate::live::{Live, Request, Source};
use crate::memory::MemoryLimiter;
use crate::outcome::{Ending, Evidence, Returned, TRANSFER_BYTES};
use crate::prepared::{Entry, Prepared};
use crate::snapshot::Snapshot;
use crate::{Error, Result};

/// One attempt on its way.
pub(crate) struct Run<'a> {
    pub(crate) engine: &'a hks_engine::Engine,
    pub(crate) scratch: &'a ScratchFolders,
    pub(crate) attempt: &'a Attempt,
    pub(crate) cancel: &'a Cancel,
    /// When the caller asked for it.
    pub(crate) asked: Instant,
    /// What an interpreter made of the attempt's source before.
    pub(crate) compiled: Option<Arc<[u8]>>,
    /// For what must depend on the code alone.
    pub(crate) seal: Option<Arc<Seal>>,
}

/// What an attempt asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Goal {
    /// The result of the handler.
    Handle,
    /// A function behind its top level.
    Load,
    /// The result of the handler, where the top level has run already.
    Again,
}

/// What an interpreter may hand to the host when it has compiled a source: four times the largest of JavaScript's.
const COMPILED_BYTES_MAX: usize = 64 << 20;

/// What is measured while it runs.
struct Meter {
    started_at: Timestamp,
    cpu: Duration,
    start: Duration,
}

impl Meter {
    fn new() -> Self {
        Self { started_at: Timestamp::now(), cpu: Duration::ZERO, start: Duration::ZERO }
    }
}

/// An instance that came back by itself, and its store.
pub(crate) struct Held {
    pub(crate) store: Store<Guest>,
    pub(crate) live: Live,
}

/// What is left of an attempt when its report is made. Dropping it takes time that nobody has to wait for.
pub(crate) struct Remains {
    store: Store<Guest>,
    live: Option<Live>,
    came_back: bool,
}

impl Remains {
    /// The instance, if it may be called again.
    pub(crate) fn held(self) -> Option<Held> {
        let Self { store, live, came_back } = self;
        live.filter(|_| came_back).map(|live| Held { store, live })
    }
}

impl Run<'_> {
    pub(crate) fn sealed(mut self, seal: Arc<Seal>) -> Self {
        self.seal = Some(seal);
        self
    }

    /// Runs the attempt and hands its report to `done`. Whatever happens, the store is gone when this returns; giving its
    /// memory back takes time that `done` does not have to wait for.
    pub(crate) async fn run(self, prepared: &Prepared, sink: Arc<dyn LogSink>, done: impl FnOnce(Result<Report>)) {
        let (report, _remains) = self.start(prepared, Goal::Handle, sink).await;
        done(report);
    }

    /// Makes an instance and asks it for `goal`.
    pub(crate) async fn start(
        self,
        prepared: &Prepared,
        goal: Goal,
        sink: Arc<dyn LogSink>,
    ) -> (Result<Report>, Option<Remains>) {
        let mut meter = Meter::new();
        let mut store = match self.store(prepared, sink) {
            Ok(store) => store,
            Err(error) => return (Err(error), None),
        };
        let deadline = store.data().clock.deadline();
        let mut live = None;
        let work = async {
            match Live::start(&mut store, prepared).await {
                Ok(started) => self.call(&mut store, live.insert(started), goal, &mut meter.start).await,
                Err(error) => Called::NotInstantiated(error),
            }
        };
        let called = run_until(deadline, self.cancel, &mut meter.cpu, work).await;
        self.end(store, live, called, meter)
    }

    /// What an interpreter makes of a source, or a report of why it cannot.
    pub(crate) async fn compile(
        self,
        prepared: &Prepared,
        source: &str,
    ) -> Result<std::result::Result<Vec<u8>, Report>> {
        let mut meter = Meter::new();
        let mut store = self.store(prepared, Arc::new(()))?;
        store.set_hostcall_fuel(COMPILED_BYTES_MAX);
        let deadline = store.data().clock.deadline();
        let work = async {
            match Live::start(&mut store, prepared).await {
                Ok(mut live) => live.compile(&mut store, source).await.map_err(Called::Trapped),
                Err(error) => Err(Called::NotInstantiated(error)),
            }
        };
        let called = match run_until(deadline, self.cancel, &mut meter.cpu, work).await {
            Ok(Ok(Ok(compiled))) => return Ok(Ok(compiled)),
            Ok(Ok(Err(failure))) => Ok(Called::Returned(Err(failure))),
            Ok(Err(called)) => Ok(called),
            Err(stopped) => Err(stopped),
        };
        self.report(&mut store, called, meter).map(Err)
    }

    /// Where an interpreter is after its first answer, which it prepares much for. It has seen nothing of a function: no
    /// source, no environment.
    pub(crate) async fn warm(self, prepared: &Prepared) -> std::result::Result<Snapshot, String> {
        let mut store = self.store(prepared, Arc::new(())).map_err(|error| error.to_string())?;
        let guest = store.data_mut();
        guest.environment.clear();
        guest.wasi.renew(&guest.environment, &guest.output, guest.clock.clone());
        let deadline = guest.clock.deadline();
        let work = async {
            let mut live = Live::start(&mut store, prepared).await.map_err(|error| format!("{error:#}"))?;
            let compiled = live.compile(&mut store, "").await.map_err(|error| format!("{error:#}"))?;
            compiled.map_err(|failure| format!("{}: {}", failure.name, failure.value))?;
            live.snapshot(&mut store).await
        };
        let done = run_until(deadline, self.cancel, &mut Duration::default(), work).await;
        done.unwrap_or_else(|stopped| Err(format!("{stopped:?}")))
    }

    /// Asks an instance that is there already.
    pub(crate) async fn resume(self, mut held: Held, sink: Arc<dyn LogSink>) -> (Result<Report>, Option<Remains>) {
        let mut meter = Meter::new();
        if let Err(error) = self.renew(&mut held.store, sink) {
            return (Err(error), None);
        }
        let Held { mut store, mut live } = held;
        let deadline = store.data().clock.deadline();
        let work = self.call(&mut store, &mut live, Goal::Again, &mut meter.start);
        let called = run_until(deadline, self.cancel, &mut meter.cpu, work).await;
        self.end(store, Some(live), called, meter)
    }

    fn end(
        &self,
        mut store: Store<Guest>,
        live: Option<Live>,
        called: std::result::Result<Called, Stopped>,
        meter: Meter,
    ) -> (Result<Report>, Option<Remains>) {
        let came_back = matches!(called, Ok(Called::Returned(_)));
        let mut report = self.report(&mut store, called, meter);
        let lines = live.as_ref().and_then(|live| live.prepared().lines());
        if let (Some(lines), Ok(Report { error: Some(error), .. })) = (lines, &mut report) {
            error.traceback = lines.restore(&error.traceback);
        }
        (report, Some(Remains { store, live, came_back }))
    }

    fn guest(&self, prepared: &Prepared, sink: Arc<dyn LogSink>) -> Guest {
        let limits = &self.attempt.limits;
        let output = Output::new(limits.log_bytes(), limits.output_bytes(), sink);
        let scratch = Scratch::new(self.scratch.clone(), limits.tmp_bytes());
        let clock = Clock::start(limits.timeout(), self.seal.clone());
        let mut environment = self.environment();
        // Those of our own worlds get it with the call.
        if !prepared.is_lasting() {
            environment.push((environment::CONTEXT.into(), self.context(&clock)));
        }
        let stdout = matches!(prepared.entry(), Entry::Command(_)).then(|| Kept::new(limits.output_bytes()));
        let program = match &stdout {
            Some(stdout) => Program::Command {
                name: self.attempt.function.name.clone(),
                stdin: Bytes::copy_from_slice(self.attempt.input.as_str().as_bytes()),
                stdout: stdout.clone(),
            },
            None => Program::Silent,
        };
        Guest {
            memory: MemoryLimiter::new(limits.memory_bytes()),
            wasi: Wasi::new(&environment, &output, scratch, clock.clone(), program),
            http: Http::new(),
            stdout,
            clock,
            environment,
            packages: Arc::clone(prepared.packages()),
            output,
        }
    }

    /// Who it is, too, unless what it does now is for all its attempts.
    fn environment(&self) -> Vec<(String, String)> {
        match self.seal {
            None => environment::variables(self.attempt),
            Some(_) => environment::own_variables(self.attempt),
        }
    }

    fn store(&self, prepared: &Prepared, sink: Arc<dyn LogSink>) -> Result<Store<Guest>> {
        let mut guest = self.guest(prepared, sink);
        // Wasmtime will ask for what the module declares; a snapshot may have more.
        guest.memory.begin_with(prepared.snapshot().map_or(0, Snapshot::grown_bytes));
        let mut store = Store::new(self.engine.wasmtime(), guest);
        store.limiter(|guest| &mut guest.memory);
        if self.engine.metering().epoch() {
            store.epoch_deadline_async_yield_and_update(1);
            store.set_epoch_deadline(1);
        }
        self.refuel(&mut store)?;
        Ok(store)
    }

    /// What a store may use in one attempt.
    fn refuel(&self, store: &mut Store<Guest>) -> Result<()> {
        let limits = &self.attempt.limits;
        let output_bytes = usize::try_from(limits.output_bytes()).unwrap_or(usize::MAX);
        store.set_hostcall_fuel(output_bytes.saturating_add(TRANSFER_BYTES));
        if self.engine.metering().fuel() {
            store.set_fuel(limits.fuel()).map_err(|error| Error::Host(error.to_string()))?;
        }
        Ok(())
    }

    /// Makes an instance's store this attempt's: everything but the memory, and what lies in its `/tmp`.
    fn renew(&self, store: &mut Store<Guest>, sink: Arc<dyn LogSink>) -> Result<()> {
        let limits = &self.attempt.limits;
        let guest = store.data_mut();
        guest.environment = self.environment();
        guest.output = Output::new(limits.log_bytes(), limits.output_bytes(), sink);
        guest.clock = Clock::start(limits.timeout(), self.seal.clone());
        guest.memory.renew(limits.memory_bytes());
        guest.wasi.renew(&guest.environment, &guest.output, guest.clock.clone());
        self.refuel(store)
    }

    async fn call(&self, store: &mut Store<Guest>, live: &mut Live, goal: Goal, start: &mut Duration) -> Called {
        // The epoch went on while the instance was made.
        if self.engine.metering().epoch() {
            store.set_epoch_deadline(1);
        }
        *start = self.asked.elapsed();
        let event = self.attempt.input.as_str();
        let context = self.context(&store.data().clock);
        let own = live.prepared().code().cloned();
        let source = match &own {
            Some(code) => Some(Source { text: &code.text, compiled: code.compiled.as_deref() }),
            None => self.attempt.code.as_deref().map(|text| Source { text, compiled: self.compiled.as_deref() }),
        };
        let request = match (goal, source) {
            (Goal::Load, Some(source)) => Request::Load { source },
            (Goal::Handle, Some(source)) => Request::Run { source, event, context: &context },
            _ => Request::Handle { event, context: &context },
        };
        match live.call(store, request).await {
            Ok(returned) => Called::Returned(returned),
            Err(error) => Called::Trapped(error),
        }
    }

    /// What a handler sees as its `context`, as JSON.
    fn context(&self, clock: &Clock) -> String {
        let attempt = self.attempt;
        json!({
            "execution_id": attempt.execution_id,
            "attempt": attempt.number,
            "function_name": attempt.function.name,
            "function_version": attempt.function.version,
            "project": attempt.function.project,
            "trigger": attempt.trigger,
            "deadline_ms": clock.deadline_unix_ms(),
            "scheduled_at": attempt.scheduled_at,
            "memory_limit_mb": attempt.limits.memory_bytes() >> 20,
        })
        .to_string()
    }

    fn report(
        &self,
        store: &mut Store<Guest>,
        called: std::result::Result<Called, Stopped>,
        meter: Meter,
    ) -> Result<Report> {
        let fuel_left = store.get_fuel().unwrap_or(0);
        let guest = store.data();
        let limits = &self.attempt.limits;
        if guest.wasi.scratch().was_full() {
            let note = format!("hks: /tmp is full, its limit is {}\n", ByteSize(limits.tmp_bytes()));
            guest.output.write(Stream::Stderr, note.as_bytes());
        }
        // What a command printed is its value only if it succeeded; otherwise people need it to see why.
        if let Some(stdout) = &guest.stdout
            && !matches!(called, Ok(Called::Returned(Ok(_))))
        {
            guest.output.write(Stream::Stdout, &stdout.take());
        }
        let last_lines = match called {
            Ok(Called::Trapped(_)) => guest.output.last_lines(LAST_LINES, LAST_BYTES),
            _ => String::new(),
        };
        let said = guest.output.finish();
        let evidence = Evidence { limits, memory: &guest.memory, value_bytes_max: said.value_bytes_max };
        let Ending { outcome, value, error } = match called {
            Err(stopped) => evidence.stopped(stopped),
            Ok(Called::Returned(returned)) => evidence.returned(returned),
            Ok(Called::Trapped(error)) => evidence.trapped(&error).explained(last_lines),
            Ok(Called::NotInstantiated(error)) => evidence.not_instantiated(&error)?,
        };
        let mut report = Report::new(self.attempt, outcome);
        report.value = value;
        report.error = error;
        report.logs = said.logs;
        report.results = said.results;
        report.truncated = said.truncated;
        report.started_at = meter.started_at;
        report.usage = Usage {
            fuel: if self.engine.metering().fuel() { limits.fuel().saturating_sub(fuel_left) } else { 0 },
            cpu_ms: meter.cpu.as_secs_f64() * 1e3,
            wall_ms: guest.clock.elapsed().as_secs_f64() * 1e3,
            memory_peak_bytes: guest.memory.peak_bytes(),
            egress_bytes: 0,
            start_us: u64::try_from(meter.start.as_micros()).unwrap_or(u64::MAX),
        };
        Ok(report)
    }
}

/// What came of a call.
enum Called {
    Returned(Returned),
    Trapped(wasmtime::Error),
    NotInstantiated(wasmtime::Error),
}
