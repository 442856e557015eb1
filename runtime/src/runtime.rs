//! The threads that guests run on, and the places that there are for instances.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use hks_engine::{Artifact, Engine};
use hks_protocol::{Attempt, LogSink, Report};
use tokio::sync::{Semaphore, oneshot};

use crate::attempt::Run;
use crate::cancel::Cancel;
use crate::deadline::{Stopped, run_until};
use crate::host::ScratchFolders;
use crate::outcome::Evidence;
use crate::prepared::PreparedCache;
use crate::ticker::Ticker;
use crate::{Error, Prepared, Result, RuntimeConfig, host};

/// Runs attempts on threads of its own. Cheap to clone; dropping the last clone stops what still runs.
#[derive(Clone)]
pub struct Runtime(Arc<Shared>);

struct Shared {
    engine: Engine,
    cache: PreparedCache,
    scratch: ScratchFolders,
    places: Semaphore,
    places_max: usize,
    ticker: Ticker,
    /// Guests are futures that yield at every tick, so that these threads share them out evenly. They are not the caller's
    /// threads: an API must answer while guests take all the processor time there is.
    threads: Option<tokio::runtime::Runtime>,
}

impl Runtime {
    /// Starts the threads.
    ///
    /// # Errors
    /// The engine cannot interrupt guests and the configuration does not accept that, or the threads cannot be started.
    pub fn new(engine: Engine, config: RuntimeConfig) -> Result<Self> {
        if !engine.metering().epoch() && !config.allow_unmetered {
            return Err(Error::Host("the engine cannot interrupt its guests; choose another metering".into()));
        }
        let linker = host::link(engine.wasmtime()).map_err(|error| Error::Host(format!("link: {error:#}")))?;
        let ticker = Ticker::start(engine.wasmtime()).map_err(|error| Error::Host(format!("ticker: {error}")))?;
        let threads = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(config.threads.get())
            .thread_name("hks-guest")
            // A guest's turn lasts up to a tick, so timers are looked at after every one of them.
            .event_interval(1)
            .enable_time()
            .build()
            .map_err(|error| Error::Host(format!("threads: {error}")))?;
        let places_max = engine.allocation().instances.map_or(config.instances_max.get(), |places| places as usize);
        Ok(Self(Arc::new(Shared {
            engine,
            cache: PreparedCache::new(linker, config.prepared_max),
            scratch: ScratchFolders::new(config.scratch),
            places: Semaphore::new(places_max),
            places_max,
            ticker,
            threads: Some(threads),
        })))
    }

    /// Checks an artifact and links it with the host. Done once for each; later calls find it again.
    ///
    /// # Errors
    /// [`Error::Refused`] when it wants what is not granted, or exports nothing that can be called.
    pub fn prepare(&self, artifact: &Artifact) -> Result<Prepared> {
        self.0.cache.prepare(artifact)
    }

    /// Runs an attempt to its end. Dropping the future cancels it.
    ///
    /// # Errors
    /// Only what is not the function's own: see [`Error`].
    pub async fn run(&self, prepared: &Prepared, attempt: Attempt, sink: impl LogSink) -> Result<Report> {
        let (send, receive) = oneshot::channel();
        let execution = self.start(prepared, attempt, sink, move |report| drop(send.send(report)));
        Ended { receive, _execution: execution }.await
    }

    /// Starts an attempt and returns at once. `done` is called at its end, on a thread of guests: it must not block.
    ///
    /// Dropping the returned [`Execution`] cancels the attempt.
    pub fn start(
        &self,
        prepared: &Prepared,
        attempt: Attempt,
        sink: impl LogSink,
        done: impl FnOnce(Result<Report>) + Send + 'static,
    ) -> Execution {
        let asked = Instant::now();
        let cancel = Cancel::default();
        let execution = Execution { cancel: cancel.clone() };
        let (shared, prepared) = (Arc::clone(&self.0), prepared.clone());
        let handover = Handover { done: Some(done) };
        let task = async move {
            shared.run(&prepared, &attempt, Arc::new(sink), &cancel, asked, |report| handover.hand(report)).await;
        };
        self.0.threads.as_ref().expect("only taken when the last clone is dropped").spawn(task);
        execution
    }

