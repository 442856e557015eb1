//! The executions of a soak: what they run, in which order, and what must come of each.
//!
//! Every function looks for what others left before it leaves something itself. Components see all of their memory. An
//! interpreter sees what its language can reach; besides, an execution that ends well must use the fuel that it always uses,
//! and that changes if anything of the memory that it reads is not as in its snapshot.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::mpsc;

use anyhow::{Context, bail, ensure};
use hks_engine::{ArtifactStore, EngineConfig};
use hks_protocol::{Attempt, Bytes, Environment, Json, Limits, LimitsSpec, Outcome, Report, Seconds};
use hks_runtime::{PlacesStats, Prepared, Runtime, RuntimeConfig, Verify};

use crate::harness::{Language, canaries};

/// Their projects, and what they leave behind.
const TENANTS: [(&str, &str); 3] =
    [("north", "C4N4RY-of-the-north"), ("east", "C4N4RY-of-the-east!"), ("south", "C4N4RY-of-the-south")];

/// Fuel may differ by this share: ids, seeds and times are new in every execution.
const FUEL_TOLERANCE: f64 = 0.03;

const PYTHON: &str = "
import builtins, os, sys
kept = []
def deep(text, n): return deep(text + '.', n - 1) if n else len(text)
def handler(event, context):
    found = [name for name in ('mark', 'marks') if hasattr(builtins, name)] + kept
    found += [name for name in sys.modules if name.startswith('C4N4RY')]
    found += [value for name, value in os.environ.items() if name.startswith('MARK') and value != event['mark']]
    mark, do = event['mark'], event['do']
    if do == 'file':
        found += os.listdir('/tmp')
        with open('/tmp/' + mark, 'w') as file: file.write(mark * 100)
    builtins.mark = mark; sys.modules[mark] = builtins; kept.append(mark); os.environ['MARK_OWN'] = mark
    builtins.marks = [mark + str(n) for n in range(100)]
    deep(mark, 40)
    if found or not do or do == 'file': return found
    if do == 'raise': raise ValueError(mark)
    if do == 'exit': import posix; posix._exit(3)
    if do == 'memory': return len(bytearray(1 << 30))
    while do == 'loop': pass
";

const JAVASCRIPT: &str = "
const kept = [];
const deep = (text, n) => n ? deep(text + '.', n - 1) : text.length;
exports.handler = async ({ mark, do: what }) => {
    const found = ['mark', 'marks'].filter((name) => name in globalThis).concat(kept);
    if (process.env.MARK_OWN || process.env.MARK !== mark) found.push(process.env.MARK_OWN, process.env.MARK);
    if ('mark' in {} || 'mark' in []) found.push('prototypes');
    globalThis.mark = Object.prototype.mark = mark; kept.push(mark); process.env.MARK_OWN = mark;
    globalThis.marks = Array.from({ length: 100 }, (_, n) => mark + n);
    deep(mark, 40);
    if (found.length || !what) return found;
    if (what === 'raise') throw new TypeError(mark);
    if (what === 'exit') process.exit(3);
    if (what === 'memory') return new ArrayBuffer(2 ** 30).byteLength;
    if (what === 'deep') { const f = () => f() + 1; f(); }
    while (what === 'loop');
};
";

/// What is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Target {
    /// Source text of a language.
    Source(Language),
    /// The same source, from behind its top level.
    Behind(Language),
    /// A component, see [`canaries::anywhere`].
    Component,
    /// A component that starts from a snapshot, see [`canaries::behind_a_pattern`].
    BehindPattern,
}

/// What the handler is asked to do, and how that must end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Deed {
    Look,
    File,
    Raise,
    Exit,
    Memory,
    Deep,
    Timeout,
    Fuel,
    Cancel,
    /// Not the handler's: a session that is called, forked and called again.
    Session,
}

use Deed::{Cancel, Deep, Exit, File, Fuel, Look, Memory, Raise, Session, Timeout};
use Language::{JavaScript, Python};
use Target::{Behind, BehindPattern, Component, Source};

