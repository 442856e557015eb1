//! Which proposals of WebAssembly are on, as data.
//!
//! This mirrors the engine (`engine/src/config.rs`), which cannot be asked without compiling Wasmtime. The two are held
//! together by the version of `wasmparser`, pinned with Wasmtime's, and by the rule that a change of either names the other.
//! Where they differ nothing unsafe happens: the engine validates again, and its refusal comes later and says less.

use wasmparser::WasmFeatures;

/// What Wasmtime 48 has on by default, without the features that it is built without (`gc`, `threads`,
/// `component-model-async`) and those that the engine switches off.
pub(super) const ENGINE: WasmFeatures = WasmFeatures::WASM3
    .union(WasmFeatures::COMPONENT_MODEL)
    // built without
    .difference(WasmFeatures::GC_TYPES)
    .difference(WasmFeatures::EXCEPTIONS)
    .difference(WasmFeatures::THREADS)
    .difference(WasmFeatures::CM_ASYNC)
    // switched off
    .difference(WasmFeatures::MEMORY64)
    .difference(WasmFeatures::MULTI_MEMORY)
    .difference(WasmFeatures::RELAXED_SIMD)
    .difference(WasmFeatures::WIDE_ARITHMETIC);

/// What to build without, for each proposal that is off and that compilers know.
const ADVICE: [(WasmFeatures, &str, &str); 11] = [
    (
        WasmFeatures::THREADS,
        "threads",
        "build for wasm32-wasip1 or wasm32-wasip2, not a -threads target, and without -pthread",
    ),
    (WasmFeatures::MEMORY64, "64-bit memory", "build for wasm32, not wasm64"),
    (WasmFeatures::CM64, "64-bit memory", "build for wasm32, not wasm64"),
    (WasmFeatures::GC_TYPES, "garbage-collected types", "build with a compiler that brings its own memory management"),
    (WasmFeatures::GC, "garbage-collected types", "build with a compiler that brings its own memory management"),
    (WasmFeatures::EXCEPTIONS, "exceptions", "build without -fwasm-exceptions, or with panic=abort"),
    (WasmFeatures::LEGACY_EXCEPTIONS, "exceptions", "build without -fwasm-exceptions, or with panic=abort"),
    (WasmFeatures::CM_ASYNC, "component model async (WASI 0.3)", "build for WASI 0.2, as wasm32-wasip2"),
    (WasmFeatures::MULTI_MEMORY, "several memories in a module", "build without the feature multimemory"),
    (WasmFeatures::RELAXED_SIMD, "relaxed SIMD", "build without the feature relaxed-simd; simd128 is fine"),
    (WasmFeatures::WIDE_ARITHMETIC, "wide arithmetic", "build without the feature wide-arithmetic"),
];

/// What to tell about a proposal that is off.
pub(super) fn advice(missing: WasmFeatures) -> Option<String> {
    let (_, name, advice) = ADVICE.iter().find(|(flag, ..)| missing.intersects(*flag))?;
    Some(format!("it uses {name}, which is off here; {advice}"))
}
