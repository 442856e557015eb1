//! Events of HTTP components: any text. What becomes a request breaks no line.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hks_runtime::fuzzing::request(bytes));