/// Of a thousand executions, so many are of each kind. Those that look at every page of their memory take a hundred times as
/// long as others, and are few.
const MIX: [(u64, Target, Deed); 27] = [
    (350, Source(Python), Look),
    (260, Behind(Python), Look),
    (160, Source(JavaScript), Look),
    (130, Behind(JavaScript), Look),
    (5, Component, Look),
    (5, BehindPattern, Look),
    (12, Source(Python), File),
    (8, Behind(Python), File),
    (6, Source(Python), Raise),
    (6, Behind(Python), Raise),
    (8, Source(JavaScript), Raise),
    (8, Behind(JavaScript), Raise),
    (2, Source(Python), Exit),
    (2, Behind(Python), Exit),
    (2, Component, Exit),
    (2, BehindPattern, Exit),
    (2, Behind(Python), Memory),
    (4, Behind(JavaScript), Memory),
    (8, Behind(JavaScript), Deep),
    (3, Behind(Python), Timeout),
    (3, Source(JavaScript), Timeout),
    (2, BehindPattern, Timeout),
    (2, Component, Fuel),
    (2, Source(Python), Fuel),
    (4, Behind(JavaScript), Cancel),
    (2, Source(Python), Session),
    (2, Source(JavaScript), Session),
];

/// What is learned of fuel, and when it is held against an execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Phase {
    /// Sources are compiled and slots mapped.
    Filling,
    Learning,
    Judging,
}

/// All that a soak runs.
pub(crate) struct Work {
    runtime: Runtime,
    guests: BTreeMap<&'static str, Prepared>,
    targets: BTreeMap<Target, Prepared>,
    phase: AtomicU8,
    fuel: Mutex<BTreeMap<(Target, Deed), (u64, u64)>>,
    counts: BTreeMap<(Target, Deed), AtomicU64>,
    _folder: tempfile::TempDir,
}

