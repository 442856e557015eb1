//! Fuses the modules of a component into one.
//!
//! componentize-py links CPython's libraries when the component is instantiated: a dozen modules import each other's
//! functions, one table and one memory. For the host this means some thousand function references to set up for every
//! execution, because a table that others import can be filled only at once. In one module with a table of its own the
//! same references are made when they are used.
//!
//! The component before and after does the same: addresses, places in the table and all that is at component level stay
//! as they are, since the memory of the snapshot refers to them. One thing may differ: an indirect call beyond the last
//! place of the table trapped, and now reaches one of the slots of host functions that follow there. It is a function that
//! the guest can call anyway, and no compiler makes such a call. The steps, one file each:
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

use anyhow::{Context as _, Result, ensure};
use wasmparser::{Parser, Validator, WasmFeatures};

use self::functions::Functions;
use self::parse::Component;
use self::resolve::Linked;
use self::storage::Storage;
use self::wrap::Named;

/// The component with one core module, and perhaps a fix-up, in place of those that it linked.
///
/// It imports and exports what it did, and behaves as it did: what memory and table hold, and where, is the same. Names and
/// other custom sections are left out. The same input gives the same output, byte for byte.
///
/// ```
/// # fn main() -> anyhow::Result<()> {
/// let linked = wat::parse_str(
///     r#"(component
///         (core module $library (memory 1) (table 1 funcref)
///             (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))
///         (core module $main
///             (import "library" "add" (func $add (param i32 i32) (result i32)))
///             (func (export "answer") (result i32) (call $add (i32.const 40) (i32.const 2))))
///         (core instance $library (instantiate $library))
///         (core instance $main (instantiate $main (with "library" (instance $library))))
///         (func (export "answer") (result u32) (canon lift (core func $main "answer"))))"#,
/// )?;
/// let fused = hks_guest_pack::fuse(&linked)?;
/// # let modules = |bytes| wasmparser::Parser::new(0).parse_all(bytes)
/// #     .filter(|payload| matches!(payload, Ok(wasmparser::Payload::ModuleSection { .. }))).count();
/// # assert_eq!((modules(&linked), modules(&fused)), (2, 1));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// The bytes are no valid component, or one of a shape that is not known to stay the same when it is fused: the error names
/// what was in the way. Any bytes may be given. What is returned is valid for the engine that runs guests.
pub fn fuse(component: &[u8]) -> Result<Vec<u8>> {
    ensure!(Parser::is_component(component), "not a component");
    // With every proposal, so that what is refused is refused below, with a reason. A valid component has no cycles and
    // no index that leads nowhere, which the steps rely on.
    Validator::new_with_features(WasmFeatures::all()).validate_all(component).context("not a valid component")?;
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
