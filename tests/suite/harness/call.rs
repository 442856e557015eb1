//! One call of one function, with its limits, and the wait for its report.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::mpsc::{self, RecvTimeoutError, TryRecvError};
use std::time::{Duration, Instant};

use hks_protocol::{Attempt, Bytes, Environment, Json, Limits, LimitsSpec, LogLine, LogSink, Report, Seconds};
use hks_runtime::{Error, Execution, Prepared, Session};

use super::{House, Language, house, take_turn};

/// No execution of these tests may take longer: beyond this, it hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// A call that is being put together.
#[derive(Clone)]
pub(crate) struct Call<'h> {
    house: &'h House,
    prepared: Prepared,
    code: Option<String>,
    event: Json,
    limits: LimitsSpec,
    environment: BTreeMap<String, String>,
    project: String,
}

/// A call in the shared house.
pub(crate) fn call(language: Language, code: impl Into<String>) -> Call<'static> {
    house().call(language, code)
}

impl<'h> Call<'h> {
    pub(crate) fn new(house: &'h House, prepared: Prepared, code: Option<String>) -> Self {
        // Ample, so that a test meets the limit that it is about; `fuel` has those about fuel itself.
        let limits = LimitsSpec { fuel: Some(Limits::FUEL_MAX), ..LimitsSpec::default() };
        Self {
            house,
            prepared,
            code,
            event: Json::null(),
            limits,
            environment: BTreeMap::new(),
            project: "default".into(),
        }
    }

    pub(crate) fn event(mut self, json: impl Into<String>) -> Self {
        self.event = Json::parse("event", json.into()).unwrap();
        self
    }

    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.into(), value.into());
        self
    }

    /// Another tenant than the usual one.
    pub(crate) fn project(mut self, name: &str) -> Self {
        self.project = name.into();
        self
    }

    pub(crate) fn timeout_ms(mut self, milliseconds: u64) -> Self {
        self.limits.timeout_s = Some(Seconds::Text(format!("{milliseconds}ms")));
        self
    }

    pub(crate) fn memory_mb(mut self, mebibytes: u64) -> Self {
        self.limits.memory_mb = Some(mebibytes);
        self
    }

    pub(crate) fn fuel(mut self, fuel: u64) -> Self {
        self.limits.fuel = Some(fuel);
        self
    }

    /// As much fuel as a caller gets who names a timeout only.
    pub(crate) fn derived_fuel(mut self) -> Self {
        self.limits.fuel = None;
        self
    }

    pub(crate) fn tmp_bytes(mut self, bytes: u64) -> Self {
        self.limits.tmp_bytes = Some(Bytes::Number(bytes));
        self
    }

    pub(crate) fn log_bytes(mut self, bytes: u64) -> Self {
        self.limits.log_bytes = Some(Bytes::Number(bytes));
        self
    }

    pub(crate) fn output_bytes(mut self, bytes: u64) -> Self {
        self.limits.output_bytes = Some(Bytes::Number(bytes));
        self
    }

    pub(crate) fn attempt(&self) -> Attempt {
        let mut attempt = Attempt::new(self.code.clone(), self.event.clone());
        attempt.limits = Limits::try_from(self.limits.clone()).unwrap();
        attempt.environment = Environment::try_from(self.environment.clone()).unwrap();
        attempt.function.project = self.project.clone().try_into().unwrap();
        attempt
    }

    pub(crate) fn start(self) -> Running {
        self.start_with(())
    }

    /// Starts it with somebody who listens to its log.
    pub(crate) fn start_with(self, sink: impl LogSink) -> Running {
        let attempt = self.attempt();
        self.start_attempt(attempt, sink)
    }

    /// Starts an attempt that was made before, for this function.
    pub(crate) fn start_attempt(self, attempt: Attempt, sink: impl LogSink) -> Running {
        self.begin(attempt, sink)
    }

    fn begin(&self, attempt: Attempt, sink: impl LogSink) -> Running {
        take_turn();
        let (send, receive) = mpsc::channel();
        let done = move |report| drop(send.send(report));
        Running {
            execution: self.house.runtime.start(&self.prepared, attempt, sink, done),
            receive,
            ended: OnceCell::new(),
        }
    }

    /// Starts what prints a line at once, and returns when the line was printed: it has its place now.
    #[track_caller]
    pub(crate) fn start_and_hear(self) -> Running {
        let (send, receive) = mpsc::channel();
        let running = self.start_with(move |line: LogLine| drop(send.send(line)));
        receive.recv_timeout(PATIENCE).expect("it prints a line");
        running
    }

    /// The future of the runtime, for tests that drop it.
    pub(crate) async fn future(self) -> Result<Report, Error> {
        self.house.runtime.run(&self.prepared, self.attempt(), ()).await
    }

    /// Runs it to its end. Where its time is so short that it ends before there is a place, it has another try: others are
    /// still going, and sources that come for the second time are compiled beside.
    #[track_caller]
    pub(crate) fn report(&self) -> Report {
        let patience = Instant::now() + PATIENCE;
        loop {
            match self.begin(self.attempt(), ()).end() {
                Err(Error::Overloaded { .. }) if Instant::now() < patience => {}
                Err(error) => panic!("the host failed: {error}"),
                Ok(report) => return report,
            }
        }
    }

    /// Runs it to its end, and makes sure that the host is none the worse for it.
    #[track_caller]
    pub(crate) fn attack(self) -> Report {
        let report = self.report();
        self.house.assert_alive();
        report
    }

    /// Runs it and returns the error with which it was turned away.
    #[track_caller]
    pub(crate) fn error(self) -> Error {
        match self.start().end() {
            Err(error) => error,
            Ok(report) => panic!("not refused: {:?} {:?}", report.outcome, report.error),
        }
    }
}

