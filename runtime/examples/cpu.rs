//! Runs one handler several times under a chosen metering, for `bench/`: what fuel and epochs cost.
//!
//! `cargo run --release -p hks-runtime --example cpu -- fuel+epoch python fib.py 5` prints a JSON array with the
//! milliseconds, the fuel and the value of each run. `METERING` is `fuel+epoch`, `epoch` or `none`; the guest is compiled
//! for each of them once, which takes up to a minute.

mod guest;

use anyhow::{Context, bail, ensure};
use hks_protocol::{Attempt, Json, Status};
use hks_runtime::{Prepared, Runtime};
use serde_json::{Value, json};

const USAGE: &str = "usage: cpu METERING LANGUAGE FILE RUNS";

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [metering, language, file, runs] = arguments.as_slice() else { bail!(USAGE) };
    let (metering, runs) = (guest::metering(metering)?, runs.parse::<u32>().context(USAGE)?);
    let code = std::fs::read_to_string(file).with_context(|| format!("cannot read {file}"))?;
    let (runtime, prepared) = guest::prepare(language, metering, |_| ())?;
    let threads = tokio::runtime::Builder::new_current_thread().build()?;
    let reports: Vec<Value> =
        (0..runs).map(|_| threads.block_on(run(&runtime, &prepared, &code))).collect::<anyhow::Result<_>>()?;
    println!("{}", Value::from(reports));
    Ok(())
}

async fn run(runtime: &Runtime, prepared: &Prepared, code: &str) -> anyhow::Result<Value> {
    let attempt = Attempt::new(Some(code.to_owned()), Json::parse("event", "null".to_owned())?);
    let report = runtime.run(prepared, attempt, ()).await?;
    ensure!(report.status == Status::Succeeded, "the handler did not succeed: {:?}", report.error);
    Ok(json!({ "wall_ms": report.usage.wall_ms, "fuel": report.usage.fuel, "value": report.value }))
}
