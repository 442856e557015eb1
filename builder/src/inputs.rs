//! All that the outcome of a build depends on, as one digest.

use std::collections::BTreeMap;
use std::fs;
use std::time::UNIX_EPOCH;

use hks_engine::Digest;
use hks_protocol::manifest::{Build, Grants, Handler, Manifest, Package, Runtime};
use hks_protocol::{Environment, Limits};
use serde::Serialize;

use crate::builder::Inner;
use crate::source::SourceTree;
use crate::{Error, Language, Toolchain};

/// Changes whenever the same source would be built into something else, such as with another bundler's options.
const VERSION: &str = concat!("hks-builder ", env!("CARGO_PKG_VERSION"), ", 1");

#[derive(Serialize)]
struct Inputs<'a> {
    version: &'static str,
    /// What was built in another format is built again.
    format: u32,
    source: String,
    runtime: Runtime,
    handler: Option<&'a Handler>,
    limits: &'a Limits,
    environment: &'a Environment,
    has_secrets: bool,
    grants: &'a Grants,
    packages: &'a [Package],
    build: &'a Build,
    interpreter: Option<Digest>,
    /// A tool of another version may make something else of it.
    tools: BTreeMap<&'static str, Identity>,
}

/// Which program a tool is.
#[derive(Serialize)]
struct Identity {
    toolchain: Toolchain,
    bytes: u64,
    modified_ns: u128,
}

/// The digest.
pub(crate) fn digest(
    inner: &Inner,
    source: &SourceTree,
    manifest: &Manifest,
    runtime: Runtime,
    language: Option<Language>,
) -> Result<Digest, Error> {
    let interpreter = language.map(|language| inner.interpreters.ready(inner, language)).transpose()?;
    let inputs = Inputs {
        version: VERSION,
        format: crate::artifact::FORMAT,
        source: source.digest().to_string(),
        runtime,
        handler: manifest.handler(),
        limits: manifest.limits(),
        environment: manifest.environment(),
        has_secrets: manifest.secrets().iter().next().is_some(),
        grants: manifest.grants(),
        packages: manifest.packages(),
        build: manifest.build(),
        interpreter: interpreter.map(|ready| ready.prepared.digest()),
        tools: tools(runtime).iter().filter_map(|name| Some((*name, identity(inner, name)?))).collect(),
    };
    Ok(Digest::of(&serde_json::to_vec(&inputs).map_err(Error::host("write down a build's inputs"))?))
}

/// What the languages use, if it is there.
fn tools(runtime: Runtime) -> &'static [&'static str] {
    match runtime {
        Runtime::Python => &["uv"],
        Runtime::Javascript | Runtime::Typescript => &["esbuild", "npm"],
        Runtime::Rust => &["rust-wasm"],
        Runtime::Go => &["go"],
        Runtime::C => &["clang"],
        Runtime::Wasm | Runtime::Container => &[],
    }
}

fn identity(inner: &Inner, name: &'static str) -> Option<Identity> {
    let toolchain = inner.config.toolchains.require(name).ok()?;
    let metadata = fs::metadata(&toolchain.program).ok()?;
    let modified_ns = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?.as_nanos();
    Some(Identity { toolchain, bytes: metadata.len(), modified_ns })
}
