//! One attempt, from a store of its own to a report.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hks_protocol::{Attempt, ByteSize, LogSink, Report, Stream, Usage};
use jiff::Timestamp;
use serde_json::json;
use wasmtime::Store;
use wasmtime::component::{ComponentExportIndex, ComponentNamedList, Instance, Lower};

use crate::cancel::Cancel;
use crate::deadline::{Stopped, run_until};
use crate::host::{Clock, Guest, Output, Scratch, ScratchFolders, Wasi, environment};
use crate::memory::MemoryLimiter;
use crate::outcome::{Ending, Evidence, Returned, TRANSFER_BYTES};
use crate::prepared::{Entry, Prepared};
use crate::{Error, Result};

/// One attempt on its way.
pub(crate) struct Run<'a> {
    pub(crate) engine: &'a hks_engine::Engine,
    pub(crate) scratch: &'a ScratchFolders,
    pub(crate) prepared: &'a Prepared,
    pub(crate) attempt: &'a Attempt,
    pub(crate) cancel: &'a Cancel,
    /// When the caller asked for it.
    pub(crate) asked: Instant,
}

/// What is measured while it runs.
#[derive(Default)]
struct Meter {
    cpu: Duration,
    start: Duration,
}

impl Run<'_> {
    /// Runs the attempt and hands its report to `done`. Whatever happens, the store is gone when this returns; giving its
    /// memory back takes time that `done` does not have to wait for.
    pub(crate) async fn run(self, sink: Arc<dyn LogSink>, done: impl FnOnce(Result<Report>)) {
        let started_at = Timestamp::now();
        let mut store = match self.store(sink) {
            Ok(store) => store,
            Err(error) => return done(Err(error)),
        };
        let mut meter = Meter::default();
        let deadline = store.data().clock.deadline();
        let call = self.call(&mut store, &mut meter.start);
        let called = run_until(deadline, self.cancel, &mut meter.cpu, call).await;
        done(self.report(&mut store, called, meter, started_at));
    }

    fn store(&self, sink: Arc<dyn LogSink>) -> Result<Store<Guest>> {
        let limits = &self.attempt.limits;
        let environment = environment::variables(self.attempt);
        let output = Output::new(limits.log_bytes(), limits.output_bytes(), sink);
        let scratch = Scratch::new(self.scratch.clone(), limits.tmp_bytes());
        let guest = Guest {
            memory: MemoryLimiter::new(limits.memory_bytes()),
            wasi: Wasi::new(&environment, &output, scratch),
            clock: Clock::start(limits.timeout()),
            environment,
            output,
        };
        let mut store = Store::new(self.engine.wasmtime(), guest);
        store.limiter(|guest| &mut guest.memory);
        let output_bytes = usize::try_from(limits.output_bytes()).unwrap_or(usize::MAX);
        store.set_hostcall_fuel(output_bytes.saturating_add(TRANSFER_BYTES));
        if self.engine.metering().fuel() {
            store.set_fuel(limits.fuel()).map_err(|error| Error::Host(error.to_string()))?;
        }
        if self.engine.metering().epoch() {
            store.epoch_deadline_async_yield_and_update(1);
            store.set_epoch_deadline(1);
        }
        Ok(store)
    }

    /// Instantiates and calls.
    async fn call(&self, store: &mut Store<Guest>, start: &mut Duration) -> Called {
        let instance = match self.prepared.instance().instantiate_async(&mut *store).await {
            Ok(instance) => instance,
            Err(error) => return Called::NotInstantiated(error),
        };
        // The epoch went on while the instance was made.
        if self.engine.metering().epoch() {
            store.set_epoch_deadline(1);
        }
        *start = self.asked.elapsed();
        let event = self.attempt.input.as_str();
        let context = self.context(store.data());
        let called = match self.prepared.entry() {
            Entry::Interpreter(export) => {
                let code = self.attempt.code.as_deref().unwrap_or_default();
                call_export(store, &instance, export, (code, event, context.as_str())).await
            }
            Entry::Function(export) => call_export(store, &instance, export, (event, context.as_str())).await,
        };
        match called {
            Ok(returned) => Called::Returned(returned),
            Err(error) => Called::Trapped(error),
        }
    }

    /// What a handler sees as its `context`, as JSON.
    fn context(&self, guest: &Guest) -> String {
        let attempt = self.attempt;
        json!({
            "execution_id": attempt.execution_id,
            "attempt": attempt.number,
            "function_name": attempt.function.name,
            "function_version": attempt.function.version,
            "project": attempt.function.project,
            "trigger": attempt.trigger,
            "deadline_ms": guest.clock.deadline_unix_ms(),
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
        started_at: Timestamp,
    ) -> Result<Report> {
        let fuel_left = store.get_fuel().unwrap_or(0);
        let guest = store.data();
        let limits = &self.attempt.limits;
        if guest.wasi.scratch().was_full() {
            let note = format!("hks: /tmp is full, its limit is {}\n", ByteSize(limits.tmp_bytes()));
            guest.output.write(Stream::Stderr, note.as_bytes());
        }
        let said = guest.output.finish();
        let evidence = Evidence { limits, memory: &guest.memory, value_bytes_max: said.value_bytes_max };
        let Ending { outcome, value, error } = match called {
            Err(stopped) => evidence.stopped(stopped),
            Ok(Called::Returned(returned)) => evidence.returned(returned),
            Ok(Called::Trapped(error)) => evidence.trapped(&error),
            Ok(Called::NotInstantiated(error)) => evidence.not_instantiated(&error)?,
        };
        let mut report = Report::new(self.attempt, outcome);
        report.value = value;
        report.error = error;
        report.logs = said.logs;
        report.results = said.results;
        report.truncated = said.truncated;
        report.started_at = started_at;
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

/// Calls an exported function, whose type was checked when the component was prepared. An error is a trap or the like.
async fn call_export<P>(
    store: &mut Store<Guest>,
    instance: &Instance,
    export: ComponentExportIndex,
    parameters: P,
) -> wasmtime::Result<Returned>
where
    P: ComponentNamedList + Lower + Send + Sync,
{
    let function = instance.get_typed_func::<P, (Returned,)>(&mut *store, export)?;
    function.call_async(&mut *store, parameters).await.map(|(returned,)| returned)
}

/// What came of a call.
enum Called {
    Returned(Returned),
    Trapped(wasmtime::Error),
    NotInstantiated(wasmtime::Error),
}
