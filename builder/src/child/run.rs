use std::fs;
use std::io::{self, PipeReader, Read};
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use super::confine::{self, Isolation, Network};
use super::launch::{self, Mode, Orders, Stage, Tag};
use super::outcome::Report;
use super::output::{self, Budget, Line, Stream};
use super::watch::Watched;
use super::{Cancel, ChildLimits, Confinement, Ended, Error, Outcome, Tool, measure};

/// Where programs are looked up unless a tool says otherwise.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// Below the build's folder.
const TMPDIR: &str = ".tmp";

/// How long the end of the output is waited for once all processes should be gone: longer only if one was not.
const OUTPUT_WAIT: Duration = Duration::from_secs(2);

/// How to run tools: one value serves all of a build's, and all builds.
#[derive(Debug, Clone)]
pub struct Child {
    limits: ChildLimits,
    isolation: Isolation,
    /// What to try.
    pub(super) modes: &'static [Mode],
}

/// What the threads of a run say.
#[derive(Debug)]
pub(super) enum Event {
    Line(Line),
    /// One of the two streams has ended.
    Closed,
    Ended(Report),
}

/// Default limits, and all isolation required.
impl Default for Child {
    fn default() -> Self {
        Self::new(ChildLimits::default(), Isolation::Required)
    }
}

impl Child {
    /// With limits for each tool.
    pub fn new(limits: ChildLimits, isolation: Isolation) -> Self {
        Self { limits, isolation, modes: &Mode::ALL }
    }

    /// Runs a tool to its end and returns when all that it started is gone. Blocks.
    ///
    /// `log` gets each line on this thread; lines of one stream come in order. If it is slow, the tool is not: what waits is
    /// bounded by the limit of the log. If it panics, the tool is ended.
    ///
    /// # Errors
    /// A program that cannot be started, a system that cannot isolate it, or that is out of processes, files or memory.
    pub fn run(&self, tool: &Tool, network: Network, cancel: &Cancel, log: impl FnMut(Line)) -> Result<Ended, Error> {
        let name = tool.name();
        fs::create_dir_all(tool.folder.join(TMPDIR)).map_err(Error::io("make a folder for temporary files", &name))?;
        let kills_before = measure::memory_kills();
        let started = Instant::now();
        let (control, running) = io::pipe().map_err(Error::io("make a pipe", &name))?;
        let (report, records) = io::pipe().map_err(Error::io("make a pipe", &name))?;
        let (orders, confinement) = self.orders(tool, network, control.into(), records.into())?;
        if cancel.is_canceled() {
            return Ok(Ended::never_started(confinement));
        }
        let process = spawn(tool, orders, report)?;
        let watched = Arc::new(Watched::new(running, process.child.id(), cancel.clone()));
        let _end = EndOnDrop(&watched);

        let budget = Arc::new(Budget::new(&self.limits));
        let (sender, events) = mpsc::channel();
        let threads = Threads { watched: &watched, budget: &budget, events: &sender, limits: &self.limits };
        threads.start(process, tool, started).map_err(Error::io("start a thread", &name))?;
        drop(sender);
        let report = follow(&events, log);

        let outcome = watched.verdict().unwrap_or_else(|| {
            self.outcome(tool, &report, measure::memory_kills() > kills_before, watched.peak_memory_bytes())
        });
        Ok(Ended {
            outcome,
            cpu: Duration::from_micros(report.cpu_us),
            peak_memory_bytes: watched.peak_memory_bytes(),
            log_truncated: budget.truncated(),
            confinement,
        })
    }

    fn orders(
        &self,
        tool: &Tool,
        network: Network,
        control: OwnedFd,
        report: OwnedFd,
    ) -> Result<(Orders, Confinement), Error> {
        let denied = network == Network::Denied;
        let cannot = |missing: &str| Error::CannotIsolate { tool: tool.name(), missing: missing.to_owned() };
        let required = self.isolation == Isolation::Required;
        let landlock = match confine::landlock(tool) {
            Ok(None) if required => return Err(cannot("the kernel has no Landlock")),
            Err(error) if required => return Err(cannot(&format!("Landlock: {error}"))),
            rules => rules.unwrap_or_default(),
        };
        let mode = confine::mode(self.modes, denied);
        let filter = if denied { confine::no_sockets() } else { Vec::new() };
        let network_denied = denied && (!filter.is_empty() || mode != Mode::Plain);
        if denied && required && !network_denied {
            return Err(cannot("neither a seccomp filter nor a network namespace is possible"));
        }
        let confinement = Confinement { namespaces: mode != Mode::Plain, files: landlock.is_some(), network_denied };
        let limits = confine::resource_limits(&self.limits, mode);
        let maps = confine::user_maps();
        Ok((Orders { mode, own_network: denied, maps, limits, landlock, filter, control, report }, confinement))
    }

