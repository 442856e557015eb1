//! The threads that guests run on, and the places that there are for instances.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use hks_engine::{Artifact, Digest, Engine, EngineConfig};
use hks_protocol::{Attempt, Json, Limits, LogSink, Outcome, Report};
use tokio::sync::{Semaphore, SemaphorePermit, oneshot};
use tokio::time::timeout;

use crate::attempt::{Goal, Held, Remains, Run};
use crate::cancel::Cancel;
use crate::code_cache::{CodeCache, Key, Lookup};
use crate::deadline::{Stopped, run_until};
use crate::host::{Observed, ScratchFolders, Seal};
use crate::outcome::Evidence;
use crate::prepared::PreparedCache;
use crate::session::Session;
use crate::snapshot::{Memories, Places, PlacesStats, Snapshot, StackPool, Stacks};
use crate::ticker::Ticker;
use crate::{Error, Prepared, Result, RuntimeConfig, host};

/// How often who waits on a thread of the caller asks whether to go on.
const INTERRUPTED_EVERY: Duration = Duration::from_millis(50);

/// Runs attempts on threads of its own. Cheap to clone; dropping the last clone stops what still runs.
#[derive(Clone)]
pub struct Runtime(Arc<Shared>);

pub(crate) struct Shared {
    engine: Engine,
    cache: PreparedCache,
    code: CodeCache,
    scratch: ScratchFolders,
    slots: Arc<Places>,
    places: Semaphore,
    places_max: usize,
    ticker: Ticker,
    /// Guests are futures that yield at every tick, so that these threads share them out evenly. They are not the caller's
    /// threads: an API must answer while guests take all the processor time there is.
    threads: Option<tokio::runtime::Runtime>,
}

