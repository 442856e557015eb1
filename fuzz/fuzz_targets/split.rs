//! Splitting components: bytes as they come, and a valid module in a component.
#![no_main]

use libfuzzer_sys::arbitrary::Unstructured;
use wasm_smith::{Config, Module};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    hks_engine::fuzzing::split(bytes);
    let config = Config {
        allow_start_export: true,
        allowed_instructions: wasm_smith::InstructionKinds::all(),
        bulk_memory_enabled: true,
        max_data_segments: 20,
        max_imports: 0,
        max_memories: 1,
        max_memory32_bytes: 4 << 16,
        memory64_enabled: false,
        min_data_segments: 1,
        ..Config::default()
    };
    let Ok(module) = Module::new(config, &mut Unstructured::new(bytes)) else { return };
    hks_engine::fuzzing::split_module(&module.to_bytes());
});
