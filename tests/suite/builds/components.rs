//! WebAssembly of any kind: accepted or refused before it runs, compiled where it can do no harm.

use hks_builder::source::{SourceLimits, SourceTree};
use hks_builder::wasm::World;
use hks_builder::{ChildLimits, Error};
use hks_protocol::Outcome;

use crate::harness::{Command, Workbench};

fn wasm(bytes: Vec<u8>, yaml: &str) -> SourceTree {
    let files = [("function.yaml", yaml.as_bytes().to_vec()), ("function.wasm", bytes)];
    SourceTree::from_files(files, &SourceLimits::default()).unwrap()
}

#[test]
fn a_command_is_built_and_answers() {
    let bench = Workbench::new();
    let text = br#"{"answer": 42}"#;
    let command = Command::new("(call $out (i32.const 0) (global.get $len))").with_text(text);
    let built = bench.build_tree(wasm(command.wasm(), "name: f\n")).0.unwrap();
    assert_eq!(built.parts.world, World::Command);
    let report = bench.call(&built).report();
    assert_eq!((report.outcome, report.value.as_str()), (Outcome::Succeeded, r#"{"answer": 42}"#));
}

#[test]
fn what_it_cannot_import_is_named() {
    let bench = Workbench::new();
    let module = wat::parse_str(
        r#"(module (import "env" "dlopen" (func)) (memory (export "memory") 1) (func (export "_start")))"#,
    );
    let refusal = bench.build_tree(wasm(module.unwrap(), "name: f\n")).0.unwrap_err().to_string();
    assert!(refusal.contains("env") && refusal.contains("dlopen"), "{refusal}");
}

#[test]
fn a_component_that_takes_too_much_to_compile_is_refused_and_the_host_goes_on() {
    let limits = ChildLimits { memory_bytes_max: 64 << 20, ..ChildLimits::default() };
    let bench = Workbench::with(|config| config.limits = limits);
    let body = "(local.set $a (i32.add (local.get $a) (i32.const 1)))".repeat(20_000);
    let functions: String = (0..40).map(|n| format!("(func (export \"f{n}\") (local $a i32) {body})")).collect();
    let error = bench.build_tree(wasm(Command::new("").with(&functions).wasm(), "name: f\n")).0.unwrap_err();
    assert!(matches!(error, Error::Tool(_)), "{error}");
    assert!(error.to_string().contains("memory"), "{error}");
    bench.build_text("python", "def handler(event): return 1").unwrap();
    assert_eq!(bench.leftovers(), 0);
}