/// Functions behind their top level.
impl Call<'_> {
    /// Runs the top level only. The event is not used.
    #[track_caller]
    pub(crate) fn load(self) -> (Report, Option<Session>) {
        take_turn();
        let loaded = wait(self.house.runtime.load(&self.prepared, self.attempt(), ()));
        loaded.unwrap_or_else(|error| panic!("the host failed: {error}"))
    }

    /// The instance behind the top level.
    #[track_caller]
    pub(crate) fn session(self) -> Session {
        let (report, session) = self.load();
        session.unwrap_or_else(|| panic!("not loaded: {:?}", report.error))
    }

    /// The function whose instances start behind the top level, as a deployment makes it.
    #[track_caller]
    pub(crate) fn deploy(self) -> Prepared {
        fork(&mut self.session())
    }

    /// Asks an instance that was kept.
    #[track_caller]
    pub(crate) fn ask(self, session: &mut Session) -> Report {
        let attempt = Attempt { code: None, ..self.attempt() };
        wait(session.call(attempt, ())).unwrap_or_else(|error| panic!("the host failed: {error}"))
    }
}

/// The function whose instances start where this one is now.
#[track_caller]
pub(crate) fn fork(session: &mut Session) -> Prepared {
    wait(session.fork()).unwrap_or_else(|error| panic!("not forked: {error}"))
}

/// Why there can be no fork.
#[track_caller]
pub(crate) fn fork_refused(session: &mut Session) -> String {
    match wait(session.fork()) {
        Err(Error::Unstorable(reason)) => reason,
        Err(error) => panic!("the host failed: {error}"),
        Ok(_) => panic!("forked, although it should not be"),
    }
}

/// Waits for what the runtime does.
#[track_caller]
pub(crate) fn wait<T>(work: impl Future<Output = T>) -> T {
    let here = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    here.block_on(async { tokio::time::timeout(PATIENCE, work).await }).expect("it ends in time")
}

type End = Result<Report, Error>;

/// A call on its way. Dropping it cancels it.
pub(crate) struct Running {
    execution: Execution,
    receive: mpsc::Receiver<End>,
    ended: OnceCell<End>,
}

impl Running {
    pub(crate) fn cancel(&self) {
        self.execution.cancel();
    }

    /// Whether it has not ended yet.
    pub(crate) fn is_running(&self) -> bool {
        match self.receive.try_recv() {
            Ok(end) => self.ended.set(end).expect("it ends once"),
            Err(TryRecvError::Empty) => return self.ended.get().is_none(),
            Err(TryRecvError::Disconnected) => {}
        }
        false
    }

    #[track_caller]
    pub(crate) fn end(mut self) -> End {
        if let Some(end) = self.ended.take() {
            return end;
        }
        match self.receive.recv_timeout(PATIENCE) {
            Ok(end) => end,
            Err(RecvTimeoutError::Timeout) => panic!("no end after {PATIENCE:?}"),
            Err(RecvTimeoutError::Disconnected) => panic!("the runtime dropped the attempt and told nobody"),
        }
    }

    #[track_caller]
    pub(crate) fn report(self) -> Report {
        self.end().unwrap_or_else(|error| panic!("the host failed: {error}"))
    }
}
