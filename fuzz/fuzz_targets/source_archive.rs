//! Uploaded archives: bytes as they come, and as the tar in a gzip stream.
#![no_main]

use hks_builder::source::fuzzing;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    fuzzing::check(bytes);
    fuzzing::check(&fuzzing::gzip(bytes));
});