    fn outcome(&self, tool: &Tool, report: &Report, killed_for_memory: bool, peak_memory_bytes: u64) -> Outcome {
        let limits = &self.limits;
        let near_limit = peak_memory_bytes >= limits.memory_bytes_max / 10 * 9;
        // the kernel's limit counts ticks, what it reports is exact
        let cpu_spent = Duration::from_micros(report.cpu_us) >= limits.cpu_time_max / 2;
        // what was written since one looked
        if measure::is_above(&tool.folder, limits.disk_bytes_max, limits.disk_entries_max) {
            return Outcome::DiskFull;
        }
        report.outcome(killed_for_memory, near_limit, cpu_spent)
    }
}

/// Ends the tool however its run is left.
struct EndOnDrop<'a>(&'a Watched);

impl Drop for EndOnDrop<'_> {
    fn drop(&mut self) {
        self.0.ended();
    }
}

/// The process that waits, and our ends of its pipes.
struct Started {
    child: std::process::Child,
    report: PipeReader,
}

fn spawn(tool: &Tool, orders: Orders, mut report: PipeReader) -> Result<Started, Error> {
    let isolating = |stage: u64| [Stage::Namespaces, Stage::Files, Stage::Network].iter().any(|s| *s as u64 == stage);
    let mut command = Command::new(&tool.program);
    command.args(&tool.arguments).current_dir(tool.folder.join(&tool.start)).env_clear();
    command.env("PATH", PATH).env("HOME", &tool.folder).env("LANG", "C.UTF-8").env("TMPDIR", tool.folder.join(TMPDIR));
    command.envs(tool.environment.iter().map(|(name, value)| (name, value)));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    launch::arm(&mut command, orders);
    let spawned = command.spawn();
    // with it go our ends of the pipes that are the child's
    drop(command);
    match spawned {
        Ok(child) => Ok(Started { child, report }),
        Err(source) => match read_report(&mut report).failed_stage {
            Some(stage) if isolating(stage) => {
                Err(Error::CannotIsolate { tool: tool.name(), missing: format!("the system refuses it ({source})") })
            }
            Some(_) => Err(Error::Io { action: "set limits", tool: tool.name(), source }),
            None => Err(Error::Start { tool: tool.name(), source }),
        },
    }
}

/// What the threads of one run share.
struct Threads<'a> {
    watched: &'a Arc<Watched>,
    budget: &'a Arc<Budget>,
    events: &'a Sender<Event>,
    limits: &'a ChildLimits,
}

impl Threads<'_> {
    /// None is waited for: each ends with the tool.
    fn start(&self, mut process: Started, tool: &Tool, started: Instant) -> io::Result<()> {
        let pid = process.child.id();
        let output = process.child.stdout.take().expect("it was piped");
        let error = process.child.stderr.take().expect("it was piped");
        let (watched, events) = (self.watched.clone(), self.events.clone());
        spawn_thread(move || {
            let report = read_report(&mut process.report);
            watched.reaping();
            let _status = process.child.wait();
            let _gone = events.send(Event::Ended(report));
        })?;
        let (budget, events) = (self.budget.clone(), self.events.clone());
        spawn_thread(move || output::read(output, Stream::Output, &budget, &events))?;
        let (budget, events) = (self.budget.clone(), self.events.clone());
        spawn_thread(move || output::read(error, Stream::Error, &budget, &events))?;
        let (watched, limits) = (self.watched.clone(), self.limits.clone());
        spawn_thread(move || watched.watch_processes(pid, &limits, started))?;
        let (watched, limits, folder) = (self.watched.clone(), self.limits.clone(), tool.folder.clone());
        spawn_thread(move || watched.watch_disk(&folder, &limits))
    }
}

fn spawn_thread(work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name("hks-build-tool".to_owned()).spawn(work).map(drop)
}

/// Hands lines to `log` until the tool and its output have ended.
fn follow(events: &Receiver<Event>, mut log: impl FnMut(Line)) -> Report {
    let mut report = None;
    let mut open = 2;
    while open > 0 || report.is_none() {
        let event = match report {
            None => events.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(_) => events.recv_timeout(OUTPUT_WAIT),
        };
        match event {
            Ok(Event::Line(line)) => log(line),
            Ok(Event::Closed) => open -= 1,
            Ok(Event::Ended(ended)) => report = Some(ended),
            Err(_) => break,
        }
    }
    report.unwrap_or_default()
}

/// Records until nobody is left who could write one.
fn read_report(pipe: &mut PipeReader) -> Report {
    let mut report = Report::default();
    let mut record = [0; 16];
    while pipe.read_exact(&mut record).is_ok() {
        let (tag, value) = record.split_at(8);
        let number = |bytes: &[u8]| u64::from_ne_bytes(bytes.try_into().expect("half of a record"));
        let value = number(value);
        match number(tag) {
            tag if tag == Tag::Status as u64 => report.status = i32::try_from(value).ok(),
            tag if tag == Tag::CpuMicros as u64 => report.cpu_us = value,
            tag if tag == Tag::FailedStage as u64 => report.failed_stage = Some(value),
            _ => {}
        }
    }
    report
}
