//! Small components that are linked as componentize-py links CPython, and components that must be refused.

use wasmparser::{Parser, Payload};
use wasmtime::component::{Component, Linker};
use wasmtime::{Engine, Store};

use super::fuse;

/// A component around `core`, whose core function `$run` it lifts and exports as `run`.
fn exporting(core: &str) -> String {
    format!(
        r#"(component {core}
            (func $lifted (result u32) (canon lift (core func $run)))
            (export "run" (func $lifted)))"#
    )
}

fn fuse_text(text: &str) -> anyhow::Result<Vec<u8>> {
    fuse(&wat::parse_str(text).unwrap())
}

/// What `run` returns in a host whose function `twice` doubles and whose function `length` measures text.
fn run(component: &[u8]) -> u32 {
    let engine = Engine::default();
    let component = Component::new(&engine, component).unwrap();
    let mut linker = Linker::<()>::new(&engine);
    linker.root().func_wrap("twice", |_, (value,): (u32,)| Ok((value * 2,))).unwrap();
    linker.root().func_wrap("length", |_, (text,): (String,)| Ok((u32::try_from(text.len()).unwrap(),))).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = linker.instantiate(&mut store, &component).unwrap();
    let run = instance.get_typed_func::<(), (u32,)>(&mut store, "run").unwrap();
    run.call(&mut store, ()).unwrap().0
}

fn sections(component: &[u8]) -> Sections {
    let mut sections = Sections::default();
    for payload in Parser::new(0).parse_all(component) {
        match payload.unwrap() {
            Payload::ModuleSection { .. } => sections.modules += 1,
            Payload::GlobalSection(globals) if sections.modules == 1 => sections.globals = globals.count(),
            Payload::TableSection(tables) if sections.modules == 1 => {
                sections.places = tables.into_iter().map(|table| table.unwrap().ty.initial).collect();
            }
            Payload::DataSection(data) if sections.modules == 1 => {
                sections.data = data.into_iter().map(|data| constant(&data.unwrap())).collect();
            }
            _ => {}
        }
    }
    sections
}

/// What the tests ask about a component and its first module.
#[derive(Debug, Default, PartialEq)]
struct Sections {
    modules: u32,
    globals: u32,
    places: Vec<u64>,
    /// Where data segments begin.
    data: Vec<i32>,
}

fn constant(data: &wasmparser::Data<'_>) -> i32 {
    let wasmparser::DataKind::Active { offset_expr, .. } = &data.kind else { panic!("a passive segment") };
    match offset_expr.get_operators_reader().read().unwrap() {
        wasmparser::Operator::I32Const { value } => value,
        other => panic!("{other:?}"),
    }
}

/// Expects both to return the same, and returns that.
fn same_result(text: &str) -> u32 {
    let before = run(&wat::parse_str(text).unwrap());
    assert_eq!(run(&fuse_text(text).unwrap()), before);
    before
}

/// The module with table and memory, and a library that finds its data and its functions by globals.
fn linked() -> String {
    exporting(
        r#"(core module $main
            (table (export "table") 8 funcref)
            (memory (export "memory") 1)
            (global (export "base") i32 (i32.const 64))
            (global (export "slots") i32 (i32.const 3))
            (global (export "got") (mut i32) (i32.const 68))
            (global (export "counter") (mut i32) (i32.const 5))
            (data (i32.const 0) "\01"))
        (core module $library
            (import "env" "table" (table 0 funcref))
            (import "env" "memory" (memory 0))
            (import "env" "base" (global $base i32))
            (import "env" "slots" (global $slots i32))
            (import "env" "got" (global $got (mut i32)))
            (import "env" "counter" (global $counter (mut i32)))
            (type $get (func (result i32)))
            (elem (global.get $slots) $count)
            (data (global.get $base) "\07\00\00\00\09")
            (func $count (result i32)
                (global.set $counter (i32.add (global.get $counter) (i32.const 1)))
                (global.get $counter))
            (func (export "run") (result i32)
                (i32.add
                    (call_indirect (type $get) (i32.const 3))
                    (i32.add (i32.load8_u (global.get $base)) (i32.load8_u (global.get $got))))))
        (core instance $main (instantiate $main))
        (alias core export $main "table" (core table $table))
        (alias core export $main "memory" (core memory $memory))
        (alias core export $main "base" (core global $base))
        (alias core export $main "slots" (core global $slots))
        (alias core export $main "got" (core global $got))
        (alias core export $main "counter" (core global $counter))
        (core instance $env
            (export "table" (table $table)) (export "memory" (memory $memory)) (export "base" (global $base))
            (export "slots" (global $slots)) (export "got" (global $got)) (export "counter" (global $counter)))
        (core instance $library (instantiate $library (with "env" (instance $env))))
        (alias core export $library "run" (core func $run))"#,
    )
}

