//! `function.yaml`: any bytes. What is read has to survive JSON; what is refused has to say why.
#![no_main]

use hks_builder::manifest::parse;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    match parse("function.yaml", bytes) {
        Ok(manifest) => {
            let json = serde_json::to_string(&manifest).expect("a manifest is JSON");
            assert_eq!(manifest, serde_json::from_str(&json).expect("its own JSON is read"));
        }
        Err(error) => assert!(!error.mistakes().is_empty()),
    }
});
