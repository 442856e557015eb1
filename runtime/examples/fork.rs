//! What it costs to fork a live instance: `fork FILE MIB ROUNDS`, one line of JSON.
//!
//! `FILE` is a Python handler that builds live data when it is first called with `{"mib": MIB}`, and returns whether they are
//! `right` in every call. A round loads it, lets it build, forks it, executes the fork twice, and forks it again.

mod guest;

use std::time::Instant;

use anyhow::{Context, bail, ensure};
use hks_engine::Metering;
use hks_protocol::{Attempt, Json, Limits, LimitsSpec, Outcome, Report};
use hks_runtime::{Prepared, Runtime};
use serde_json::{Value, json};

const USAGE: &str = "usage: fork FILE MIB ROUNDS";
/// What the interpreter takes beside twice the data, because they may take more than they hold.
const MEMORY_MB_BESIDE: u64 = 128;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, mib, rounds] = arguments.as_slice() else { bail!(USAGE) };
    let code = std::fs::read_to_string(file).with_context(|| format!("cannot read {file}"))?;
    let (mib, rounds): (u64, usize) = (mib.parse().context(USAGE)?, rounds.parse().context(USAGE)?);
    let (runtime, prepared) = guest::prepare("python", Metering::FuelAndEpoch, |_| ())?;
    let job = Job { runtime, prepared, code, mib };
    let rounds: Vec<Value> = (0..rounds).map(|_| job.round()).collect::<anyhow::Result<_>>()?;
    println!("{}", Value::from(rounds));
    Ok(())
}

struct Job {
    runtime: Runtime,
    prepared: Prepared,
    code: String,
    mib: u64,
}

impl Job {
    /// Milliseconds of each part.
    fn round(&self) -> anyhow::Result<Value> {
        let (report, session) = self.wait(self.runtime.load(&self.prepared, self.attempt(Some(&self.code))?, ()))?;
        let mut session = session.with_context(|| format!("{:?}", report.error))?;
        check(&self.wait(session.call(self.attempt(None)?, ()))?)?;
        let (fork_ms, forked) = timed(|| self.wait(session.fork()))?;
        let (first_ms, report) = timed(|| self.execute(&forked))?;
        check(&report)?;
        let (next_ms, report) = timed(|| self.execute(&forked))?;
        check(&report)?;
        let (again_ms, _) = timed(|| self.wait(session.fork()))?;
        Ok(json!({ "fork_ms": fork_ms, "first_ms": first_ms, "next_ms": next_ms, "again_ms": again_ms }))
    }

    fn wait<T>(&self, work: impl Future<Output = hks_runtime::Result<T>>) -> anyhow::Result<T> {
        Ok(self.runtime.wait_for(work, || false).context("nobody interrupts it")??)
    }

    fn execute(&self, forked: &Prepared) -> anyhow::Result<Report> {
        Ok(self.runtime.run_here(forked, &self.attempt(None)?, (), || false)?)
    }

    fn attempt(&self, code: Option<&str>) -> anyhow::Result<Attempt> {
        let mut attempt =
            Attempt::new(code.map(str::to_owned), Json::parse("event", json!({ "mib": self.mib }).to_string())?);
        let spec = LimitsSpec { memory_mb: Some(self.mib * 2 + MEMORY_MB_BESIDE), ..LimitsSpec::default() };
        attempt.limits = Limits::try_from(spec)?;
        Ok(attempt)
    }
}

fn timed<T>(work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<(f64, T)> {
    let began = Instant::now();
    let done = work()?;
    Ok((began.elapsed().as_secs_f64() * 1e3, done))
}

fn check(report: &Report) -> anyhow::Result<()> {
    ensure!(report.outcome == Outcome::Succeeded, "{:?}", report.error);
    let value: Value = serde_json::from_str(report.value.as_str())?;
    ensure!(value["right"] == true, "the data are not there: {value}");
    Ok(())
}
