//! From an artifact to what runs: its parts are read from the store, each compared with its digest, and put together.
//!
//! Machine code is not among them. If this machine has none of the component yet, because it is new or its engine is, the
//! component is compiled now, with the limits of a build.

use std::sync::Arc;

use bytes::Bytes;
use hks_engine::{Artifact, Compiled, Digest};
use hks_protocol::LineTable;
use hks_runtime::{Packages, Prepared};

use crate::artifact::{Layer, Parts, Start};
use crate::builder::Inner;
use crate::workshop::Workshop;
use crate::{Cancel, Error};

/// No part is larger: a snapshot of the largest memory with a gibibyte of its own.
const PART_BYTES_MAX: u64 = 1 << 30;

pub(crate) fn load(inner: &Inner, artifact: Digest) -> Result<Prepared, Error> {
    if let Some(prepared) = inner.loaded.find(artifact) {
        return Ok(prepared);
    }
    let prepared = assemble(inner, &inner.parts(artifact)?)?;
    inner.loaded.keep(artifact, &prepared);
    Ok(prepared)
}

fn assemble(inner: &Inner, parts: &Parts) -> Result<Prepared, Error> {
    let mut prepared = match inner.interpreters.find(parts.component) {
        Some(interpreter) => interpreter,
        None => inner.runtime.prepare(&machine_code(inner, parts.component)?)?,
    };
    if !parts.layers.is_empty() {
        let mut files = Vec::new();
        for layer in &parts.layers {
            files.extend(Layer::files(&part(inner, *layer)?)?);
        }
        let packages = Packages::from_files(files).map_err(Error::host("put modules together"))?;
        prepared = prepared.with_packages(Arc::new(packages));
    }
    if let Some(lines) = parts.lines {
        let lines: LineTable =
            serde_json::from_slice(&part(inner, lines)?).map_err(Error::host("read an artifact's lines"))?;
        prepared = prepared.with_lines(Arc::new(lines));
    }
    if let Start::Snapshot(snapshot) = parts.start {
        let bytes = part(inner, snapshot)?;
        return prepared.resume(&bytes).map_err(Error::host("start behind the function's top level"));
    }
    let Some(source) = parts.source else { return Ok(prepared) };
    let text = String::from_utf8(part(inner, source)?.into()).map_err(Error::host("read an artifact's source"))?;
    let compiled = parts.compiled.map(|digest| part(inner, digest)).transpose()?;
    Ok(prepared.with_source(text, compiled.map(Into::into)))
}

pub(crate) fn part(inner: &Inner, digest: Digest) -> Result<Bytes, Error> {
    Ok(inner.wait(inner.store.blob(digest, PART_BYTES_MAX))?)
}

/// Machine code of a component in the store, made now if there is none.
fn machine_code(inner: &Inner, component: Digest) -> Result<Artifact, Error> {
    inner.native.load_or(inner.runtime.engine(), component, || compile(inner, &part(inner, component)?, &Cancel::new()))
}

/// Compiles a component that was accepted before, outside of a build.
pub(crate) fn compile(inner: &Inner, component: &[u8], cancel: &Cancel) -> Result<Compiled, Error> {
    let folder = inner.new_folder()?;
    let (path, timeout, mut silent) = (folder.path().to_path_buf(), inner.rules.limits.wall_time_max, |_| {});
    let mut workshop = Workshop::new(path, &inner.config.toolchains, &inner.rules, timeout, cancel, &mut silent);
    inner.config.compiler.compile(inner.runtime.engine(), component, &mut workshop)
}
