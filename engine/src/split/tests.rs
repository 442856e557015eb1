//! Small components, before and after: the image must be what the segments said, and instances must not tell the
//! difference.

use wasmtime::component::{Component, Linker};
use wasmtime::{Engine, Store};

use super::*;

/// A component of one module with memory, data and globals of every plain type, which exports `peek` and `count`.
const COUNTER: &str = r#"(component
    (core module $m
        (memory (export "memory") 2)
        (global $plain (mut i32) (i32.const 5))
        (global $fixed i32 (i32.const 7))
        (global $wide (mut i64) (i64.const -2))
        (global $single (mut f32) (f32.const 1.5))
        (global $double (mut f64) (f64.const -0.0))
        (data (i32.const 8) "\2a")
        (data $passive "later")
        (data (i32.const 4096) "a page on")
        (data (i32.const 4096) "b")
        (func (export "peek") (param i32) (result i32) (i32.load8_u (local.get 0)))
        (func (export "init") (memory.init $passive (i32.const 0) (i32.const 0) (i32.const 5)))
        (func (export "count") (result i32)
            (global.set $plain (i32.add (global.get $plain) (i32.const 1)))
            (global.get $plain)))
    (core instance $i (instantiate $m))
    (func (export "peek") (param "at" u32) (result u32) (canon lift (core func $i "peek")))
    (func (export "init") (canon lift (core func $i "init")))
    (func (export "count") (result u32) (canon lift (core func $i "count"))))"#;

fn split_text(text: &str) -> Split {
    split(&wat::parse_str(text).unwrap()).unwrap()
}

struct Running {
    store: Store<()>,
    instance: wasmtime::component::Instance,
}

impl Running {
    fn new(component: &[u8]) -> Self {
        let engine = Engine::default();
        let component = Component::new(&engine, component).unwrap();
        let mut store = Store::new(&engine, ());
        let instance = Linker::new(&engine).instantiate(&mut store, &component).unwrap();
        Self { store, instance }
    }

    fn call<P, R>(&mut self, name: &str, parameters: P) -> R
    where
        P: wasmtime::component::ComponentNamedList + wasmtime::component::Lower,
        R: wasmtime::component::ComponentNamedList + wasmtime::component::Lift + 'static,
    {
        let function = self.instance.get_typed_func::<P, R>(&mut self.store, name).unwrap();
        function.call(&mut self.store, parameters).unwrap()
    }
}

#[test]
fn the_image_is_what_the_segments_said() {
    let split = split_text(COUNTER);
    let memory = split.shape.memory.unwrap();
    assert_eq!(memory.bytes, 2 * 65_536);
    assert_eq!(split.pages.len(), 2 * PAGE_BYTES);
    assert_eq!(split.pages[8], 42);
    assert_eq!(&split.pages[PAGE_BYTES..PAGE_BYTES + 9], b"b page on");
}

#[test]
fn an_image_ends_with_its_last_page_and_is_not_nearly_empty() {
    let text = |at: usize| {
        format!(
            r#"(component (core module $m (memory 2000) (data (i32.const {at}) "x"))
        (core instance (instantiate $m)))"#
        )
    };
    assert_eq!(split_text(&text(0)).pages.len(), PAGE_BYTES);
    let far = split_text(&text(100 << 20));
    assert_eq!((far.shape.memory, far.pages.len()), (None, 0));
}

#[test]
fn the_component_keeps_everything_but_its_data() {
    let mut running = Running::new(&split_text(COUNTER).component);
    assert_eq!(running.call::<_, (u32,)>("peek", (8_u32,)), (0,));
    // Segments keep their numbers.
    running.call::<(), ()>("init", ());
    assert_eq!(running.call::<_, (u32,)>("peek", (0_u32,)), (u32::from(b'l'),));
    assert_eq!(running.call::<_, (u32,)>("count", ()), (6,));
}