impl Runtime {
    /// Makes an engine whose instances live in slots, and starts the threads.
    ///
    /// # Errors
    /// The engine could not interrupt guests and the configuration does not accept that, the processor cannot run it, or
    /// the threads cannot be started.
    pub fn new(engine: &EngineConfig, config: RuntimeConfig) -> Result<Self> {
        if !engine.metering.epoch() && !config.allow_unmetered {
            return Err(Error::Host("the engine cannot interrupt its guests; choose another metering".into()));
        }
        let slots = Arc::new(Places::new(config.places));
        let stacks = Arc::new(Stacks::new(config.places.waiting_max, Arc::clone(&slots)));
        let (memories, stacks) = (Arc::new(Memories(Arc::clone(&slots))), Arc::new(StackPool(stacks)));
        let engine = Engine::with_places(engine, memories, stacks).map_err(|error| Error::Host(error.to_string()))?;
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
        let places_max = config.instances_max.get();
        Ok(Self(Arc::new(Shared {
            engine,
            cache: PreparedCache::new(linker, Arc::clone(&slots), config.prepared_max),
            code: CodeCache::default(),
            scratch: ScratchFolders::new(config.scratch),
            slots,
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
        self.0.cache.prepare(artifact, |prepared| self.warm(prepared))
    }

    /// A snapshot of an interpreter that has answered once. Without it, every execution pays for the first answer.
    fn warm(&self, prepared: &Prepared) -> Option<Snapshot> {
        let attempt = Attempt::new(Some(String::new()), Json::null());
        let (cancel, asked) = (Cancel::default(), Instant::now());
        let _running = self.0.ticker.running();
        // Behind a seal, so that what starts from it is the same wherever it is made.
        let warm = self.0.attempt(&attempt, &cancel, asked, None).sealed(Arc::default()).warm(prepared);
        // On a thread of its own, because the caller may be asynchronous.
        let handle = self.0.handle();
        let warmed = std::thread::scope(|scope| scope.spawn(move || handle.block_on(warm)).join());
        match warmed {
            Ok(Ok(snapshot)) => Some(snapshot),
            Ok(Err(reason)) => {
                tracing::warn!(component = %prepared.digest(), reason, "the interpreter is started cold");
                None
            }
            Err(_) => None,
        }
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
        self.0.spawn(async move {
            Arc::clone(&shared).run(&prepared, &attempt, Arc::new(sink), &cancel, asked, |r| handover.hand(r)).await;
        });
        execution
    }

    /// Runs an attempt to its end on this thread, which saves handing it over to another and back. From time to time
    /// `interrupted` is asked whether to cancel it. Not to be called from asynchronous code.
    ///
    /// # Errors
    /// Only what is not the function's own: see [`Error`].
    pub fn run_here(
        &self,
        prepared: &Prepared,
        attempt: &Attempt,
        sink: impl LogSink,
        interrupted: impl FnMut() -> bool,
    ) -> Result<Report> {
        let (asked, cancel, mut report) = (Instant::now(), Cancel::default(), None);
        let done = |ended| report = Some(ended);
        {
            let mut run = pin!(Arc::clone(&self.0).run(prepared, attempt, Arc::new(sink), &cancel, asked, done));
            if self.wait_for(run.as_mut(), interrupted).is_none() {
                cancel.cancel();
                self.0.handle().block_on(run);
            }
        }
        report.unwrap_or_else(|| Err(Error::Host("the attempt ended without a report".into())))
    }

    /// Waits on this thread for what the runtime does. From time to time `interrupted` is asked whether to stop waiting, which
    /// gives `None`. Not to be called from asynchronous code.
    pub fn wait_for<T>(&self, work: impl Future<Output = T>, mut interrupted: impl FnMut() -> bool) -> Option<T> {
        self.0.handle().block_on(async {
            let mut work = pin!(work);
            // Most ends before the first question.
            loop {
                match timeout(INTERRUPTED_EVERY, work.as_mut()).await {
                    Ok(done) => return Some(done),
                    Err(_) if interrupted() => return None,
                    Err(_) => {}
                }
            }
        })
    }

    /// Runs the top level of the attempt's source in an instance of `prepared`, and keeps the instance: calls of it follow
    /// one another with all that the former left behind, and [`Session::fork`] makes a function of it whose instances start
    /// where it is. `None` if the top level did not come to its end; the report says why. Dropping the future cancels it.
    ///
    /// The attempt's input is not used.
    ///
    /// # Errors
    /// Only what is not the function's own: see [`Error`]. [`Error::Unstorable`] for commands and HTTP components.
    pub async fn load(
        &self,
        prepared: &Prepared,
        attempt: Attempt,
        sink: impl LogSink,
    ) -> Result<(Report, Option<Session>)> {
        let (report, held) = self.keep(prepared, attempt, Goal::Load, Arc::new(sink), None).await?;
        let session = held.filter(|_| report.outcome == Outcome::Succeeded);
        Ok((report, session.map(|held| Session::new(self.clone(), prepared.clone(), held))))
    }

    /// Runs the top level of a function's own source once, for all its executions: with the attempt's environment and
    /// limits, but behind a seal, where neither time nor chance can be had. What it leaves depends on its source alone.
    ///
    /// # Errors
    /// Only what is not the function's own; [`Error::Invalid`] if `prepared` is not [with its source](Prepared::with_source).
    pub async fn preinitialize(
        &self,
        prepared: &Prepared,
        attempt: Attempt,
        sink: impl LogSink,
    ) -> Result<Preinitialized> {
        if prepared.code().is_none() {
            return Err(hks_protocol::Error::new("code", "is not there to be run ahead").into());
        }
        let seal = Arc::new(Seal::default());
        let (report, held) = self.keep(prepared, attempt, Goal::Load, Arc::new(sink), Some(Arc::clone(&seal))).await?;
        let observed = seal.observed();
        let Some(held) = held.filter(|_| report.outcome == Outcome::Succeeded) else {
            let reason = Err("its top level did not come to its end".into());
            return Ok(Preinitialized { report, observed, ready: reason });
        };
        let ready = match Session::new(self.clone(), prepared.clone(), held).fork().await {
            Ok(ready) => Ok(ready),
            Err(Error::Unstorable(reason)) => Err(reason),
            Err(error) => return Err(error),
        };
        Ok(Preinitialized { report, observed, ready })
    }

    /// What an interpreter makes of a source, without running any of it; a report of why it cannot, if so.
    ///
    /// # Errors
    /// Only what is not the source's own; [`Error::Invalid`] if `prepared` is no interpreter.
    pub async fn compile(
        &self,
        prepared: &Prepared,
        source: String,
        limits: Limits,
    ) -> Result<std::result::Result<Vec<u8>, Report>> {
        if !prepared.is_interpreter() {
            return Err(hks_protocol::Error::new("code", "is given to what is no interpreter").into());
        }
        let prepared = prepared.clone();
        let attempt = Attempt { limits, ..Attempt::new(None, Json::null()) };
        self.on_threads(move |shared, cancel, asked| async move {
            let _place = shared.place(&attempt, &cancel, asked).await?;
            let _running = shared.ticker.running();
            shared.attempt(&attempt, &cancel, asked, None).sealed(Arc::default()).compile(&prepared, &source).await
        })
        .await
    }

    async fn keep(
        &self,
        prepared: &Prepared,
        attempt: Attempt,
        goal: Goal,
        sink: Arc<dyn LogSink>,
        seal: Option<Arc<Seal>>,
    ) -> Result<(Report, Option<Held>)> {
        let prepared = prepared.clone();
        self.on_threads(move |shared, cancel, asked| async move {
            check(&prepared, &attempt)?;
            if !prepared.is_lasting() {
                let reason = "a command or an HTTP component is made anew for every call, so there is nothing to load";
                return Err(Error::Unstorable(reason.into()));
            }
            let _place = shared.place(&attempt, &cancel, asked).await?;
            let compiled = shared.compiled(&prepared, &attempt);
            let _running = shared.ticker.running();
            let run = Run { seal, ..shared.attempt(&attempt, &cancel, asked, compiled) };
            let (report, remains) = run.start(&prepared, goal, sink).await;
            Ok((report?, remains.and_then(Remains::held)))
        })
        .await
    }

    /// Calls an instance that was kept. What turns the call away before it reaches the instance leaves that as it was.
    pub(crate) async fn resume(
        &self,
        held: Held,
        attempt: Attempt,
        sink: Arc<dyn LogSink>,
    ) -> Result<(Result<Report>, Option<Held>)> {
        self.on_threads(move |shared, cancel, asked| async move {
            if let Err(error) = attempt.validate() {
                return Ok((Err(error.into()), Some(held)));
            }
            let _place = match shared.place(&attempt, &cancel, asked).await {
                Ok(place) => place,
                Err(error) => return Ok((Err(error), Some(held))),
            };
            let _running = shared.ticker.running();
            let (report, remains) = shared.attempt(&attempt, &cancel, asked, None).resume(held, sink).await;
            Ok((report, remains.and_then(Remains::held)))
        })
        .await
    }

    /// Runs `work` on a thread of guests; it is canceled if nobody waits for it.
    pub(crate) async fn on_threads<T, F>(&self, work: impl FnOnce(Arc<Shared>, Cancel, Instant) -> F) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let (send, receive) = oneshot::channel();
        let cancel = Cancel::default();
        let work = work(Arc::clone(&self.0), cancel.clone(), Instant::now());
        self.0.spawn(async move { drop(send.send(work.await)) });
        Ended { receive, _execution: Execution { cancel } }.await
    }

    /// What happened to the slots that instances live in.
    #[must_use]
    pub fn places(&self) -> PlacesStats {
        self.0.slots.stats()
    }

    /// The engine that it runs on.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.0.engine
    }
}

impl Shared {
    fn handle(&self) -> &tokio::runtime::Handle {
        self.threads.as_ref().expect("only taken when the last clone is dropped").handle()
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.handle().spawn(task);
    }

    fn attempt<'a>(
        &'a self,
        attempt: &'a Attempt,
        cancel: &'a Cancel,
        asked: Instant,
        compiled: Option<Arc<[u8]>>,
    ) -> Run<'a> {
        Run { engine: &self.engine, scratch: &self.scratch, attempt, cancel, asked, compiled, seal: None }
    }

