//! The bindings are generated, and committed: generating them takes a compiler of WIT, which is too much for every function.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::fs;
use std::path::Path;

use wit_bindgen_core::wit_parser::Resolve;
use wit_bindgen_core::{Files, WorldGenerator as _};
use wit_bindgen_rust::Opts;

/// What stands above what is generated. Generated code is not for our lints.
const HEAD: &str = "//! Generated from `wit/function.wit` by `HKS_UPDATE=1 cargo test --test bindings`.\n";

#[test]
fn bindings_are_those_of_the_wit() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let committed = here.join("src/bindings.rs");
    let generated = generate(&here.join("../../wit/function.wit"));
    if std::env::var_os("HKS_UPDATE").is_some() {
        fs::write(&committed, &generated).unwrap();
    }
    let committed = fs::read_to_string(&committed).unwrap_or_default();
    assert!(committed == generated, "write src/bindings.rs anew: HKS_UPDATE=1 cargo test --test bindings");
}

fn generate(wit: &Path) -> String {
    let mut resolve = Resolve::default();
    let package = resolve.push_str(wit, &fs::read_to_string(wit).unwrap()).unwrap();
    let world = resolve.select_world(&[package], Some("function")).unwrap();
    let options = Opts {
        format: true,
        generate_all: true,
        pub_export_macro: true,
        default_bindings_module: Some("::hks_sdk::__private::bindings".into()),
        runtime_path: Some("::hks_sdk::__private::rt".into()),
        ..Opts::default()
    };
    let mut files = Files::default();
    options.build().generate(&mut resolve, world, &mut files).unwrap();
    let (_, text) = files.iter().next().expect("one world is one file");
    format!("{HEAD}{}", String::from_utf8(text.to_vec()).unwrap())
}
