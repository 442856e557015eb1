//! Real builds: cargo, the compiler and crates.io, in limited children.

use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use hks_engine::{ArtifactStore, EngineConfig};
use hks_protocol::manifest::{Grants, ManifestSpec};
use hks_protocol::{Attempt, Failure, Json, Limits, Outcome, Report};
use hks_runtime::{Prepared, Runtime, RuntimeConfig};

use super::*;
use crate::child::{Cancel, Isolation};
use crate::source::SourceLimits;
use crate::toolchain::Toolchains;
use crate::wasm::{self, Offer, World};
use crate::workshop::Rules;
use crate::{LogLine, NetworkAccess};

const HELLO: &str = include_str!("../../../../sdk-rust/guest/examples/hello.rs");

/// What builds of this process share; the kit is made by the first.
fn managed() -> &'static Path {
    static MANAGED: OnceLock<tempfile::TempDir> = OnceLock::new();
    MANAGED.get_or_init(|| tempfile::tempdir().unwrap()).path()
}

/// What the clients of this machine need in order to reach crates.io.
fn network() -> NetworkAccess {
    NetworkAccess::of_clients(std::env::vars(), std::env::var_os("HOME").as_deref().map(Path::new))
}

struct Built {
    product: Result<Product, Error>,
    log: String,
}

impl Built {
    #[track_caller]
    fn wasm(self) -> (Vec<u8>, String) {
        match self.product {
            Ok(Product::Wasm { wasm, lock }) => (wasm, lock.unwrap()),
            Ok(other) => panic!("{other:?}"),
            Err(error) => panic!("{error}\n{}", self.log),
        }
    }

    #[track_caller]
    fn refusal(self) -> String {
        self.product.map(|_| ()).unwrap_err().to_string()
    }
}

fn build_with(managed: Option<&Path>, files: &[(&str, &str)], manifest: &str) -> Built {
    let folder = tempfile::tempdir().unwrap();
    let path = std::env::var_os("PATH").unwrap();
    let toolchains = Toolchains::new(managed.map(Path::to_path_buf), path);
    let rules = Rules { isolation: Isolation::BestEffort, network: network(), ..Rules::default() };
    let (cancel, mut log) = (Cancel::new(), String::new());
    let mut keep = |line: LogLine| log.push_str(&format!("{}: {}\n", line.step, line.text));
    let mut workshop = Workshop::new(
        folder.path().canonicalize().unwrap(),
        &toolchains,
        &rules,
        Duration::from_secs(600),
        &cancel,
        &mut keep,
    );
    let files = files.iter().map(|(path, text)| (*path, text.as_bytes().to_vec()));
    let source = SourceTree::from_files(files, &SourceLimits::default()).unwrap();
    let spec: ManifestSpec = serde_json::from_str(manifest).unwrap();
    let product = build(&source, &spec.try_into().unwrap(), &mut workshop);
    Built { product, log }
}

fn build_files(files: &[(&str, &str)]) -> Built {
    build_with(Some(managed()), files, MANIFEST)
}

const MANIFEST: &str = r#"{"name": "hello", "runtime": "rust"}"#;

#[track_caller]
fn world(wasm: Vec<u8>) -> World {
    let offer = Offer::functions().with_http().with_commands();
    let (_, shape) = wasm::accept(wasm, &offer, &Grants::default(), &Limits::default()).unwrap();
    shape.world
}

#[test]
fn one_file_becomes_a_function_and_the_same_bytes_anywhere() {
    let one = build_files(&[("hello.rs", HELLO)]);
    assert!(!one.log.contains("fetching"), "{}", one.log);
    let (wasm, lock) = one.wasm();
    assert!(lock.contains("name = \"serde_json\""), "{lock}");
    for leak in ["/tmp", "/home", "/root", "cargo-home"] {
        assert!(!wasm.windows(leak.len()).any(|window| window == leak.as_bytes()), "{leak} is in the component");
    }
    let again = build_files(&[("hello.rs", HELLO)]).wasm();
    // without a kit, all of it compiled and fetched anew
    let (from_nothing, its_lock) = build_with(None, &[("hello.rs", HELLO)], MANIFEST).wasm();
    assert!(again.0 == wasm && from_nothing == wasm && its_lock == lock);
    assert_eq!(world(wasm), World::Function);
}