    async fn run(
        self: Arc<Self>,
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
        let _place = match self.place(attempt, cancel, asked).await {
            Ok(place) => place,
            Err(Error::Canceled) => return done(Ok(canceled_in_the_queue(attempt))),
            Err(error) => return done(Err(error)),
        };
        let compiled = self.compiled(prepared, attempt);
        let _running = self.ticker.running();
        self.attempt(attempt, cancel, asked, compiled).run(prepared, sink, done).await;
    }

    /// Waits for a place, at most as long as the attempt may take.
    async fn place(&self, attempt: &Attempt, cancel: &Cancel, asked: Instant) -> Result<SemaphorePermit<'_>> {
        let (deadline, mut waiting) = (asked + attempt.limits.timeout(), Duration::ZERO);
        match run_until(deadline, cancel, &mut waiting, self.places.acquire()).await {
            Ok(Ok(place)) => Ok(place),
            Ok(Err(_)) => Err(Error::Host("the runtime is stopping".into())),
            Err(Stopped::Canceled) => Err(Error::Canceled),
            Err(Stopped::Deadline) => {
                Err(Error::Overloaded { places: self.places_max, waited_ms: asked.elapsed().as_millis() })
            }
        }
    }

    /// What the interpreter made of the attempt's source before. A source that comes for the second time is compiled for
    /// those that follow, beside this attempt.
    fn compiled(self: &Arc<Self>, prepared: &Prepared, attempt: &Attempt) -> Option<Arc<[u8]>> {
        let source = attempt.code.as_deref()?;
        let key = Key { interpreter: prepared.digest(), source: Digest::of(source.as_bytes()) };
        match self.code.look_up(attempt.function.project.as_str(), key) {
            Lookup::Ready(code) => Some(code),
            Lookup::Unknown => None,
            Lookup::Compile => {
                let (shared, prepared) = (Arc::clone(self), prepared.clone());
                let (project, source) = (attempt.function.project.clone(), source.to_owned());
                self.spawn(async move {
                    let Ok(_place) = shared.places.try_acquire() else {
                        return shared.code.put_off(project.as_str(), key);
                    };
                    if let Some(code) = shared.compile(&prepared, source).await {
                        shared.code.put(project.as_str(), key, &code);
                    }
                });
                None
            }
        }
    }

    /// Compiles in an instance of its own. What does not compile will say so when it is run.
    async fn compile(&self, prepared: &Prepared, source: String) -> Option<Vec<u8>> {
        let attempt = Attempt::new(None, Json::null());
        let (cancel, asked) = (Cancel::default(), Instant::now());
        let _running = self.ticker.running();
        self.attempt(&attempt, &cancel, asked, None).compile(prepared, &source).await.ok()?.ok()
    }
}

/// What running a function's top level ahead came to.
pub struct Preinitialized {
    /// How it ended, what it printed and used.
    pub report: Report,
    /// Whether it looked at time or chance: what it kept of them would be stale, or known to all.
    pub observed: Observed,
    /// The function behind its top level, or why there is none.
    pub ready: std::result::Result<Prepared, String>,
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
struct Ended<T> {
    receive: oneshot::Receiver<Result<T>>,
    _execution: Execution,
}

impl<T> Future for Ended<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let received = Pin::new(&mut self.receive).poll(context);
        received.map(|report| report.unwrap_or_else(|_| Err(Error::Host("the runtime stopped".into()))))
    }
}
