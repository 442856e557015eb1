use hks_protocol::manifest::Grants;
use hks_protocol::{Limits, LimitsSpec};
use proptest::prelude::*;
use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{ManglingAndAbi, Resolve};

use super::*;

/// What WASI 0.1 and our world call for, in modules that do nothing.
const HELLO: &str = r#"(module
    (import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func (param i32)))
    (memory (export "memory") 1)
    (func (export "_start")))"#;

const HANDLER: &str = r#"(module
    (memory (export "memory") 1)
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 0)
    (func (export "hks:function/handler@0.1.0#handle") (param i32 i32 i32 i32) (result i32) i32.const 0))"#;

fn wat(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

fn bounds() -> Bounds {
    Bounds::default()
}

fn everything() -> Offer {
    Offer::functions().with_http().with_commands().with_interpreters()
}

fn grants(hosts: &[&str]) -> Grants {
    let hosts: Vec<String> = hosts.iter().map(|host| format!("{host:?}")).collect();
    serde_json::from_str(&format!("{{\"http\": [{}]}}", hosts.join(","))).unwrap()
}

/// A module that says it is of `world`, and does nothing.
fn module_of(wit: &str, world: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let package = resolve.push_str("test.wit", wit).unwrap();
    let world = resolve.select_world(&[package], Some(world)).unwrap();
    let mut module = dummy_module(&resolve, world, ManglingAndAbi::Legacy(wit_parser::LiftLowerAbi::Sync));
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    module
}

fn component_of(wit: &str, world: &str) -> Vec<u8> {
    ComponentEncoder::default().module(&module_of(wit, world)).unwrap().validate(true).encode().unwrap()
}

/// Our world's WIT with other text in it.
fn our_wit(from: &str, to: &str) -> String {
    let wit = include_str!("../../../wit/function.wit");
    assert!(wit.contains(from), "{from}");
    wit.replace(from, to)
}

/// A component that imports instances of such names, and exports a function of ours.
fn importing(imports: &[&str]) -> Vec<u8> {
    let imports: String = imports.iter().map(|name| format!("(import {name:?} (instance))\n")).collect();
    let handler = wat_of_handler();
    wat(&format!("(component {imports} {handler})"))
}

fn wat_of_handler() -> String {
    let module = HANDLER.replacen("(module", "(core module $m", 1);
    format!(
        r#"{module}
        (core instance $i (instantiate $m))
        (type $failure' (record (field "name" string) (field "value" string) (field "traceback" string)))
        (component $c
            (import "failure" (type $f (eq $failure')))
            (import "handle" (func $h (param "event" string) (param "context" string)
                (result (result string (error $f)))))
            (export $f' "failure" (type $f))
            (export "handle" (func $h) (func (param "event" string) (param "context" string)
                (result (result string (error $f'))))))
        (func $h (param "event" string) (param "context" string) (result (result string (error $failure')))
            (canon lift (core func $i "hks:function/handler@0.1.0#handle") (memory (core memory $i "memory"))
                (realloc (core func $i "cabi_realloc"))))
        (instance $out (instantiate $c (with "failure" (type $failure')) (with "handle" (func $h))))
        (export "hks:function/handler@0.1.0" (instance $out))"#
    )
}

fn accepted(wasm: Vec<u8>) -> Shape {
    let (component, shape) = accept(wasm, &everything(), &Grants::default(), &Limits::default()).unwrap();
    fuzzing::check(&component);
    shape
}

fn refusal(wasm: Vec<u8>) -> String {
    accept(wasm, &everything(), &Grants::default(), &Limits::default()).unwrap_err().to_string()
}

#[test]
fn a_wasip1_command_becomes_a_component_that_runs() {
    assert_eq!(recognise(&wat(HELLO), &bounds()).unwrap(), Kind::Command);
    let shape = accepted(wat(HELLO));
    assert_eq!(shape.world, World::Command);
    let of_wasi = |import: &String| import.starts_with("wasi:") && import.contains("@0.2.");
    assert!(shape.imports.iter().all(of_wasi) && !shape.imports.is_empty(), "{:?}", shape.imports);
    assert!(shape.imports.iter().any(|import| import.starts_with("wasi:cli/stdout@")), "{:?}", shape.imports);
}

#[test]
fn exit_codes_of_commands_are_told() {
    let exits = |wasm: &[u8]| {
        let decoded = wit_parser::decoding::decode(wasm).unwrap();
        let resolve = decoded.resolve();
        let exit = resolve.interfaces.iter().find(|(_, found)| found.name.as_deref() == Some("exit"));
        exit.is_some_and(|(_, found)| found.functions.contains_key("exit-with-code"))
    };
    assert!(exits(&componentize(&wat(HELLO), &bounds()).unwrap()));
    // One that has types of its own, and one that never ends itself.
    let wit = "package test:typed; world typed { import wasi:cli/exit@0.2.3; }
        package wasi:cli@0.2.3 { interface exit { exit: func(status: result); } }";
    let mut resolve = Resolve::default();
    let package = resolve.push_str("typed.wit", wit).unwrap();
    let world = resolve.select_world(&[package], Some("typed")).unwrap();
    let mut typed = wat(HELLO);
    embed_component_metadata(&mut typed, &resolve, world, StringEncoding::UTF8).unwrap();
    assert!(exits(&componentize(&typed, &bounds()).unwrap()));
    let endless = HELLO.replace("(import \"wasi_snapshot_preview1\" \"proc_exit\" (func (param i32)))", "");
    assert!(!exits(&componentize(&wat(&endless), &bounds()).unwrap()));
}

#[test]
fn a_module_that_only_follows_our_names_becomes_a_function() {
    assert_eq!(recognise(&wat(HANDLER), &bounds()).unwrap(), Kind::Core);
    let shape = accepted(wat(HANDLER));
    assert_eq!((shape.world, &shape.imports[..]), (World::Function, &["hks:function/types@0.1.0".to_owned()][..]));

    let import = r#"(module (import "wasi_snapshot_preview1" "proc_exit" (func (param i32)))"#;
    let reactor = wat(&HANDLER.replacen("(module", import, 1));
    assert_eq!(recognise(&reactor, &bounds()).unwrap(), Kind::Reactor);
    assert_eq!(accepted(reactor).world, World::Function);
}

#[test]
fn a_module_with_embedded_types_becomes_what_they_say() {
    let wit = our_wit("package", "package");
    assert_eq!(recognise(&module_of(&wit, "function"), &bounds()).unwrap(), Kind::Core);
    let shape = accepted(module_of(&wit, "function"));
    assert_eq!(shape.world, World::Function);
    assert!(shape.imports.contains(&"hks:function/output@0.1.0".to_owned()), "{:?}", shape.imports);
    assert_eq!(accepted(module_of(&wit, "interpreter")).world, World::Interpreter);
}

#[test]
fn components_are_known_by_what_they_export() {
    let wit = our_wit("package", "package");
    assert_eq!(accepted(component_of(&wit, "function")).world, World::Function);
    assert_eq!(accepted(importing(&["wasi:cli/stdout@0.2.0", "wasi:io/streams@0.2.99"])).world, World::Function);
    assert_eq!(accepted(component_of(PROXY, "proxy")).world, World::HttpProxy);
    assert_eq!(accepted(component_of(COMMAND, "command")).world, World::Command);
}

const PROXY: &str = "package wasi:http@0.2.3;
    interface types { resource incoming-request; resource response-outparam; }
    interface incoming-handler {
        use types.{incoming-request, response-outparam};
        handle: func(request: incoming-request, response-out: response-outparam);
    }
    world proxy { export incoming-handler; }";

const COMMAND: &str = "package wasi:cli@0.2.0;
    interface run { run: func() -> result; }
    world command { export run; }";

#[test]
fn what_is_not_webassembly_is_named() {
    let cases: [(&[u8], &str); 9] = [
        (b"", "an empty file"),
        (b"\0as", "it ends too early, in its first bytes; send it again, or build it again"),
        (b"\0asm\x01\0\0", "it ends too early, at byte 4; send it again, or build it again"),
        (
            b"  ;; hello\n (module)",
            "the text form of WebAssembly (WAT); make it binary with `wasm-tools parse` or `wat2wasm`",
        ),
        (b"PK\x03\x04..", "an archive, not a WebAssembly file; send the .wasm that is in it"),
        (b"\x7fELF", "machine code, not WebAssembly; build it for wasm32-wasip1 or wasm32-wasip2"),
        (
            b"def handler(event, context):",
            "text, not WebAssembly; deploy it as a source file, or build it for wasm32-wasip1 or wasm32-wasip2",
        ),
        (b"\xff\xfe\0", "not WebAssembly: it does not begin with \\0asm"),
        (b"\0asm\x01\0\0\0\x63\x00", "not valid WebAssembly, at byte 10: malformed section id: 99"),
    ];
    for (bytes, expected) in cases {
        assert_eq!(refusal(bytes.to_vec()), expected, "{bytes:?}");
    }
}

#[test]
fn modules_for_other_hosts_are_told_what_to_build_for() {
    let cases = [
        (r#"(import "wbg" "__wbindgen_throw" (func (param i32 i32)))"#, "wasm-bindgen (wasm32-unknown-unknown)"),
        (r#"(import "./app_bg.js" "alert" (func))"#, "cargo build --release --target wasm32-wasip2"),
        (r#"(import "gojs" "runtime.wasmExit" (func (param i32)))"#, "`GOOS=wasip1 GOARCH=wasm go build`"),
        (
            r#"(import "env" "emscripten_resize_heap" (func (param i32) (result i32)))"#,
            "Emscripten; build it with wasi-sdk",
        ),
        (r#"(import "env" "abort" (func (param i32 i32 i32 i32)))"#, "@assemblyscript/wasi-shim"),
        (r#"(import "wasi" "thread-spawn" (func (param i32) (result i32)))"#, "wasi-threads"),
        (r#"(import "wasi_unstable" "proc_exit" (func (param i32)))"#, "wasi_unstable"),
    ];
    for (import, expected) in cases {
        let module = wat(&format!("(module {import} (func (export \"_start\")))"));
        let error = recognise(&module, &bounds()).unwrap_err();
        assert!(matches!(error, Error::Foreign(_)) && error.to_string().contains(expected), "{error}");
    }
}

/// A custom section as Go writes it.
fn made_by_go(mut module: Vec<u8>) -> Vec<u8> {
    let mut section = b"\x09producers\x01\x0cprocessed-by\x01\x0eGo cmd/compile\x041.26".to_vec();
    section.splice(0..0, [0, u8::try_from(section.len()).unwrap()]);
    module.append(&mut section);
    module
}

#[test]
fn a_library_made_by_go_is_refused_and_a_command_is_not() {
    let library = HANDLER.replacen("(memory", "(func (export \"_initialize\")) (memory", 1);
    let expected = "made by Go with -buildmode=c-shared, which traps at the first call; build a command instead: \
                    `GOOS=wasip1 GOARCH=wasm go build`, which reads the event from stdin and writes the value to stdout";
    assert_eq!(refusal(made_by_go(wat(&library))), expected);
    assert_eq!(accepted(wat(&library)).world, World::Function);
    // The builds of functions in Go show that real programs are known.
    assert!(refusal(made_by_go(wat(HELLO))).starts_with("made by a Go whose memory layout is not known here; "));
    let own_room = HELLO.replacen(
        "(memory",
        "(func (export \"cabi_realloc\") (param i32 i32 i32 i32) (result i32) i32.const 0) (memory",
        1,
    );
    assert_eq!(accepted(made_by_go(wat(&own_room))).world, World::Command);
}

#[test]
fn proposals_that_are_off_are_named() {
    let cases = [
        (
            "(module (memory 1 1 shared))",
            "it uses threads, which is off here; build for wasm32-wasip1 or wasm32-wasip2, not a -threads target, and without -pthread",
        ),
        ("(module (memory i64 1))", "it uses 64-bit memory, which is off here; build for wasm32, not wasm64"),
        (
            "(module (memory 1) (memory 1))",
            "it uses several memories in a module, which is off here; build without the feature multimemory",
        ),
        (
            "(module (tag))",
            "it uses exceptions, which is off here; build without -fwasm-exceptions, or with panic=abort",
        ),
        (
            "(module (type (struct)))",
            "it uses garbage-collected types, which is off here; build with a compiler that brings its own memory management",
        ),
        (
            "(module (func (drop (i32x4.relaxed_trunc_f32x4_s (v128.const i32x4 0 0 0 0)))))",
            "it uses relaxed SIMD, which is off here; build without the feature relaxed-simd; simd128 is fine",
        ),
        (
            "(module (func (param i64) (result i64 i64) local.get 0 local.get 0 i64.mul_wide_u))",
            "it uses wide arithmetic, which is off here; build without the feature wide-arithmetic",
        ),
        (
            "(component (import \"f\" (func async)))",
            "it uses component model async (WASI 0.3), which is off here; build for WASI 0.2, as wasm32-wasip2",
        ),
        (
            "(component (type (stream u8)))",
            "it uses component model async (WASI 0.3), which is off here; build for WASI 0.2, as wasm32-wasip2",
        ),
    ];
    let refusals: Vec<_> = cases.map(|(text, _)| (text, refusal(wat(text)))).into();
    assert_eq!(refusals, cases.map(|(text, expected)| (text, expected.to_owned())));
}

#[test]
fn all_imports_that_cannot_be_satisfied_are_listed() {
    let component = importing(&[
        "wasi:cli/stdout@0.2.6",
        "wasi:sockets/tcp@0.2.0",
        "wasi:sockets/types@0.3.0",
        "wasi:http/outgoing-handler@0.2.0",
        "wasi:clocks/wall-clock@0.3.0",
        "acme:db/query@1.0.0",
        "hks:function/output@0.2.0",
        "log",
    ]);
    let expected = "it has imports that cannot be satisfied; build it without them, or do what is said:\n\
        wasi:sockets/types@0.3.0: never offered: functions open no sockets; call hosts through \
        wasi:http/outgoing-handler, with grants.http\n\
        wasi:http/outgoing-handler@0.2.0: needs a grant; add to function.yaml:\n\
        grants:\n  http:\n    - api.example.com\n\
        wasi:clocks/wall-clock@0.3.0: another version; this server offers wasi:clocks/wall-clock@0.2.12\n\
        acme:db/query@1.0.0: unknown\n\
        hks:function/output@0.2.0: another version; this server offers hks:function/output@0.1.0\n\
        log: unknown";
    assert_eq!(refusal(component), expected);
}

#[test]
fn a_grant_satisfies_its_import() {
    let component = importing(&["wasi:http/outgoing-handler@0.2.0"]);
    let with = |offer: Offer, hosts: &[&str]| validate(&component, &offer, &grants(hosts), &Limits::default());
    assert!(with(everything(), &["api.example.com"]).is_ok());
    assert!(matches!(with(everything(), &[]), Err(Error::Imports(_))));
    let Err(Error::Imports(denied)) = with(Offer::functions(), &["api.example.com"]) else { panic!("accepted") };
    assert_eq!(denied[0].reason, Reason::Unknown);
}

/// Importing is not calling: the runtime refuses the calls.
#[test]
fn imports_of_what_every_call_is_refused_of_are_harmless() {
    let component = importing(&["wasi:http/outgoing-handler@0.2.0", "wasi:sockets/tcp@0.2.3", "wasi:http/types@0.2.0"]);
    assert!(validate(&component, &Offer::runtime(), &Grants::default(), &Limits::default()).is_ok());
}

#[test]
fn the_runtime_runs_all_but_interpreters_of_users() {
    let validated = |wasm| accept(wasm, &Offer::runtime(), &Grants::default(), &Limits::default());
    assert_eq!(validated(wat(HELLO)).unwrap().1.world, World::Command);
    assert_eq!(validated(component_of(PROXY, "proxy")).unwrap().1.world, World::HttpProxy);
    assert_eq!(validated(wat(HANDLER)).unwrap().1.world, World::Function);
    assert!(!Offer::runtime().worlds.contains(&World::Interpreter));
}

#[test]
fn imports_of_modules_that_nothing_satisfies_are_listed() {
    let module = r#"(module
        (import "env" "query" (func)) (import "env" "query" (func))
        (import "wasi_snapshot_preview1" "sock_open" (func))
        (import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))
        (func (export "_start")))"#;
    let expected = "it has imports that cannot be satisfied; build it without them, or do what is said:\n\
                    env.query: unknown\nwasi_snapshot_preview1.sock_open: unknown";
    assert_eq!(refusal(wat(module)), expected);
}

#[test]
fn functions_of_another_type_are_explained_by_the_difference() {
    let its = "its hks:function/handler is not the one that is called: ";
    let ours = "handle: func(event: string, context: string) -> result<string, failure>";
    let cases = [
        (
            "handle: func(event: string) -> string",
            "handle: expected func(event: string, context: string) -> result<string, failure>, found func(event: \
             string) -> string",
        ),
        (
            "run: func()",
            "handle: expected func(event: string, context: string) -> result<string, failure>, found nothing",
        ),
        (
            "record mine { a: list<u8> } handle: func(event: mine, context: option<tuple<u8, f64>>) -> result<_, failure>",
            "handle: expected func(event: string, context: string) -> result<string, failure>, found func(event: mine, \
             context: option<tuple<u8, f64>>) -> result<_, failure>",
        ),
    ];
    for (other, difference) in cases {
        let component = component_of(&our_wit(ours, other), "function");
        assert_eq!(refusal(component), format!("{its}{difference}"));
    }
    let failure = our_wit("    traceback: string,\n", "    traceback: option<string>,\n");
    let expected = "handle: expected func(event: string, context: string) -> result<string, record { name: string, \
                    value: string, traceback: string }>, found func(event: string, context: string) -> \
                    result<string, record { name: string, value: string, traceback: option<string> }>";
    assert_eq!(refusal(component_of(&failure, "function")), format!("{its}{expected}"));
    let proxy = PROXY.replace(", response-out: response-outparam", "");
    let expected = "its wasi:http/incoming-handler is not the one that is called: handle: expected \
                    func(incoming-request, response-outparam), found func(request: incoming-request)";
    assert_eq!(refusal(component_of(&proxy, "proxy")), expected);
}

#[test]
fn names_of_parameters_are_free_and_imports_of_ours_must_fit() {
    let renamed = our_wit("handle: func(event: string,", "handle: func(input: string,");
    assert_eq!(accepted(component_of(&renamed, "function")).world, World::Function);
    let other = our_wit("now: func() -> u64", "now: func() -> u32");
    let expected = "it has an import that cannot be satisfied; build it without it, or do what is said:\n\
                    hks:function/clock@0.1.0: now: expected func() -> u64, found func() -> u32";
    assert_eq!(refusal(component_of(&other, "function")), expected);
}

#[test]
fn exactly_one_thing_is_to_be_called() {
    let wanted = "export hks:function/handler@0.1.0, wasi:http/incoming-handler@0.2 or wasi:cli/run@0.2";
    let both = "package hks:function@0.1.0; interface handler { f: func(); } interface interpret { f: func(); }
                world both { export handler; export interpret; }";
    let expected = "it is a function (hks:function/handler) and a language runtime (hks:function/interpret); export one \
                    of the two, so that it is clear what to call";
    assert_eq!(refusal(component_of(both, "both")), expected);
    let server = format!(
        "{} package wasi:cli@0.2.0 {{ interface run {{ run: func() -> result; }} }}",
        PROXY.replace("export incoming-handler;", "export incoming-handler; export wasi:cli/run@0.2.0;")
    );
    assert_eq!(accepted(component_of(&server, "proxy")).world, World::HttpProxy);
    assert_eq!(refusal(wat("(component)")), format!("it exports nothing; {wanted}"));
    let other = "package a:b; world w { export handle: func(); }";
    assert_eq!(
        refusal(component_of(other, "w")),
        format!("it exports nothing that can be called, only handle; {wanted}")
    );
    let newer = our_wit("hks:function@0.1.0", "hks:function@0.2.0");
    assert_eq!(
        refusal(component_of(&newer, "function")),
        "it exports hks:function/handler@0.2.0, but what is called here is hks:function/handler@0.1.0; build it with \
         that version"
    );
    assert_eq!(
        refusal(wat("(module)")),
        "it is a core module that exports neither _start nor hks:function/handler@0.1.0#handle; build a command, or \
         export the interface of our WIT world"
    );
}

#[test]
fn what_is_not_offered_is_not_run() {
    let refused = |wasm| accept(wasm, &Offer::functions(), &Grants::default(), &Limits::default()).unwrap_err();
    assert_eq!(refused(wat(HELLO)), Error::World(World::Command));
    let proxy = component_of(PROXY, "proxy");
    assert_eq!(
        refused(proxy).to_string(),
        "it is an HTTP server (wasi:http/incoming-handler), and this server does not run those"
    );
}

#[test]
fn more_memory_than_the_limit_is_refused() {
    let limits = Limits::try_from(LimitsSpec { memory_mb: Some(16), ..LimitsSpec::default() }).unwrap();
    let module = wat(&HANDLER.replace("\"memory\") 1", "\"memory\") 257"));
    let error = accept(module, &everything(), &Grants::default(), &limits).unwrap_err();
    let expected = "it begins with 17 MiB of memory, and the function's limit is 16 MiB; raise limits.memory_mb, or build \
                    it with a smaller initial memory";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn every_bound_is_held() {
    let nested = format!("(module (func {} {}))", "block ".repeat(20), "end ".repeat(20));
    let none = Bounds::default;
    let cases = [
        ("(module)".to_owned(), Bounds { bytes_max: 7, ..none() }, "8 bytes are more than the maximum of 7"),
        (
            "(component (core module) (core module))".into(),
            Bounds { modules_max: 1, ..none() },
            "2 modules are more than the maximum of 1",
        ),
        (
            "(component (component) (component))".into(),
            Bounds { components_max: 1, ..none() },
            "2 components are more than the maximum of 1",
        ),
        (
            "(component (core module $m) (core instance (instantiate $m)) (core instance (instantiate $m)))".into(),
            Bounds { instances_max: 1, ..none() },
            "2 instances are more than the maximum of 1",
        ),
        (
            "(component (core module (memory 1)) (core module (memory 1)))".into(),
            Bounds { memories_max: 1, ..none() },
            "2 memories are more than the maximum of 1",
        ),
        (
            "(module (table 1 funcref) (table 1 funcref))".into(),
            Bounds { tables_max: 1, ..none() },
            "2 tables are more than the maximum of 1",
        ),
        ("(module (table 40001 funcref))".into(), none(), "40001 table elements are more than the maximum of 40000"),
        (
            "(module (func) (func))".into(),
            Bounds { functions_max: 1, ..none() },
            "2 functions are more than the maximum of 1",
        ),
        (
            "(module (type (func)) (type (func (param i32))))".into(),
            Bounds { types_max: 1, ..none() },
            "2 types are more than the maximum of 1",
        ),
        (
            "(module (global i32 (i32.const 0)) (global i32 (i32.const 0)))".into(),
            Bounds { globals_max: 1, ..none() },
            "2 globals are more than the maximum of 1",
        ),
        (
            "(module (func (export \"a\") (export \"b\")))".into(),
            Bounds { names_max: 1, ..none() },
            "2 imports and exports are more than the maximum of 1",
        ),
        (
            "(module (func (export \"long\")))".into(),
            Bounds { name_bytes_max: 3, ..none() },
            "4 bytes of a name are more than the maximum of 3",
        ),
        (
            "(module (func nop nop))".into(),
            Bounds { body_bytes_max: 3, ..none() },
            "4 bytes of one function are more than the maximum of 3",
        ),
        (
            "(module (func) (func))".into(),
            Bounds { code_bytes_max: 3, ..none() },
            "4 bytes of code are more than the maximum of 3",
        ),
        (
            "(module (func (param i32) (local i32 i64)))".into(),
            Bounds { locals_max: 2, ..none() },
            "3 locals of one function are more than the maximum of 2",
        ),
        (
            "(module (func (br_table 0 0 0 (i32.const 0))))".into(),
            Bounds { branch_targets_max: 1, ..none() },
            "2 targets of one br_table are more than the maximum of 1",
        ),
        (
            "(module (func (block (br_table 0 0 (i32.const 0))) (br_table 0 0 (i32.const 0))))".into(),
            Bounds { branch_targets_in_body_max: 1, ..none() },
            "2 branch targets of one function are more than the maximum of 1",
        ),
        (nested, Bounds { nesting_max: 20, ..none() }, "21 blocks in each other are more than the maximum of 20"),
    ];
    for (text, bounds, expected) in cases {
        let error = recognise(&wat(&text), &bounds).unwrap_err();
        assert_eq!((error.to_string().as_str(), matches!(error, Error::TooLarge(_))), (expected, true), "{text}");
    }
}

#[test]
fn a_type_that_unfolds_without_end_makes_a_short_message() {
    let mut records = String::from("record r0 { a: u8, b: u8 }\n");
    for n in 1..14 {
        records += &format!("record r{n} {{ a: r{0}, b: r{0} }}\n", n - 1);
    }
    let ours = "handle: func(event: string, context: string) -> result<string, failure>";
    let wit = our_wit(ours, &format!("{records} handle: func(event: string, context: string) -> result<r13, failure>"));
    let error = refusal(component_of(&wit, "function"));
    assert!(error.contains("found func(event: string, context: string) -> result<r13, failure>"), "{error}");
}

#[test]
fn what_is_cut_off_is_refused_wherever_it_is_cut() {
    for whole in [wat(HELLO), wat(HANDLER), importing(&["wasi:cli/stdout@0.2.0"])] {
        for length in 0..whole.len() {
            fuzzing::check(&whole[..length]);
        }
    }
}

/// `wit-parser` would overflow its stack on these.
#[test]
fn packages_that_use_each_other_in_a_circle_are_refused() {
    let circle = r#"
        (import "a:a/one" (instance $one (export "t" (type (sub resource)))))
        (alias export $one "t" (type $t))
        (import "b:b/two" (instance $two (alias outer 1 $t (type $t')) (export "t" (type (eq $t')))
            (type $r' (record (field "f" u8))) (export "r" (type (eq $r')))))
        (alias export $two "r" (type $r))
        (import "a:a/three" (instance (alias outer 1 $r (type $r')) (export "r" (type (eq $r')))))"#;
    let expected = "its WIT packages use each other in a circle, one is a:a";
    assert_eq!(refusal(wat(&format!("(component {circle})"))), expected);
    let world = format!(
        r#"(component (type $w (component (type (component {circle})) (export "x:x/w" (component (type 0)))))
        (export "w" (type $w)))"#
    );
    let types = wat(&world);
    let mut module = wat(HANDLER);
    let section = wasm_custom("component-type", &types);
    module.extend(section);
    assert_eq!(refusal(module), expected);
    let mut old = wat(HANDLER);
    old.extend(wasm_custom("component-type", b"\x03\0"));
    assert_eq!(refusal(old), "its WIT is embedded in an old form; build it with a current wit-bindgen");
}

fn wasm_custom(name: &str, content: &[u8]) -> Vec<u8> {
    let size = |n: usize| [u8::try_from(n & 127).unwrap() | 128, u8::try_from(n >> 7).unwrap()];
    let body: Vec<u8> = [&size(name.len())[..], name.as_bytes(), content].concat();
    [&[0][..], &size(body.len()), &body].concat()
}

fn seeds() -> Vec<Vec<u8>> {
    let wit = our_wit("package", "package");
    let (component, _) = accept(wat(HANDLER), &everything(), &Grants::default(), &Limits::default()).unwrap();
    let (command, _) = accept(wat(HELLO), &everything(), &Grants::default(), &Limits::default()).unwrap();
    vec![command, wat(HELLO), wat(HANDLER), module_of(&wit, "function"), component_of(PROXY, "proxy"), component]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn no_bytes_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..200), is_component in any::<bool>()) {
        fuzzing::check(&bytes);
        let header = if is_component { b"\0asm\x0d\0\x01\0" } else { b"\0asm\x01\0\0\0" };
        bytes.splice(0..0, *header);
        fuzzing::check(&bytes);
    }

    #[test]
    fn no_change_of_a_valid_file_panics(
        seed in 0..6_usize,
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = seeds().swap_remove(seed);
        for (index, byte) in changes {
            let at = index.index(bytes.len());
            bytes[at] = byte;
        }
        fuzzing::check(&bytes);
    }
}
