//! What an execution costs: `start PYTHON_OR_JAVASCRIPT FILE EVENT [key=value...]`, one line of JSON.
//!
//! Keys: `threads` (callers at once, 1), `executions` (of each, 2000), `warm` (200), `metering` (fuel+epoch, epoch, none),
//! `load` (1: behind the top level, from a snapshot), `more` (a file: handlers are taken in turn), `scan` (0: as if the
//! kernel could not tell written pages), `packages` (a folder), `unseen` (1: a comment makes the source
//! text of every execution another one, which the interpreter has to compile).

mod guest;

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::time::Instant;

use anyhow::{Context, ensure};
use hks_protocol::{Attempt, Json, Outcome};
use hks_runtime::{Packages, Prepared, Runtime};
use serde_json::json;

const USAGE: &str = "usage: start LANGUAGE FILE EVENT [key=value...]";

struct Job {
    runtime: Runtime,
    /// What is called in turn: with source text, or behind it.
    handlers: Vec<(Prepared, Option<String>)>,
    event: String,
    /// How a comment of the language begins, if the source text is to be another one every time.
    unseen: Option<&'static str>,
    executed: AtomicUsize,
}

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().context(USAGE);
    let (language, file, event) = (next()?, next()?, next()?);
    let options: HashMap<String, String> =
        arguments.filter_map(|pair| pair.split_once('=').map(|(key, value)| (key.into(), value.into()))).collect();
    let number = |key: &str, default: usize| options.get(key).map_or(Ok(default), |value| value.parse::<usize>());
    let (threads, executions, warm) = (number("threads", 1)?, number("executions", 2000)?, number("warm", 200)?);
    let job = prepare(&language, &file, event, &options, threads)?;
    let barrier = Barrier::new(threads);
    let measured: Vec<anyhow::Result<Measured>> = std::thread::scope(|scope| {
        let callers: Vec<_> = (0..threads).map(|_| scope.spawn(|| job.measure(warm, executions, &barrier))).collect();
        callers.into_iter().map(|caller| caller.join().expect("it does not panic")).collect()
    });
    let measured = measured.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
    println!("{}", summary(&measured, executions, &job.runtime));
    Ok(())
}

fn prepare(
    language: &str,
    file: &str,
    event: String,
    options: &HashMap<String, String>,
    threads: usize,
) -> anyhow::Result<Job> {
    let metering = guest::metering(options.get("metering").map_or("fuel+epoch", String::as_str)).context(USAGE)?;
    let threads = NonZeroUsize::new(threads).context("threads is at least 1")?;
    let (runtime, mut prepared) = guest::prepare(language, metering, |config| {
        config.threads = threads;
        config.places.scan = options.get("scan").is_none_or(|scan| scan != "0");
    })?;
    if let Some(folder) = options.get("packages") {
        prepared = prepared.with_packages(Arc::new(Packages::read(Path::new(folder))?));
    }
    let mut handlers = Vec::new();
    for file in std::iter::once(file).chain(options.get("more").into_iter().flat_map(|more| more.split(','))) {
        let code = std::fs::read_to_string(file).with_context(|| file.to_owned())?;
        handlers.push(match options.get("load").is_some_and(|load| load == "1") {
            true => (load(&runtime, &prepared, code)?, None),
            false => (prepared.clone(), Some(code)),
        });
    }
    let unseen = options.get("unseen").is_some_and(|unseen| unseen == "1");
    let comment = if language == "python" { "#" } else { "//" };
    Ok(Job { runtime, handlers, event, unseen: unseen.then_some(comment), executed: AtomicUsize::new(0) })
}

fn load(runtime: &Runtime, prepared: &Prepared, code: String) -> anyhow::Result<Prepared> {
    let here = tokio::runtime::Builder::new_current_thread().build()?;
    here.block_on(async {
        let attempt = Attempt::new(Some(code), Json::null());
        let (report, session) = runtime.load(prepared, attempt, ()).await?;
        Ok(session.with_context(|| format!("{:?}", report.error))?.fork().await?)
    })
}

struct Measured {
    micros: Vec<f64>,
    start_micros: Vec<f64>,
    seconds: f64,
    fuel: u64,
    faults: u64,
}

impl Job {
    fn measure(&self, warm: usize, executions: usize, barrier: &Barrier) -> anyhow::Result<Measured> {
        let (mut micros, mut start_micros, mut fuel) = (Vec::new(), Vec::new(), 0);
        for number in 0..warm {
            self.execute(number)?;
        }
        barrier.wait();
        let (began, faults) = (Instant::now(), faults());
        for number in 0..executions {
            let asked = Instant::now();
            let (start, used) = self.execute(number)?;
            micros.push(asked.elapsed().as_secs_f64() * 1e6);
            start_micros.push(start as f64);
            fuel = used;
        }
        let seconds = began.elapsed().as_secs_f64();
        Ok(Measured { micros, start_micros, seconds, fuel, faults: self::faults() - faults })
    }

    fn execute(&self, number: usize) -> anyhow::Result<(u64, u64)> {
        let (prepared, code) = &self.handlers[number % self.handlers.len()];
        let mut code = code.clone();
        if let (Some(code), Some(comment)) = (&mut code, self.unseen) {
            code.push_str(&format!("\n{comment} {}", self.executed.fetch_add(1, Ordering::Relaxed)));
        }
        let attempt = Attempt::new(code, Json::parse("event", self.event.clone())?);
        let report = self.runtime.run_here(prepared, &attempt, (), || false)?;
        ensure!(report.outcome == Outcome::Succeeded, "{:?}", report.error);
        Ok((report.usage.start_us, report.usage.fuel))
    }
}

/// Page faults of this process so far.
fn faults() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(") ").next().unwrap_or_default();
    fields.split(' ').nth(7).and_then(|faults| faults.parse().ok()).unwrap_or(0)
}

fn summary(measured: &[Measured], executions: usize, runtime: &Runtime) -> serde_json::Value {
    let percentiles = |values: fn(&Measured) -> &Vec<f64>| {
        let mut all: Vec<f64> = measured.iter().flat_map(|caller| values(caller).iter().copied()).collect();
        all.sort_by(f64::total_cmp);
        let at = |share: f64| (all[((all.len() - 1) as f64 * share) as usize] * 10.0).round() / 10.0;
        json!({ "min": at(0.0), "p50": at(0.5), "p99": at(0.99), "max": at(1.0) })
    };
    let per_second: f64 = measured.iter().map(|caller| executions as f64 / caller.seconds).sum();
    let all = executions * measured.len();
    let places = runtime.places();
    json!({
        "micros": percentiles(|caller| &caller.micros),
        "start_micros": percentiles(|caller| &caller.start_micros),
        "per_second": per_second.round(),
        "fuel": measured[0].fuel,
        "faults": measured.iter().map(|caller| caller.faults).max().unwrap_or(0) as f64 / all as f64,
        "pages_copied": places.pages_copied as f64 / (places.reused + places.mapped) as f64,
        "pages_given_back": places.pages_given_back as f64 / (places.reused + places.mapped) as f64,
        "waiting_bytes": places.waiting_bytes,
        "waiting": places.waiting,
    })
}
