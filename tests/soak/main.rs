//! Runs many executions of several tenants and says whether anything was left over: `soak --executions N`.
//!
//! Everything that a runtime does happens many times, by two callers at once: executions of source text and of functions
//! behind their top level, in Python, JavaScript and hand-made components, exceptions, traps, timeouts, cancellations,
//! refused memory, sessions and forks. It passes if
//!
//! - every execution ended as it should, and none found a canary of another (`work`);
//! - no slot differed from its snapshot;
//! - the process uses no more memory, files and mappings at the end than after the warm-up (`gauge`).
//!
//! Without arguments it is the short test of `cargo test`; `cargo xtask soak` runs a million.

#[cfg(test)]
mod gauge;
#[cfg(test)]
mod work;

#[cfg(test)]
#[expect(dead_code, unused_imports, reason = "the suite uses more of it")]
mod harness;

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use anyhow::{Context, bail};
use hks_runtime::PlacesStats;

use crate::gauge::{Gauge, Verdict};
use crate::work::Work;

/// For `cargo test`: less than a minute, also while others use the machine.
const SHORT: u64 = 10_000;
/// Between two looks at the process. After a round, nothing runs.
const ROUNDS: u64 = 20;
/// Rounds until all caches are full and every slot has learned which pages it keeps.
const WARM_UP_ROUNDS: u64 = 4;
const CALLERS: u64 = 2;

fn main() -> ExitCode {
    let executions = match executions(std::env::args().skip(1)) {
        Ok(Some(executions)) => executions,
        Ok(None) => return ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("soak: {error:#}");
            return ExitCode::from(2);
        }
    };
    match soak(executions) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("soak: FAILED: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// How many to run; `None` if the arguments are those of `cargo test` and name other tests.
fn executions(mut arguments: impl Iterator<Item = String>) -> anyhow::Result<Option<u64>> {
    let Some(first) = arguments.next() else { return Ok(Some(SHORT)) };
    if first == "--executions" {
        let number = arguments.next().context("--executions needs a number")?;
        let number: u64 = number.replace('_', "").parse().with_context(|| format!("{number:?} is no number"))?;
        return Ok(Some(number.max(ROUNDS * CALLERS)));
    }
    let names: Vec<String> = std::iter::once(first).chain(arguments).collect();
    if names.iter().any(|name| name == "--list") {
        return Ok(None);
    }
    let filters: Vec<&String> = names.iter().filter(|name| !name.starts_with('-')).collect();
    Ok((filters.is_empty() || filters.iter().any(|name| "soak".contains(name.as_str()))).then_some(SHORT))
}

fn soak(executions: u64) -> anyhow::Result<()> {
    let began = Instant::now();
    let work = Work::new()?;
    let next = AtomicU64::new(0);
    let mut gauges = Vec::new();
    for round in 1..=ROUNDS {
        let until = executions * round / ROUNDS;
        work.set_phase(round, WARM_UP_ROUNDS);
        std::thread::scope(|scope| {
            let callers: Vec<_> = (0..CALLERS).map(|_| scope.spawn(|| call(&work, &next, until))).collect();
            callers.into_iter().try_for_each(|caller| caller.join().expect("it does not panic"))
        })?;
        let gauge = Gauge::read()?;
        let places = work.places();
        println!("{}", progress(until, began, &gauge, &places));
        gauges.push(gauge);
        if places.differed > 0 {
            bail!("{} slots were not as their snapshot says: {places:?}", places.differed);
        }
    }
    println!("soak: {}", work.summary());
    let warm = usize::try_from(WARM_UP_ROUNDS).expect("a small number");
    let verdicts = Gauge::compare(&gauges[warm..]);
    for verdict in &verdicts {
        println!("soak: {verdict}");
    }
    match verdicts.iter().find(|verdict| !verdict.is_flat()) {
        Some(Verdict { what, .. }) => bail!("{what}: more at the end than after the warm-up"),
        None => {
            println!("soak: passed, {executions} executions in {:.0?}", began.elapsed());
            Ok(())
        }
    }
}

/// One caller, until the round is over.
fn call(work: &Work, next: &AtomicU64, until: u64) -> anyhow::Result<()> {
    let take = |number| (number < until).then_some(number + 1);
    while let Ok(number) = next.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take) {
        work.execute(number).with_context(|| format!("execution {number}"))?;
    }
    Ok(())
}

fn progress(executions: u64, began: Instant, gauge: &Gauge, places: &PlacesStats) -> String {
    let seconds = began.elapsed().as_secs_f64();
    format!(
        "soak: {executions:>9} executions, {:>5.0}/s, {gauge}, {} slots wait, {} mapped, {} reused, {} discarded, \
         {} compared",
        executions as f64 / seconds,
        places.waiting,
        places.mapped,
        places.reused,
        places.discarded,
        places.verified,
    )
}