#[test]
fn linked_modules_become_one_that_does_the_same() {
    assert_eq!(same_result(&linked()), 6 + 7 + 9);
}

#[test]
fn globals_that_nobody_writes_become_constants_and_segments_get_constant_places() {
    let fused = sections(&fuse_text(&linked()).unwrap());
    assert_eq!(fused, Sections { modules: 1, globals: 1, places: vec![8], data: vec![0, 64] });
}

/// A function of the host that needs memory, reached through a shim which a fix-up completes, and one that does not.
fn with_shim() -> String {
    let text = r#"(component
        (import "twice" (func $twice (param "value" u32) (result u32)))
        (import "length" (func $length (param "text" string) (result u32)))
        (core module $shim
            (type $length (func (param i32 i32) (result i32)))
            (table (export "$imports") 2 2 funcref)
            (func (export "0") (param i32 i32) (result i32)
                (call_indirect (type $length) (local.get 0) (local.get 1) (i32.const 0)))
            (func (export "1") (param i32 i32) (result i32)
                (call_indirect (type $length) (local.get 0) (local.get 1) (i32.const 1))))
        (core module $main
            (import "host" "length" (func $length (param i32 i32) (result i32)))
            (import "host" "add" (func $add (param i32 i32) (result i32)))
            (import "host" "twice" (func $twice (param i32) (result i32)))
            (type $binary (func (param i32 i32) (result i32)))
            (table 4 4 funcref)
            (memory (export "memory") 1)
            (elem (i32.const 1) $length)
            (data (i32.const 16) "hello")
            (func (export "run") (result i32)
                (call $add
                    (call $twice (call_indirect (type $binary) (i32.const 16) (i32.const 5) (i32.const 1)))
                    (i32.const 100))))
        (core module $adapter
            (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))
        (core module $fix-up
            (import "" "0" (func $length (param i32 i32) (result i32)))
            (import "" "1" (func $add (param i32 i32) (result i32)))
            (import "" "$imports" (table 2 2 funcref))
            (elem (i32.const 0) $length $add))
        (core instance $shim (instantiate $shim))
        (alias core export $shim "0" (core func $indirect-length))
        (alias core export $shim "1" (core func $indirect-add))
        (core func $core-twice (canon lower (func $twice)))
        (core instance $host
            (export "length" (func $indirect-length)) (export "add" (func $indirect-add))
            (export "twice" (func $core-twice)))
        (core instance $main (instantiate $main (with "host" (instance $host))))
        (core instance $adapter (instantiate $adapter))
        (alias core export $main "memory" (core memory $memory))
        (alias core export $shim "$imports" (core table $slots))
        (core func $core-length (canon lower (func $length) (memory $memory) string-encoding=utf8))
        (alias core export $adapter "add" (core func $add))
        (core instance $fix-up-arguments
            (export "$imports" (table $slots)) (export "0" (func $core-length)) (export "1" (func $add)))
        (core instance (instantiate $fix-up (with "" (instance $fix-up-arguments))))
        (alias core export $main "run" (core func $run))
        (func $lifted (result u32) (canon lift (core func $run)))
        (export "run" (func $lifted)))"#;
    text.to_owned()
}

#[test]
fn functions_of_the_host_are_reached_with_and_without_memory() {
    assert_eq!(same_result(&with_shim()), 5 * 2 + 100);
}

#[test]
fn slots_of_the_host_come_after_the_table() {
    let fused = sections(&fuse_text(&with_shim()).unwrap());
    // the second module is the fix-up; the shim's slot for `add` is gone, because a module defines that
    assert_eq!(fused, Sections { modules: 2, globals: 0, places: vec![4 + 1], data: vec![16] });
}

