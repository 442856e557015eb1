//! WebAssembly of any kind: accepted or refused before it runs, compiled where it can do no harm.

use hks_builder::source::{SourceLimits, SourceTree};
use hks_builder::wasm::World;
use hks_builder::{ChildLimits, Error};
use hks_protocol::Outcome;

use crate::harness::{Command, Workbench};

/// A server in Rust as one finds it elsewhere: the crate of WASI's own bindings, and nothing of ours.
const SERVER: &str = r#"
use wasi::http::types::{Fields, IncomingRequest, Method, OutgoingBody, OutgoingResponse, ResponseOutparam};

struct Server;

impl wasi::exports::http::incoming_handler::Guest for Server {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        assert!(matches!(request.method(), Method::Post));
        let headers = Fields::from_list(&[("content-type".to_owned(), b"text/plain".to_vec())]).unwrap();
        let response = OutgoingResponse::new(headers);
        response.set_status_code(201).unwrap();
        let (to, from) = (response.body().unwrap(), request.consume().unwrap());
        ResponseOutparam::set(out, Ok(response));
        let (stream, sent) = (to.write().unwrap(), from.stream().unwrap());
        stream.blocking_write_and_flush(request.path_with_query().unwrap_or_default().as_bytes()).unwrap();
        while let Ok(piece) = sent.blocking_read(4096) {
            stream.blocking_write_and_flush(&piece).unwrap();
        }
        drop(stream);
        OutgoingBody::finish(to, None).unwrap();
    }
}

wasi::http::proxy::export!(Server);
"#;

#[test]
fn a_server_of_wasi_http_in_rust_is_served_unmodified() {
    let manifest = "[package]\nname = \"server\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[lib]\ncrate-type = [\"cdylib\"]\n\
        [dependencies]\nwasi = \"=0.14.7\"\n";
    let bench = Workbench::new();
    let files = [("function.yaml", "name: server\n"), ("Cargo.toml", manifest), ("src/lib.rs", SERVER)];
    let built = bench.build(&files).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(built.parts.world, World::HttpProxy);
    let event = r#"{"httpMethod": "POST", "path": "/echo", "queryStringParameters": {"q": "1"}, "body": " and back"}"#;
    let report = bench.call(&built).event(event).report();
    assert_eq!(report.outcome, Outcome::Succeeded, "{:?}", report.error);
    let value: serde_json::Value = serde_json::from_str(report.value.as_str()).unwrap();
    assert_eq!(
        (value["statusCode"].as_u64(), value["body"].as_str()),
        (Some(201), Some("/echo?q=1 and back")),
        "{value}"
    );
    assert_eq!(value["headers"]["content-type"], "text/plain");
}

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
