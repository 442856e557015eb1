//! What every example begins with: a runtime, and one of the SDK's guests ready in it.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use hks_engine::{ArtifactStore, EngineConfig, Metering};
use hks_runtime::{Prepared, Runtime, RuntimeConfig};

/// The guest of `language` under `metering`, found in the SDK's cache or compiled into it, which takes up to a minute.
pub(crate) fn prepare(
    language: &str,
    metering: Metering,
    configure: impl FnOnce(&mut RuntimeConfig),
) -> anyhow::Result<(Runtime, Prepared)> {
    let guests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sdk-python/python/hks_sdk/_guests");
    let wasm = std::fs::read(guests.join(format!("{language}.wasm"))).context("run `cargo xtask guests` first")?;
    let cache = match std::env::var_os("HKS_CACHE_DIR") {
        Some(folder) => PathBuf::from(folder),
        None => PathBuf::from(std::env::var("HOME")?).join(".cache/hks"),
    };
    let mut config = RuntimeConfig::new(cache.join("scratch"));
    config.allow_unmetered = metering == Metering::None;
    configure(&mut config);
    let runtime = Runtime::new(&EngineConfig { metering, ..EngineConfig::default() }, config)?;
    let artifact = ArtifactStore::open(&cache.join("artifacts"))?.load_or_compile(runtime.engine(), &wasm)?;
    let prepared = runtime.prepare(&artifact)?;
    Ok((runtime, prepared))
}

/// As the tables of `bench/` call them.
#[allow(dead_code, reason = "not every example lets its caller choose")]
pub(crate) fn metering(name: &str) -> anyhow::Result<Metering> {
    Ok(match name {
        "fuel+epoch" => Metering::FuelAndEpoch,
        "epoch" => Metering::Epoch,
        "none" => Metering::None,
        _ => bail!("{name:?} is not fuel+epoch, epoch or none"),
    })
}