#[test]
fn a_module_that_exports_nothing_fills_the_table_and_its_code_is_left_out() {
    let text = exporting(
        r#"(core module $main
            (type $get (func (result i32)))
            (table (export "table") 2 funcref)
            (memory 1)
            (func (export "answer") (result i32) (i32.const 42))
            (func (export "run") (result i32) (call_indirect (type $get) (i32.const 1))))
        (core module $init
            (import "env" "table" (table 2 funcref))
            (import "env" "answer" (func $answer (result i32)))
            (elem (i32.const 1) $answer)
            (func $unreachable (unreachable) (drop (table.size 0))))
        (core instance $main (instantiate $main))
        (core instance (instantiate $init (with "env" (instance $main))))
        (alias core export $main "run" (core func $run))"#,
    );
    assert_eq!(same_result(&text), 42);
}

/// The reason why a component with this one module is refused.
fn refusal(module: &str) -> String {
    let text = exporting(&format!(
        r#"(core module $main (memory 1) (table 1 funcref) {module} (func (export "run") (result i32) (i32.const 1)))
        (core instance $main (instantiate $main))
        (alias core export $main "run" (core func $run))"#
    ));
    format!("{:#}", fuse_text(&text).unwrap_err())
}

#[test]
fn what_cannot_be_fused_in_a_module_is_refused_with_the_reason() {
    for (module, reason) in [
        ("(func $start) (start $start)", "start function"),
        ("(data \"passive\")", "passive"),
        ("(func $f) (elem func $f)", "passive"),
        ("(tag (param i32))", "exception tag"),
        ("(table 1 funcref)", "2 tables"),
        ("(func (drop (table.size 0)))", "the table's size"),
        ("(data (i32.const 65536) \"x\")", "behind the memory"),
        ("(global (mut f64) (f64.const 1))", "F64Const"),
        ("(type (struct))", "not that of a function"),
    ] {
        let message = refusal(module);
        assert!(message.contains(reason), "{module}: {message}");
    }
}

#[test]
fn what_cannot_be_fused_in_a_component_is_refused_with_the_reason() {
    for (component, reason) in [
        (r#"(component (import "f" (func $f)) (core func (canon lower (func $f) async)))"#, "option Async"),
        ("(component (core func (canon task.cancel)))", "TaskCancel"),
        ("(component (component (core module)))", "unknown shape"),
        ("(component (type (resource (rep i32))))", "defines a resource"),
        (r#"(component (import "m" (core module)))"#, "core types"),
        ("(component (core module $m) (core instance (instantiate $m)) (core instance (instantiate $m)))", "two"),
        ("(component (core module $m (memory 1) (table 1 funcref)) (core instance (instantiate $m)))", "lifts no"),
    ] {
        let message = format!("{:#}", fuse_text(component).unwrap_err());
        assert!(message.contains(reason), "{component}: {message}");
    }
    assert_eq!(fuse(b"\0asm\x01\0\0\0").unwrap_err().to_string(), "not a component");
}

#[test]
fn a_shim_of_an_unknown_shape_is_refused() {
    for (part, change, reason) in [
        ("(local.get 0) (local.get 1) (i32.const 1)", "(local.get 1) (local.get 0) (i32.const 1)", "function 1 of the"),
        ("(elem (i32.const 0) $length $add)", "(elem (i32.const 0) $length)", "slot 1 of the shim is never filled"),
        ("(elem (i32.const 0) $length $add)", "(func) (elem (i32.const 0) $length $add)", "it has code or data"),
        ("(core module $shim", "(core module $shim (memory 1)", "more than functions and a table"),
    ] {
        let text = with_shim();
        assert!(text.contains(part), "{part}");
        let message = format!("{:#}", fuse_text(&text.replace(part, change)).unwrap_err());
        assert!(message.contains(reason), "{change}: {message}");
    }
}

#[test]
fn a_fused_component_can_be_fused_again() {
    let once = fuse_text(&linked()).unwrap();
    assert_eq!(fuse(&once).unwrap(), once);
    // the fix-up of the first time becomes a part of the module, and calls go by two slots
    let twice = fuse(&fuse_text(&with_shim()).unwrap()).unwrap();
    assert_eq!(run(&twice), 110);
}
