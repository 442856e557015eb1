//! What a deployment costs, from its request to the first answer, and what each call of it costs then:
//! `deploy FOLDER_OR_FILE [key=value...]`.
//!
//! Keys: `event` (JSON, `null`), `rounds` (each of a source that was never seen, 20), `calls` (of what was deployed last, in
//! fresh instances, 0), `data` (a folder; a temporary one). The first build of a process is not counted: it maps the
//! interpreter. Prints one line of JSON.

mod house;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use cap_std::ambient_authority;
use cap_std::fs::Dir;
use hks_builder::source::{SourceLimits, SourceTree};
use hks_builder::{Cancel, Request};
use hks_protocol::{Attempt, Json, Manifest, Outcome};
use serde_json::json;

const USAGE: &str = "usage: deploy FOLDER_OR_FILE [key=value...]";

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let path = PathBuf::from(arguments.next().context(USAGE)?);
    let options: BTreeMap<String, String> =
        arguments.filter_map(|pair| pair.split_once('=').map(|(key, value)| (key.into(), value.into()))).collect();
    let option = |key: &str| options.get(key).map(String::as_str);
    let rounds: usize = option("rounds").unwrap_or("20").parse()?;
    let event = option("event").unwrap_or("null");

    let temporary = tempfile::tempdir()?;
    let data = option("data").map_or_else(|| temporary.path().to_path_buf(), PathBuf::from);
    let (runtime, builder) = house::make(&data)?;
    let calls: usize = option("calls").unwrap_or("0").parse()?;
    let (mut totals, mut executions) = (Vec::new(), Vec::new());
    let mut phases: BTreeMap<&'static str, Vec<Duration>> = BTreeMap::new();
    for round in 0..=rounds {
        let request = request(&path, round)?;
        let begun = Instant::now();
        let built = builder.build(&request, &Cancel::new(), |_| {})?;
        let loading = Instant::now();
        let function = builder.load(built.artifact)?;
        let called = Instant::now();
        let mut attempt = Attempt::new(None, Json::parse("event", event.to_owned())?);
        attempt.limits = *request.manifest.limits();
        let report = runtime.run_here(&function, &attempt, (), || false)?;
        ensure!(report.outcome == Outcome::Succeeded, "{:?}", report.error);
        let answered = Instant::now();
        if round == rounds {
            for _ in 0..calls {
                let begun = Instant::now();
                runtime.run_here(&function, &attempt, (), || false)?;
                executions.push(begun.elapsed());
            }
        }
        if round == 0 {
            continue;
        }
        totals.push(answered - begun);
        phases.entry("load").or_default().push(called - loading);
        phases.entry("first call").or_default().push(answered - called);
        for phase in &built.phases {
            phases.entry(phase.name).or_default().push(phase.time);
        }
    }
    let phases: BTreeMap<_, _> = phases.into_iter().map(|(name, times)| (name, ms(times))).collect();
    let (totals, calls) = (ms(totals), ms(executions));
    println!("{}", json!({ "function": path, "request_to_answer_ms": totals, "phases_ms": phases, "call_ms": calls }));
    Ok(())
}

/// The function of a folder, or of one file; each round with another comment in it, so that it was never seen.
fn request(path: &Path, round: usize) -> Result<Request> {
    if path.is_dir() {
        let folder = Dir::open_ambient_dir(path, ambient_authority())?;
        let mut request = Request::of_files(SourceTree::from_folder(&folder, &SourceLimits::default())?)?;
        let mut files: Vec<(String, Vec<u8>)> =
            request.source.iter().map(|(path, content)| (path.as_str().to_owned(), content.to_vec())).collect();
        files.push((".round".into(), round.to_string().into_bytes()));
        request.source = SourceTree::from_files(files, &SourceLimits::default())?;
        return Ok(request);
    }
    let name = path.file_name().and_then(|name| name.to_str()).context(USAGE)?;
    let mut text = std::fs::read_to_string(path)?;
    let comment = if name.ends_with(".py") { "#" } else { "//" };
    text += &format!("\n{comment} {round}\n");
    let manifest: Manifest = serde_json::from_value(json!({ "name": "deployed" }))?;
    Ok(Request { source: SourceTree::from_file(name, text, &SourceLimits::default())?, manifest })
}

/// Median, the slowest of twenty, and how many there were.
fn ms(mut times: Vec<Duration>) -> serde_json::Value {
    times.sort_unstable();
    let at = |quantile: f64| {
        let index = (times.len().saturating_sub(1) as f64 * quantile).round() as usize;
        times.get(index).map(|time| (time.as_secs_f64() * 1e6).round() / 1e3)
    };
    json!({ "p50": at(0.5), "p95": at(0.95), "n": times.len() })
}