impl Work {
    /// Compiles and prepares everything. Every twentieth slot is compared with its snapshot.
    pub(crate) fn new() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut config = RuntimeConfig::new(folder.path().join("scratch"));
        config.places.verify = Verify::Every(NonZeroU64::new(20).context("not zero")?);
        let runtime = Runtime::new(&EngineConfig::default(), config)?;
        let mut work = Self {
            runtime,
            guests: BTreeMap::new(),
            targets: BTreeMap::new(),
            phase: AtomicU8::new(Phase::Filling as u8),
            fuel: Mutex::default(),
            counts: MIX.iter().map(|(_, target, deed)| ((*target, *deed), AtomicU64::new(0))).collect(),
            _folder: folder,
        };
        for language in Language::ALL {
            let guest = work.prepare(&cache().join("artifacts"), &language.wasm())?;
            work.targets.insert(Source(language), guest.clone());
            let mut attempt = Attempt::new(Some(source(language).into()), Json::null());
            attempt.environment = Environment::try_from(BTreeMap::from([("MARK".into(), "of the load".into())]))?;
            let loaded = work.behind(&guest, attempt)?;
            work.targets.insert(Behind(language), loaded);
            work.guests.insert(name(language), guest);
        }
        let artifacts = work._folder.path().join("artifacts");
        let anywhere = work.prepare(&artifacts, &wat::parse_str(canaries::anywhere())?)?;
        let patterned = work.prepare(&artifacts, &wat::parse_str(canaries::behind_a_pattern())?)?;
        let patterned = work.behind(&patterned, Attempt::new(None, Json::null()))?;
        work.targets.extend([(Component, anywhere), (BehindPattern, patterned)]);
        Ok(work)
    }

    fn prepare(&self, artifacts: &std::path::Path, wasm: &[u8]) -> anyhow::Result<Prepared> {
        let artifact = ArtifactStore::open(artifacts)?.load_or_compile(self.runtime.engine(), wasm)?;
        Ok(self.runtime.prepare(&artifact)?)
    }

    fn behind(&self, prepared: &Prepared, attempt: Attempt) -> anyhow::Result<Prepared> {
        wait(async {
            let (report, session) = self.runtime.load(prepared, attempt, ()).await?;
            Ok(session.with_context(|| format!("not loaded: {:?}", report.error))?.fork().await?)
        })
    }

    /// Tells at which round the soak is.
    pub(crate) fn set_phase(&self, round: u64, warm_up_rounds: u64) {
        let phase = match round {
            1 => Phase::Filling,
            round if round <= warm_up_rounds => Phase::Learning,
            _ => Phase::Judging,
        };
        self.phase.store(phase as u8, Ordering::Relaxed);
    }

    pub(crate) fn places(&self) -> PlacesStats {
        self.runtime.places()
    }

    /// How many there were of each kind.
    pub(crate) fn summary(&self) -> String {
        let counts = self.counts.iter().map(|((target, deed), count)| {
            let (what, count) = (format!("{target:?} {deed:?}"), count.load(Ordering::Relaxed));
            format!("{what} {count}")
        });
        counts.collect::<Vec<_>>().join(", ")
    }

    /// Runs the execution of that number, and says what was wrong with it.
    pub(crate) fn execute(&self, number: u64) -> anyhow::Result<()> {
        let (target, deed) = kind(number);
        let tenant = TENANTS[usize::try_from(number % 3).expect("less than 3")];
        if deed == Session {
            self.session(target, tenant).with_context(|| format!("session of {target:?}"))?;
        } else {
            let attempt = attempt(target, deed, tenant)?;
            let report = match deed {
                Cancel => self.cancel(&self.targets[&target], attempt)?,
                _ => self.runtime.run_here(&self.targets[&target], &attempt, (), || false)?,
            };
            self.judge(target, deed, &report).with_context(|| format!("{target:?} {deed:?} of {}", tenant.0))?;
        }
        self.counts[&(target, deed)].fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn judge(&self, target: Target, deed: Deed, report: &Report) -> anyhow::Result<()> {
        let expected = outcome(target, deed);
        ensure!(report.outcome == expected, "{:?} instead of {expected:?}: {:?}", report.outcome, report.error);
        ensure!(report.logs.stdout.is_empty() && report.logs.stderr.is_empty(), "another's output: {:?}", report.logs);
        if matches!(deed, Look | File) {
            let nothing = if matches!(target, Component | BehindPattern) { "0" } else { "[]" };
            ensure!(report.value.as_str() == nothing, "it found a canary: {}", report.value.as_str());
            self.judge_fuel(target, deed, report.usage.fuel)?;
        }
        Ok(())
    }

    fn judge_fuel(&self, target: Target, deed: Deed, used: u64) -> anyhow::Result<()> {
        let phase = self.phase.load(Ordering::Relaxed);
        if phase == Phase::Filling as u8 {
            return Ok(());
        }
        let mut fuel = self.fuel.lock().expect("nobody panics with it");
        let (least, most) = fuel.entry((target, deed)).or_insert((used, used));
        if phase == Phase::Learning as u8 {
            (*least, *most) = ((*least).min(used), (*most).max(used));
            return Ok(());
        }
        let (low, high) = (*least as f64 * (1.0 - FUEL_TOLERANCE), *most as f64 * (1.0 + FUEL_TOLERANCE));
        if !(low..=high).contains(&(used as f64)) {
            bail!("it used {used} units of fuel, and others {least} to {most}");
        }
        Ok(())
    }

    fn cancel(&self, prepared: &Prepared, attempt: Attempt) -> anyhow::Result<Report> {
        let (send, receive) = mpsc::channel();
        let execution = self.runtime.start(prepared, attempt, (), move |report| drop(send.send(report)));
        std::thread::yield_now();
        execution.cancel();
        Ok(receive.recv().context("no report")??)
    }

    /// Loads, calls, forks, and calls both sides: a session sees what it left itself, a fork what was there when it was made.
    fn session(&self, target: Target, tenant: (&str, &str)) -> anyhow::Result<()> {
        let Source(language) = target else { bail!("sessions are of sources") };
        let load = attempt(target, Look, tenant)?;
        let call = |behind| attempt(behind, Look, tenant);
        wait(async {
            let (report, session) = self.runtime.load(&self.guests[name(language)], load, ()).await?;
            let mut session = session.with_context(|| format!("not loaded: {:?}", report.error))?;
            let clean = session.fork().await?;
            let first = session.call(call(Behind(language))?, ()).await?;
            self.judge(Behind(language), Look, &first)?;
            let marked = session.fork().await?;
            for (function, found) in [(&clean, false), (&marked, true), (&clean, false)] {
                let report = self.runtime.run(function, call(Behind(language))?, ()).await?;
                ensure!(report.outcome == Outcome::Succeeded, "{:?}", report.error);
                ensure!((report.value.as_str() != "[]") == found, "{found}: {}", report.value.as_str());
            }
            Ok(())
        })
    }
}

