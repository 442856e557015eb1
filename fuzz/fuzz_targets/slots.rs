//! What can be done to slots and snapshots, in any order, against plain vectors.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hks_runtime::fuzzing::slots(bytes));
