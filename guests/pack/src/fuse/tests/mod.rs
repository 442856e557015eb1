//! One small component for each rule. What is fused is validated and run, before and after, with equal results.

mod globals;
mod host;
mod hostile;
mod linking;
mod refusals;
mod storage;

use wasmparser::{DataKind, ElementItems, ElementKind, Operator, Parser, Payload, Validator};
use wasmtime::component::{Component, Linker, Resource, ResourceType};
use wasmtime::{Engine, Store, Trap};

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

/// What `run` returns at its first calls, or why it does not: that ends the instance.
type Calls = Vec<Result<u32, String>>;

/// A call that ended so.
fn trapped(trap: Trap) -> Result<u32, String> {
    Err(trap.to_string())
}

/// Expects that both forms do the same, and returns what that is and the second.
#[track_caller]
fn same(text: &str) -> (Calls, Shape) {
    let linked = wat::parse_str(text).unwrap();
    let fused = fuse(&linked).unwrap_or_else(|error| panic!("{error:#}"));
    Validator::new_with_features(super::features()).validate_all(&fused).unwrap();
    assert_eq!(fuse(&linked).unwrap(), fused, "the same input gives the same output");
    let before = calls(&linked);
    assert_eq!(calls(&fused), before);
    (before, Shape::of(&fused))
}

/// The same for a function that always returns the same.
#[track_caller]
fn same_result(text: &str) -> u32 {
    let (calls, _) = same(text);
    assert!(calls.iter().all(|call| call == &calls[0]), "{calls:?}");
    *calls[0].as_ref().unwrap_or_else(|error| panic!("{error}"))
}

const CALLS: usize = 3;

/// Calls `run` in a host whose function `twice` doubles; `length` measures text, `name` returns some; `count` tells how
/// many tickets of `issue` were dropped.
fn calls(component: &[u8]) -> Calls {
    let engine = Engine::default();
    let component = Component::new(&engine, component).unwrap();
    let mut store = Store::new(&engine, 0);
    let instance = host(&engine).instantiate(&mut store, &component).unwrap();
    let run = instance.get_typed_func::<(), (u32,)>(&mut store, "run").unwrap();
    let mut calls = Vec::new();
    while calls.len() < CALLS && !matches!(calls.last(), Some(Err(_))) {
        let result = run.call(&mut store, ());
        calls.push(result.map(|(value,)| value).map_err(|error| error.root_cause().to_string()));
    }
    calls
}

struct Ticket;

fn host(engine: &Engine) -> Linker<u32> {
    let mut linker = Linker::<u32>::new(engine);
    let mut root = linker.root();
    root.func_wrap("twice", |_, (value,): (u32,)| Ok((value.wrapping_mul(2),))).unwrap();
    root.func_wrap("length", |_, (text,): (String,)| Ok((u32::try_from(text.len()).unwrap(),))).unwrap();
    root.func_wrap("name", |_, ()| Ok(("Ada",))).unwrap();
    root.func_wrap("count", |store, ()| Ok((*store.data(),))).unwrap();
    let dropped = |mut store: wasmtime::StoreContextMut<'_, u32>, _| {
        *store.data_mut() += 1;
        Ok(())
    };
    root.resource("ticket", ResourceType::host::<Ticket>(), dropped).unwrap();
    root.func_wrap("issue", |_, ()| Ok((Resource::<Ticket>::new_own(7),))).unwrap();
    linker
}

/// What the tests ask about a fused component: how many modules it has, and what the first is made of.
#[derive(Debug, Default, PartialEq)]
struct Shape {
    modules: u32,
    globals: u32,
    /// How many places each table has at first.
    places: Vec<u64>,
    /// Where segments of elements begin, and how many each has.
    elements: Vec<(i32, u32)>,
    /// Where segments of data begin.
    data: Vec<i32>,
}

impl Shape {
    fn of(component: &[u8]) -> Self {
        let mut shape = Self::default();
        for payload in Parser::new(0).parse_all(component) {
            match payload.unwrap() {
                Payload::ModuleSection { .. } => shape.modules += 1,
                payload if shape.modules == 1 => shape.add(payload),
                _ => {}
            }
        }
        shape
    }

    fn add(&mut self, payload: Payload<'_>) {
        match payload {
            Payload::GlobalSection(globals) => self.globals = globals.count(),
            Payload::TableSection(tables) => {
                self.places = tables.into_iter().map(|table| table.unwrap().ty.initial).collect();
            }
            Payload::ElementSection(elements) => {
                for element in elements.into_iter().map(Result::unwrap) {
                    let ElementKind::Active { table_index: None, offset_expr } = element.kind else {
                        panic!("a segment of another kind");
                    };
                    let ElementItems::Functions(functions) = element.items else { panic!("expressions") };
                    self.elements.push((constant(&offset_expr), functions.count()));
                }
            }
            Payload::DataSection(data) => {
                for data in data.into_iter().map(Result::unwrap) {
                    let DataKind::Active { offset_expr, .. } = data.kind else { panic!("a passive segment") };
                    self.data.push(constant(&offset_expr));
                }
            }
            _ => {}
        }
    }
}

fn constant(expression: &wasmparser::ConstExpr<'_>) -> i32 {
    match expression.get_operators_reader().read().unwrap() {
        Operator::I32Const { value } => value,
        other => panic!("{other:?}"),
    }
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