    /// The engine that it runs on.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.0.engine
    }
}

impl Shared {
    async fn run(
        &self,
        prepared: &Prepared,
        attempt: &Attempt,
        sink: Arc<dyn LogSink>,
        cancel: &Cancel,
        asked: Instant,
        done: impl FnOnce(Result<Report>),
    ) {
        if let Err(error) = check(prepared, attempt) {
            return done(Err(error));
        }
        let (deadline, mut waiting) = (asked + attempt.limits.timeout(), Duration::ZERO);
        let _place = match run_until(deadline, cancel, &mut waiting, self.places.acquire()).await {
            Ok(Ok(place)) => place,
            Ok(Err(_)) => return done(Err(Error::Host("the runtime is stopping".into()))),
            Err(Stopped::Canceled) => return done(Ok(canceled_in_the_queue(attempt))),
            Err(Stopped::Deadline) => {
                let waited_ms = asked.elapsed().as_millis();
                return done(Err(Error::Overloaded { places: self.places_max, waited_ms }));
            }
        };
        let _running = self.ticker.running();
        let run = Run { engine: &self.engine, scratch: &self.scratch, prepared, attempt, cancel, asked };
        run.run(sink, done).await;
    }
}

/// Hands over exactly one report, also when the task that runs the attempt panics or is dropped.
struct Handover<F: FnOnce(Result<Report>)> {
    done: Option<F>,
}

impl<F: FnOnce(Result<Report>)> Handover<F> {
    fn hand(mut self, report: Result<Report>) {
        if let Some(done) = self.done.take() {
            done(report);
        }
    }
}

impl<F: FnOnce(Result<Report>)> Drop for Handover<F> {
    fn drop(&mut self) {
        if let Some(done) = self.done.take() {
            done(Err(Error::Host(
                "the attempt ended without a report: the runtime stopped, or a log sink panicked".into(),
            )));
        }
    }
}

/// Refuses what would only fail inside.
fn check(prepared: &Prepared, attempt: &Attempt) -> Result<()> {
    attempt.validate()?;
    if attempt.code.is_some() == prepared.is_interpreter() {
        return Ok(());
    }
    let reason = if prepared.is_interpreter() { "is missing" } else { "is given to what is no interpreter" };
    Err(hks_protocol::Error::new("code", reason).into())
}

fn canceled_in_the_queue(attempt: &Attempt) -> Report {
    let memory = crate::memory::MemoryLimiter::new(0);
    let ending = Evidence { limits: &attempt.limits, memory: &memory, value_bytes_max: 0 }.stopped(Stopped::Canceled);
    let mut report = Report::new(attempt, ending.outcome);
    report.error = ending.error;
    report
}

impl Drop for Shared {
    fn drop(&mut self) {
        // The last clone may be dropped on one of the threads itself, which must not wait for itself.
        if let Some(threads) = self.threads.take() {
            threads.shutdown_background();
        }
    }
}

/// An attempt that was started. Dropping it cancels the attempt.
#[derive(Debug)]
#[must_use = "dropping it cancels the attempt"]
pub struct Execution {
    cancel: Cancel,
}

impl Execution {
    /// Asks the attempt to end now, whatever it does. It reports [`Outcome::Canceled`](hks_protocol::Outcome::Canceled),
    /// unless it had ended already.
    pub fn cancel(&self) {
        self.cancel.cancel();
    }
}

impl Drop for Execution {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

/// The end of an attempt that is canceled if nobody waits for it.
struct Ended {
    receive: oneshot::Receiver<Result<Report>>,
    _execution: Execution,
}

impl Future for Ended {
    type Output = Result<Report>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let received = Pin::new(&mut self.receive).poll(context);
        received.map(|report| report.unwrap_or_else(|_| Err(Error::Host("the runtime stopped".into()))))
    }
}