#[test]
fn what_was_split_off_is_gone() {
    fuzzing::split(&wat::parse_str(COUNTER).unwrap());
    fuzzing::split_module(&wat::parse_str(r#"(module (memory 1) (data (i32.const 5) "x"))"#).unwrap());
}

#[test]
fn segments_that_no_code_names_are_left_out() {
    let text = r#"(component (core module $m (memory 1) (data (i32.const 0) "x") (data "never used"))
        (core instance (instantiate $m)))"#;
    let split = split_text(text);
    let segments = wasmparser::Parser::new(0)
        .parse_all(&split.component)
        .any(|payload| matches!(payload.unwrap(), wasmparser::Payload::DataSection(_)));
    assert!(!segments && split.pages[0] == b'x');
}

#[test]
fn globals_can_be_read_and_written() {
    let split = split_text(COUNTER);
    assert_eq!(split.shape.unstorable, [""; 0]);
    assert_eq!(split.shape.globals, [4]);
    let mut running = Running::new(&split.component);
    let all = |running: &mut Running| [0_u32, 1, 2, 3].map(|i| running.call::<_, (u64,)>(&get_global(0), (i,)).0);
    let (wide, single, double) = (-2_i64 as u64, u64::from(1.5_f32.to_bits()), (-0.0_f64).to_bits());
    assert_eq!(all(&mut running), [5, wide, single, double]);
    for (index, bits) in [(0_u32, 41_u64), (1, 1 << 40), (2, u64::from(f32::MAX.to_bits())), (3, f64::MIN.to_bits())] {
        running.call::<_, ()>(&set_global(0), (index, bits));
    }
    assert_eq!(all(&mut running), [41, 1 << 40, u64::from(f32::MAX.to_bits()), f64::MIN.to_bits()]);
    assert_eq!(running.call::<_, (u32,)>("count", ()), (42,));
}

#[test]
fn what_cannot_be_told_beforehand_stays_in_the_component() {
    // (what, text): each keeps its data segments.
    for (what, text) in [
        (
            "a computed place",
            r#"(core module $a (global (export "g") i32 (i32.const 1)))
            (core instance $ai (instantiate $a))
            (core module $m (import "a" "g" (global i32)) (memory (export "memory") 1) (data (global.get 0) "x"))
            (core instance (instantiate $m (with "a" (instance $ai))))"#,
        ),
        (
            "a segment out of bounds",
            r#"(core module $m (memory 1) (data (i32.const 65536) "x"))
            (core instance (instantiate $m))"#,
        ),
        (
            "two memories",
            r#"(core module $a (memory 1) (data (i32.const 0) "x"))
            (core module $m (memory 1) (data (i32.const 0) "y"))
            (core instance (instantiate $a)) (core instance (instantiate $m))"#,
        ),
        (
            "two instances",
            r#"(core module $m (memory 1) (data (i32.const 0) "x"))
            (core instance (instantiate $m)) (core instance (instantiate $m))"#,
        ),
        (
            "a nested component",
            r#"(component $c (core module $m (memory 1) (data (i32.const 0) "x"))
            (core instance (instantiate $m))) (instance (instantiate $c))"#,
        ),
        (
            "a module that a nested component instantiates once more",
            r#"(core module $m (memory 1) (data (i32.const 0) "x"))
            (core instance (instantiate $m))
            (component $c (alias outer 1 $m (core module $m)) (core instance (instantiate $m)))
            (instance (instantiate $c))"#,
        ),
        (
            "a module that is handed to a nested component",
            r#"(core module $m (memory 1) (data (i32.const 0) "x"))
            (core instance (instantiate $m))
            (component $c (import "m" (core module $m)) (core instance (instantiate $m)))
            (instance (instantiate $c (with "m" (core module $m))))"#,
        ),
        (
            "numbers of modules that an alias shifts",
            r#"(core module $a) (alias outer 0 $a (core module $b))
            (core module $m (memory 1) (data (i32.const 0) "x"))
            (core instance (instantiate $b)) (core instance (instantiate $m)) (core instance (instantiate $m))"#,
        ),
    ] {
        let wasm = wat::parse_str(format!("(component {text})")).unwrap();
        let split = split(&wasm).unwrap();
        assert_eq!(split.shape.memory, None, "{what}");
        assert!(!split.shape.unstorable.is_empty(), "{what}");
        assert!(split.pages.is_empty() && split.component == wasm, "{what}");
    }
}

#[test]
fn state_that_is_not_memory_is_a_reason_not_to_store() {
    for (reason, text) in [
        ("changes tables", r#"(table 1 funcref) (func (table.set (i32.const 0) (ref.null func)))"#),
        ("drops segments", r#"(data $d "x") (func (data.drop $d))"#),
        ("when it is instantiated", r#"(func $f) (start $f)"#),
        ("vectors or references", r#"(global (mut v128) (v128.const i64x2 0 0))"#),
        ("export names of ours", r#"(func (export "hks:get-global"))"#),
    ] {
        let text = format!("(component (core module $m (memory 1) {text}) (core instance (instantiate $m)))");
        let split = split_text(&text);
        assert!(split.shape.unstorable.iter().any(|r| r.contains(reason)), "{reason}: {:?}", split.shape.unstorable);
        assert_eq!(split.shape.globals, [0; 0], "{reason}");
        assert!(split.shape.memory.is_some(), "{reason}: it can be mapped all the same");
    }
}

/// Names of a component that differ only in case are one name, so that ours could not be added.
#[test]
fn our_names_in_capitals_are_ours() {
    let split = split_text(
        r#"(component
            (core module $m (memory 1) (global (mut i32) (i32.const 0)) (func (export "f")))
            (core instance $i (instantiate $m))
            (func (export "HKS-get-global-m0") (canon lift (core func $i "f"))))"#,
    );
    assert_eq!(split.shape.globals, [0; 0]);
    assert!(split.shape.unstorable.iter().any(|reason| reason.contains("hks-")));
}

#[test]
fn a_component_without_memory_is_left_alone() {
    let split = split_text("(component)");
    assert_eq!((split.shape.memory, split.component.len()), (None, 8));
}

#[test]
fn what_is_no_component_is_an_error() {
    for bytes in [&b"no wasm"[..], b"", &wat::parse_str("(module)").unwrap()] {
        assert!(split(bytes).is_err());
    }
}

/// The validator is content with a module that ends with the file instead of where its section does.
#[test]
fn a_component_that_ends_within_a_module_is_an_error() {
    let wasm = wat::parse_str("(component (core module))").unwrap();
    assert_eq!(wasm[8..10], [1, 8]);
    for bytes in [[1, 9], [1, 100]] {
        let mut longer = wasm.clone();
        longer[8..10].copy_from_slice(&bytes);
        assert!(split(&longer).is_err());
        let mut nested = wasm[..8].to_vec();
        nested.extend([4, bytes[1]].iter().chain(&wasm[..8]));
        assert!(split(&nested).is_err());
    }
}

proptest::proptest! {
    /// Damaged components are refused or split, and never panic.
    #[test]
    fn damaged_components_never_panic(at in 8_usize..400, byte: u8, cut in 0_usize..400) {
        let mut wasm = wat::parse_str(COUNTER).unwrap();
        if let Some(place) = wasm.get_mut(at) {
            *place = byte;
        }
        fuzzing::split(&wasm);
        fuzzing::split(&wasm[..cut.min(wasm.len())]);
    }
}
