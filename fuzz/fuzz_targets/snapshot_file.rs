//! Snapshots in files: with a digest that is right, so that what lies behind it is reached, and with one that is not.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hks_runtime::fuzzing::snapshot_file(bytes));
