//! Runs one handler several times under a chosen metering, for `bench/`: what fuel and epochs cost.
//!
//! `cargo run --release -p hks-runtime --example cpu -- fuel+epoch python fib.py 5` prints a JSON array with the
//! milliseconds, the fuel and the value of each run. `METERING` is `fuel+epoch`, `epoch` or `none`; the guest is compiled
//! for each of them once, which takes up to a minute.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use hks_engine::{ArtifactStore, Engine, EngineConfig, Metering};
use hks_protocol::{Attempt, Json, Status};
use hks_runtime::{Prepared, Runtime, RuntimeConfig};
use serde_json::{Value, json};

const USAGE: &str = "usage: cpu METERING LANGUAGE FILE RUNS";

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [metering, language, file, runs] = arguments.as_slice() else { bail!(USAGE) };
    let (metering, runs) = (parse(metering)?, runs.parse::<u32>().context(USAGE)?);
    let code = std::fs::read_to_string(file).with_context(|| format!("cannot read {file}"))?;
    let (runtime, prepared) = prepare(metering, language)?;
    let threads = tokio::runtime::Builder::new_current_thread().build()?;
    let reports: Vec<Value> =
        (0..runs).map(|_| threads.block_on(run(&runtime, &prepared, &code))).collect::<anyhow::Result<_>>()?;
    println!("{}", Value::from(reports));
    Ok(())
}

fn parse(metering: &str) -> anyhow::Result<Metering> {
    Ok(match metering {
        "fuel+epoch" => Metering::FuelAndEpoch,
        "epoch" => Metering::Epoch,
        "none" => Metering::None,
        _ => bail!("{metering:?} is not fuel+epoch, epoch or none; {USAGE}"),
    })
}

fn prepare(metering: Metering, language: &str) -> anyhow::Result<(Runtime, Prepared)> {
    let guests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sdk-python/python/hks_sdk/_guests");
    let cache = PathBuf::from(std::env::var("HOME")?).join(".cache/hks");
    let wasm = std::fs::read(guests.join(format!("{language}.wasm"))).context("run `cargo xtask guests` first")?;
    let engine = Engine::new(&EngineConfig { metering, ..EngineConfig::default() })?;
    let artifact = ArtifactStore::open(&cache.join("artifacts"))?.load_or_compile(&engine, &wasm)?;
    let mut config = RuntimeConfig::new(cache.join("scratch"));
    config.allow_unmetered = metering == Metering::None;
    let runtime = Runtime::new(engine, config)?;
    let prepared = runtime.prepare(&artifact)?;
    Ok((runtime, prepared))
}

async fn run(runtime: &Runtime, prepared: &Prepared, code: &str) -> anyhow::Result<Value> {
    let attempt = Attempt::new(Some(code.to_owned()), Json::parse("event", "null".to_owned())?);
    let report = runtime.run(prepared, attempt, ()).await?;
    ensure!(report.status == Status::Succeeded, "the handler did not succeed: {:?}", report.error);
    Ok(json!({ "wall_ms": report.usage.wall_ms, "fuel": report.usage.fuel, "value": report.value }))
}
