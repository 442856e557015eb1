//! Fuses the modules of a component into one.
//!
//! componentize-py links CPython's libraries when the component is instantiated: a dozen modules import each other's
//! functions, one table and one memory. For the host this means some thousand function references to set up for every
//! execution, because a table that others import can be filled only at once. In one module with a table of its own the
//! same references are made when they are used.
//!
//! The component before and after does the same: addresses, places in the table and all that is at component level stay
//! as they are, since the memory of the snapshot refers to them. The steps, one file each:
//!
//! - [`parse`] and [`module`] read the component, and refuse what cannot be fused faithfully;
//! - [`resolve`] follows each import to its definition;
//! - [`functions`], [`globals`] and [`storage`] decide what becomes of each item;
//! - [`merge`] writes the module, [`wrap`] the component around it.
//!
//! Nothing is optimised: calls through the table stay such calls, unused functions stay, names are dropped.

mod functions;
mod globals;
mod merge;
mod module;
mod parse;
mod resolve;
mod storage;
#[cfg(test)]
mod tests;
mod wrap;

use anyhow::{Context as _, Result};
use wasmparser::{Validator, WasmFeatures};

use self::functions::Functions;
use self::parse::Component;
use self::resolve::Linked;
use self::storage::Storage;
use self::wrap::Named;

/// The component with one module in place of those that it linked; validated.
pub(crate) fn fuse(component: &[u8]) -> Result<Vec<u8>> {
    let component = Component::parse(component)?;
    let linked = Linked::new(&component)?;
    let functions = Functions::new(&linked)?;
    let storage = Storage::new(&linked)?;
    let named = Named::new(&linked, &functions)?;
    let fused = merge::merge(&linked, &functions, &storage, &named.exported())?;
    let output = wrap::wrap(&linked, &functions, &storage, &named, &fused)?;
    Validator::new_with_features(features()).validate_all(&output).context("the fused component is not valid")?;
    Ok(output)
}

/// What the engine offers, see `engine/src/config.rs`: wasmparser's defaults without what is switched off there.
fn features() -> WasmFeatures {
    WasmFeatures::default()
        & !(WasmFeatures::MEMORY64
            | WasmFeatures::MULTI_MEMORY
            | WasmFeatures::RELAXED_SIMD
            | WasmFeatures::WIDE_ARITHMETIC
            | WasmFeatures::SHARED_EVERYTHING_THREADS)
}
