//! What a deployment costs, from its request to the first answer, and what each call of it costs then:
//! `deploy FOLDER_OR_FILE [key=value...]`. In place of a file, `noop` is a component that does nothing.
//!
//! Keys: `event` (JSON, `null`), `rounds` (each of a source that was never seen, 20), `calls` (of what was deployed last, in
//! fresh instances, 0), `guests` (the folder with the interpreters), `data` (a folder; a temporary one), `toolchains` (the managed
//! folder). The first build of a process is not counted: it maps the interpreter. Prints one line of JSON.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use cap_std::ambient_authority;
use cap_std::fs::Dir;
use hks_builder::source::{SourceLimits, SourceTree};
use hks_builder::store::{Place, Store};
use hks_builder::{Builder, BuilderConfig, Cancel, Request, Toolchains};
use hks_engine::{ArtifactStore, EngineConfig};
use hks_protocol::{Attempt, Json, Manifest, Outcome};
use hks_runtime::{Runtime, RuntimeConfig};
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
    let builder = builder(&data, Path::new(option("guests").unwrap_or(GUESTS)), option("toolchains"))?;
    let calls: usize = option("calls").unwrap_or("0").parse()?;
    let (mut totals, mut executions) = (Vec::new(), Vec::new());
    let mut phases: BTreeMap<&'static str, Vec<Duration>> = BTreeMap::new();
    for round in 0..=rounds {
        let request = request(&path, round)?;
        let begun = Instant::now();
        let built = builder.builder.build(&request, &Cancel::new(), |_| {})?;
        let loading = Instant::now();
        let function = builder.builder.load(built.artifact)?;
        let called = Instant::now();
        let mut attempt = Attempt::new(None, Json::parse("event", event.to_owned())?);
        attempt.limits = *request.manifest.limits();
        let report = builder.runtime.run_here(&function, &attempt, (), || false)?;
        ensure!(report.outcome == Outcome::Succeeded, "{:?}", report.error);
        let answered = Instant::now();
        if round == rounds {
            for _ in 0..calls {
                let begun = Instant::now();
                builder.runtime.run_here(&function, &attempt, (), || false)?;
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

const GUESTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../sdk-python/python/hks_sdk/_guests");

struct House {
    builder: Builder,
    runtime: Runtime,
}

fn builder(data: &Path, guests: &Path, toolchains: Option<&str>) -> Result<House> {
    let runtime = Runtime::new(&EngineConfig::default(), RuntimeConfig::new(data.join("scratch")))?;
    let io = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let store = io.block_on(Store::open(&Place::Folder(data.join("store"))))?;
    let native = ArtifactStore::open(&data.join("native"))?;
    let mut config =
        BuilderConfig::new(data.join("builds"), guests.join("python.wasm"), guests.join("javascript.wasm"));
    config.toolchains = Toolchains::new(toolchains.map(PathBuf::from), std::env::var_os("PATH").unwrap_or_default());
    Ok(House { builder: Builder::new(config, runtime.clone(), native, store)?, runtime })
}

/// As little as a function can be: it takes its event and returns `null`.
const NOOP: &str = r#"(module
  (memory (export "memory") 1)
  (data (i32.const 16) "null")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 4096))
  (func (export "hks:function/handler@0.1.0#handle") (param i32 i32 i32 i32) (result i32)
    (i32.store8 (i32.const 1024) (i32.const 0))
    (i32.store (i32.const 1028) (i32.const 16))
    (i32.store (i32.const 1032) (i32.const 4))
    (i32.const 1024)))"#;

/// The function of a folder, or of one file; each round with another comment in it, so that it was never seen.
fn request(path: &Path, round: usize) -> Result<Request> {
    if path == Path::new("noop") {
        let manifest: Manifest = serde_json::from_value(json!({ "name": "noop", "runtime": "wasm" }))?;
        let files = [("noop.wasm", wat::parse_str(NOOP)?), ("round", round.to_string().into_bytes())];
        return Ok(Request { source: SourceTree::from_files(files, &SourceLimits::default())?, manifest });
    }
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
