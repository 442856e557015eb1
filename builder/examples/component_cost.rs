//! What a call of a small function in Rust costs, beside a component that does nothing.
//!
//! `cargo run --release -p hks-builder --example component_cost -- [executions=5000]` prints one line of JSON: microseconds of both,
//! and their ratio. Calls alternate, so that a busy machine is busy for both.

mod house;

use std::time::Instant;

use anyhow::{bail, ensure};
use hks_builder::source::{SourceLimits, SourceTree};
use hks_builder::{Builder, Cancel, Request};
use hks_protocol::{Attempt, Json, Outcome};
use hks_runtime::{Prepared, Runtime};
use serde_json::json;

const NOTHING: &str = include_str!("nothing.wat");
const HELLO: &str = include_str!("../../sdk-rust/guest/examples/hello.rs");
const EVENT: &str = r#"{"input": 21}"#;
const WARM: usize = 200;

fn main() -> anyhow::Result<()> {
    let executions = match std::env::args().nth(1).as_deref().and_then(|text| text.strip_prefix("executions=")) {
        Some(number) => number.parse()?,
        None => 5000,
    };
    let folder = tempfile::tempdir()?;
    let (runtime, builder) = house::make(folder.path())?;
    let nothing = built(&builder, "wasm", "function.wasm", wat::parse_str(NOTHING)?)?;
    let hello = built(&builder, "rust", "hello.rs", HELLO.into())?;
    let [mut of_nothing, mut of_hello] = [Vec::new(), Vec::new()];
    for number in 0..WARM + executions {
        let (one, other) = (call(&runtime, &nothing)?, call(&runtime, &hello)?);
        if number >= WARM {
            of_nothing.push(one);
            of_hello.push(other);
        }
    }
    let (nothing, hello) = (median(of_nothing), median(of_hello));
    let rounded = |number: f64| (number * 100.0).round() / 100.0;
    let ratio = rounded(hello / nothing);
    println!("{}", json!({ "nothing_us": rounded(nothing), "hello_us": rounded(hello), "ratio": ratio }));
    Ok(())
}

fn built(builder: &Builder, runtime: &str, file: &str, content: Vec<u8>) -> anyhow::Result<Prepared> {
    let yaml = format!("name: measured\nruntime: {runtime}\n");
    let files = [("function.yaml", yaml.into_bytes()), (file, content)];
    let request = Request::of_files(SourceTree::from_files(files, &SourceLimits::default())?)?;
    let built = builder.build(&request, &Cancel::new(), |line| eprintln!("{}: {}", line.step, line.text))?;
    Ok(builder.load(built.artifact)?)
}

/// Microseconds from the request to the report.
fn call(runtime: &Runtime, prepared: &Prepared) -> anyhow::Result<f64> {
    let attempt = Attempt::new(None, Json::parse("event", EVENT.to_owned())?);
    let asked = Instant::now();
    let report = runtime.run_here(prepared, &attempt, (), || false)?;
    let micros = asked.elapsed().as_secs_f64() * 1e6;
    ensure!(report.outcome == Outcome::Succeeded, "{:?}", report.error);
    if report.value.as_str() != "null" && report.value.as_str() != r#"{"result":42}"# {
        bail!("it answers {}", report.value.as_str());
    }
    Ok(micros)
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied().unwrap_or(f64::NAN)
}