/// The kind of an execution. A factor that has no divisor in common with a thousand brings all of them, well mixed.
fn kind(number: u64) -> (Target, Deed) {
    let mut place = number.wrapping_mul(7919) % 1000;
    for (share, target, deed) in MIX {
        if place < share {
            return (target, deed);
        }
        place -= share;
    }
    unreachable!("the shares add up to a thousand")
}

fn attempt(target: Target, deed: Deed, (project, mark): (&str, &str)) -> anyhow::Result<Attempt> {
    let code = match target {
        Source(language) => Some(source(language).to_owned()),
        _ => None,
    };
    let event = match (target, deed) {
        (Component | BehindPattern, Exit) => "1".to_owned(),
        (Component | BehindPattern, Timeout | Fuel | Cancel) => "2".to_owned(),
        (Component | BehindPattern, _) => "0".to_owned(),
        _ => format!(r#"{{"mark": "{mark}", "do": "{}"}}"#, word(deed)),
    };
    let mut attempt = Attempt::new(code, Json::parse("event", event)?);
    attempt.function.project = project.to_owned().try_into()?;
    attempt.environment = Environment::try_from(BTreeMap::from([("MARK".to_owned(), mark.to_owned())]))?;
    attempt.limits = limits(deed)?;
    Ok(attempt)
}

/// Ample, but for what is to meet a limit.
fn limits(deed: Deed) -> anyhow::Result<Limits> {
    let limits = LimitsSpec {
        timeout_s: Some(Seconds::Text(if deed == Timeout { "8ms" } else { "60s" }.into())),
        fuel: Some(if deed == Fuel { 12_000_000 } else { Limits::FUEL_MAX }),
        memory_mb: Some(128),
        tmp_bytes: Some(Bytes::Number(1 << 20)),
        ..LimitsSpec::default()
    };
    Ok(Limits::try_from(limits)?)
}

fn outcome(target: Target, deed: Deed) -> Outcome {
    let is_component = matches!(target, Component | BehindPattern);
    match deed {
        Look | File | Session => Outcome::Succeeded,
        Raise | Deep => Outcome::Failed,
        Exit if is_component => Outcome::Trapped,
        Exit => Outcome::Exited,
        Memory => Outcome::OutOfMemory,
        Timeout => Outcome::TimedOut,
        Fuel => Outcome::OutOfFuel,
        Cancel => Outcome::Canceled,
    }
}

fn word(deed: Deed) -> &'static str {
    match deed {
        Look | Session => "",
        File => "file",
        Raise => "raise",
        Exit => "exit",
        Memory => "memory",
        Deep => "deep",
        Timeout | Fuel | Cancel => "loop",
    }
}

fn source(language: Language) -> &'static str {
    match language {
        Python => PYTHON,
        JavaScript => JAVASCRIPT,
    }
}

fn name(language: Language) -> &'static str {
    match language {
        Python => "python",
        JavaScript => "javascript",
    }
}

fn wait<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(work)
}

/// Where the suite keeps compiled interpreters, too.
fn cache() -> PathBuf {
    let from = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    from("HKS_CACHE_DIR")
        .or_else(|| from("XDG_CACHE_HOME").map(|folder| folder.join("hks")))
        .unwrap_or_else(|| from("HOME").unwrap_or_default().join(".cache/hks"))
}
