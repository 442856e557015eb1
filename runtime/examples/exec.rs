//! Runs one file in a fresh instance and prints the report: the shortest way through `engine` and `runtime`.
//!
//! `cargo run --release -p hks-runtime --example exec -- python hello.py '{"input": 21}'`
//! (after `cargo xtask guests`).

mod guest;

use anyhow::Context;
use hks_engine::Metering;
use hks_protocol::{Attempt, Json};

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let language = arguments.next().context("usage: exec LANGUAGE FILE [EVENT]")?;
    let file = arguments.next().context("usage: exec LANGUAGE FILE [EVENT]")?;
    let event = arguments.next().unwrap_or_else(|| "null".into());
    let (runtime, prepared) = guest::prepare(&language, Metering::FuelAndEpoch, |_| ())?;
    let attempt = Attempt::new(Some(std::fs::read_to_string(file)?), Json::parse("event", event)?);
    let report =
        tokio::runtime::Builder::new_current_thread().build()?.block_on(runtime.run(&prepared, attempt, ()))?;
    println!("{}", serde_json::to_string_pretty(&report)?);
    Ok(())
}