#[test]
fn a_package_with_crates_of_its_own_is_locked() {
    let manifest =
        "[package]\nname = \"words\"\nedition = \"2024\"\n[dependencies]\nhks-sdk = \"0.1\"\nheck = \"0.5\"\n";
    let text =
        "use heck::ToSnakeCase;\n#[hks_sdk::handler]\nfn handler(text: String) -> String { text.to_snake_case() }\n";
    let files = [("Cargo.toml", manifest), ("src/lib.rs", text)];
    let refused = build_with(Some(managed()), &files, r#"{"name": "hello", "build": {"dependencies": false}}"#);
    assert!(refused.refusal().contains("set build.dependencies"));
    let (wasm, lock) = build_files(&files).wasm();
    assert!(lock.contains("name = \"heck\""), "{lock}");
    let locked = [("Cargo.toml", manifest), ("Cargo.lock", lock.as_str()), ("src/lib.rs", text)];
    let (same, same_lock) = build_files(&locked).wasm();
    assert!(same == wasm && same_lock == lock);
    assert_eq!(world(wasm), World::Function);
    // a lock that does not say all is an error, not a wish
    let stale = lock.replace("heck", "hecc");
    let stale = [("Cargo.toml", manifest), ("Cargo.lock", stale.as_str()), ("src/lib.rs", text)];
    assert!(build_files(&stale).refusal().contains("lock"));
}

#[test]
fn mistakes_name_their_file_and_line() {
    let text = "use hks_sdk::Context;\n\n#[hks_sdk::handler]\nfn handler(n: u8) -> u8 {\n    n + \"1\"\n}\n";
    let message = build_files(&[("sum.rs", text)]).refusal();
    assert!(
        message.contains("error[E0277]: cannot add `&str` to `u8`") && message.contains("--> sum.rs:5:7"),
        "{message}"
    );
    assert!(!message.contains('\u{1b}') && !message.contains("/tmp"), "{message}");
    let missing =
        build_files(&[("a.rs", "struct Order;\n#[hks_sdk::handler]\nfn handler(order: Order) {}\n")]).refusal();
    assert!(missing.contains("`Order: ") && missing.contains("--> a.rs:3:"), "{missing}");
}

#[test]
fn code_of_the_function_runs_without_network_and_reads_nothing_of_the_host() {
    let script = r#"
fn main() {
    let secret = std::fs::read_to_string("/etc/shadow").is_ok() || std::fs::read_dir("/root").is_ok();
    let reached = std::net::TcpStream::connect(("1.1.1.1", 53)).is_ok();
    let written = std::fs::write("/var/tmp/hks-rust-build", "").is_ok();
    println!("cargo::warning=secret {secret} reached {reached} written {written}");
}"#;
    let manifest = "[package]\nname = \"spy\"\nedition = \"2024\"\n[dependencies]\nhks-sdk = \"0.1\"\n";
    let config = "[env]\nANSWER = \"42\"\n";
    let text = "#[hks_sdk::handler]\nfn handler() -> &'static str { env!(\"ANSWER\") }\n";
    let files = [("Cargo.toml", manifest), (".cargo/config.toml", config), ("build.rs", script), ("src/lib.rs", text)];
    let built = build_files(&files);
    assert!(built.log.contains("secret false reached false written false"), "{}", built.log);
    built.wasm();
}

#[test]
fn a_server_of_wasi_http_and_a_command_are_built_too() {
    let manifest = "[package]\nname = \"proxy\"\nedition = \"2024\"\n[lib]\ncrate-type = [\"cdylib\"]\n[dependencies]\nwasi = \"=0.14.7\"\n";
    let (wasm, _) = build_files(&[("Cargo.toml", manifest), ("src/lib.rs", PROXY)]).wasm();
    assert_eq!(world(wasm), World::HttpProxy);
    let command = "fn main() {\n    println!(\"{}\", std::io::read_to_string(std::io::stdin()).unwrap().len());\n}\n";
    assert_eq!(world(build_files(&[("main.rs", command)]).wasm().0), World::Command);
}

const PROXY: &str = r#"
use wasi::http::types::{Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam};

struct Proxy;

impl wasi::exports::http::incoming_handler::Guest for Proxy {
    fn handle(_: IncomingRequest, out: ResponseOutparam) {
        let response = OutgoingResponse::new(Fields::new());
        let body = response.body().unwrap();
        ResponseOutparam::set(out, Ok(response));
        let stream = body.write().unwrap();
        stream.blocking_write_and_flush(b"hello\n").unwrap();
        drop(stream);
        OutgoingBody::finish(body, None).unwrap();
    }
}

wasi::http::proxy::export!(Proxy);
"#;

/// What was built, in a runtime of its own.
struct House {
    runtime: Runtime,
    prepared: Prepared,
    _folder: tempfile::TempDir,
}

impl House {
    fn of(wasm: Vec<u8>) -> Self {
        let offer = Offer::functions();
        let (component, _) = wasm::accept(wasm, &offer, &Grants::default(), &Limits::default()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let config = RuntimeConfig::new(folder.path().join("scratch"));
        let runtime = Runtime::new(&EngineConfig::default(), config).unwrap();
        let store = ArtifactStore::open(&folder.path().join("artifacts")).unwrap();
        let prepared = runtime.prepare(&store.load_or_compile(runtime.engine(), &component).unwrap()).unwrap();
        Self { runtime, prepared, _folder: folder }
    }

    fn call(&self, event: &str) -> Report {
        let attempt = Attempt::new(None, Json::parse("event", event.to_owned()).unwrap());
        self.runtime.run_here(&self.prepared, &attempt, (), || false).unwrap()
    }

    #[track_caller]
    fn error(&self, event: &str, outcome: Outcome) -> Failure {
        let report = self.call(event);
        assert_eq!(report.outcome, outcome, "{report:?}");
        report.error.unwrap()
    }
}

#[test]
fn a_function_answers_and_fails_in_its_own_words() {
    let house = House::of(build_files(&[("hello.rs", HELLO)]).wasm().0);
    let report = house.call(r#"{"input": 21}"#);
    assert_eq!((report.outcome, report.value.as_str()), (Outcome::Succeeded, r#"{"result":42}"#), "{report:?}");
    assert_eq!(report.logs.stdout, ["doubling in attempt 1"]);

    let raised = house.error(r#"{"input": -1}"#, Outcome::Failed);
    assert_eq!((raised.name.as_str(), raised.value.as_str()), ("NegativeError", "-1 is below zero"));

    let unfit = house.error(r#"{"input": "a"}"#, Outcome::Failed);
    assert_eq!(unfit.name, "InvalidEventError");
    assert_eq!(unfit.value, r#"input: invalid type: string "a", expected i64"#);

    let panicked = house.error(r#"{"input": 0}"#, Outcome::Trapped);
    assert_eq!((panicked.name.as_str(), panicked.value.as_str()), ("Panic", "nothing to double"));
    assert!(panicked.traceback.ends_with("\n  at hello.rs:33:14"), "{}", panicked.traceback);
}

#[test]
fn handlers_may_be_asynchronous_show_results_and_read_requests() {
    let text = r#"
use hks_sdk::http::{Error, Request, Response};
use hks_sdk::{Context, Rich, Trigger};

#[hks_sdk::handler]
async fn handler(request: Request, ctx: &Context) -> Result<Response, Box<dyn std::error::Error>> {
    hks_sdk::display(Rich::new().markdown("**hi**").png(&[1, 2, 3]))?;
    assert!(ctx.trigger == Trigger::Api && ctx.remaining_time_ms() > 0);
    let numbers: Vec<i64> = request.json().map_err(|error: Error| error)?;
    Ok(Response::json(&numbers.iter().sum::<i64>())?.with_status(201))
}
"#;
    let house = House::of(build_files(&[("sum.rs", text)]).wasm().0);
    let report = house.call(r#"{"httpMethod": "POST", "path": "/", "body": "[1, 2]", "headers": {}}"#);
    let expected =
        r#"{"statusCode":201,"headers":{"content-type":"application/json"},"body":"3","isBase64Encoded":false}"#;
    assert_eq!(report.value.as_str(), expected, "{report:?}");
    let result = serde_json::to_value(&report.results).unwrap();
    assert_eq!(result, serde_json::json!([{"markdown": "**hi**", "png": "AQID"}]));
    let error = house.error(r#"{"httpMethod": "POST", "path": "/", "body": "{}"}"#, Outcome::Failed);
    assert!(error.value.starts_with("the body does not fit"), "{error:?}");
}

#[test]
fn templates_are_built_and_answer() {
    let request = r#"{"httpMethod": "GET", "path": "/hello/Ada", "queryStringParameters": null, "body": null,
        "pathParameters": {"name": "Ada"}, "headers": {"host": "localhost"}, "requestContext": {}}"#;
    let cases = [
        ("http", request, "Hello, Ada!"),
        ("scheduled", r#"{"regions": {"north": 12, "south": 30}}"#, r#"{"total":42,"largest":"south"}"#),
        ("event", r#"{"items": [{"price": "9.90", "count": 2}]}"#, r#"{"total":"19.80","items":1}"#),
    ];
    for (kind, event, expected) in cases {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/rust").join(kind);
        let read = |file: &str| fs::read_to_string(folder.join(file)).unwrap();
        let (cargo, text) = (read("Cargo.toml"), read("src/lib.rs"));
        let built = build_files(&[("Cargo.toml", &cargo), ("src/lib.rs", &text)]);
        assert!(!built.log.contains("fetching"), "{kind}: {}", built.log);
        let report = House::of(built.wasm().0).call(event);
        assert!(report.value.as_str().contains(expected), "{kind}: {report:?}");
    }
}
