//! Runs one file in a fresh instance and prints the report: the shortest way through `engine` and `runtime`.
//!
//! `cargo run --release -p hks-runtime --example exec -- python hello.py '{"input": 21}'`
//! (after `cargo xtask guests`).

use std::path::{Path, PathBuf};

use anyhow::Context;
use hks_engine::{ArtifactStore, Engine, EngineConfig};
use hks_protocol::{Attempt, Json};
use hks_runtime::{Runtime, RuntimeConfig};

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let language = arguments.next().context("usage: exec LANGUAGE FILE [EVENT]")?;
    let file = arguments.next().context("usage: exec LANGUAGE FILE [EVENT]")?;
    let event = arguments.next().unwrap_or_else(|| "null".into());
    let guests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sdk-python/python/hks_sdk/_guests");
    let cache = PathBuf::from(std::env::var("HOME")?).join(".cache/hks");

    let wasm = std::fs::read(guests.join(format!("{language}.wasm"))).context("run `cargo xtask guests` first")?;
    let engine = Engine::new(&EngineConfig::default())?;
    let artifact = ArtifactStore::open(&cache.join("artifacts"))?.load_or_compile(&engine, &wasm)?;
    let runtime = Runtime::new(engine, RuntimeConfig::new(cache.join("scratch")))?;
    let prepared = runtime.prepare(&artifact)?;

    let attempt = Attempt::new(Some(std::fs::read_to_string(file)?), Json::parse("event", event)?);
    let report =
        tokio::runtime::Builder::new_current_thread().build()?.block_on(runtime.run(&prepared, attempt, ()))?;
    println!("{}", serde_json::to_string_pretty(&report)?);
    Ok(())
}
