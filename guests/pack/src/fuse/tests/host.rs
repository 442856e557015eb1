//! Functions of the host, with and without memory, and what is lifted.

use wasmparser::{CanonicalFunction, Parser, Payload};
use wasmtime::component::{Component, Linker};
use wasmtime::{Engine, Store, Trap};

use super::{calls, exporting, fuse, fuse_text, same, same_result, trapped, with_shim};

#[test]
fn functions_of_the_host_are_reached_with_and_without_memory() {
    assert_eq!(same_result(&with_shim()), 5 * 2 + 100);
}

#[test]
fn slots_of_the_host_come_after_the_table() {
    let (_, shape) = same(&with_shim());
    // the second module is the fix-up; the shim's slot for `add` is gone, because a module defines that
    assert_eq!((shape.modules, shape.places, shape.data), (2, vec![4 + 1], vec![16]));
}

/// The one thing that changes; see the module's text.
#[test]
fn a_call_beyond_the_table_reaches_a_slot_of_the_host() {
    let beyond = with_shim().replace("(i32.const 5) (i32.const 1)", "(i32.const 5) (i32.const 4)");
    assert_eq!(calls(&wat::parse_str(&beyond).unwrap()), [trapped(Trap::TableOutOfBounds)]);
    assert_eq!(calls(&fuse_text(&beyond).unwrap())[0], Ok(110));
    let further = beyond.replace("(i32.const 5) (i32.const 4)", "(i32.const 5) (i32.const 5)");
    assert_eq!(same(&further).0, [trapped(Trap::TableOutOfBounds)]);
}

/// What a component consists of, in order.
fn order(component: &[u8]) -> Vec<&'static str> {
    let mut order = Vec::new();
    let mut depth = 0;
    for payload in Parser::new(0).parse_all(component).map(Result::unwrap) {
        match payload {
            Payload::ModuleSection { .. } => {
                order.push("module");
                depth += 1;
            }
            Payload::End(_) if depth > 0 => depth -= 1,
            _ if depth > 0 => {}
            Payload::InstanceSection(instances) => order.extend(instances.into_iter().map(|_| "instance")),
            Payload::ComponentCanonicalSection(canonicals) => {
                order.extend(canonicals.into_iter().map(|canonical| match canonical.unwrap() {
                    CanonicalFunction::Lift { .. } => "lift",
                    CanonicalFunction::Lower { options, .. } if options.is_empty() => "lower",
                    CanonicalFunction::Lower { .. } => "lower with memory",
                    other => panic!("{other:?}"),
                }));
            }
            _ => {}
        }
    }
    order
}

#[test]
fn slots_are_filled_before_the_first_lift() {
    let fused = fuse_text(&with_shim()).unwrap();
    let fix_up = ["lower with memory", "module", "instance", "instance"];
    let expected = [&["lower", "module", "instance", "instance"][..], &fix_up, &["lift"]].concat();
    assert_eq!(order(&fused), expected);
}

#[test]
fn a_function_of_the_host_without_memory_needs_no_shim_and_may_stand_in_the_table() {
    let text = exporting(
        r#"(import "twice" (func $twice (param "value" u32) (result u32)))
        (core func $core-twice (canon lower (func $twice)))
        (core module $main
            (import "host" "twice" (func $twice (param i32) (result i32)))
            (memory 1) (table 2 funcref)
            (export "again" (func $twice))
            (elem (i32.const 1) $twice)
            (func (export "indirect") (param i32) (result i32)
                (call_indirect (param i32) (result i32) (local.get 0) (i32.const 1))))
        (core module $user
            (import "main" "again" (func $direct (param i32) (result i32)))
            (import "main" "indirect" (func $indirect (param i32) (result i32)))
            (func (export "run") (result i32) (call $direct (call $indirect (i32.const 3)))))
        (core instance $main (instantiate $main
            (with "host" (instance (export "twice" (func $core-twice))))))
        (core instance $user (instantiate $user (with "main" (instance $main))))
        (alias core export $user "run" (core func $run))"#,
    );
    let (calls, shape) = same(&text);
    assert_eq!((&calls[0], shape.modules, shape.places), (&Ok(12), 1, vec![2]));
}

#[test]
fn resources_of_the_host_are_dropped() {
    let text = exporting(
        r#"(import "ticket" (type $ticket (sub resource)))
        (import "issue" (func $issue (result (own $ticket))))
        (import "count" (func $count (result u32)))
        (core func $core-issue (canon lower (func $issue)))
        (core func $core-count (canon lower (func $count)))
        (core func $drop (canon resource.drop $ticket))
        (core module $main
            (import "host" "issue" (func $issue (result i32)))
            (import "host" "drop" (func $drop (param i32)))
            (import "host" "count" (func $count (result i32)))
            (memory 1) (table 1 funcref)
            (func (export "run") (result i32)
                (call $drop (call $issue)) (drop (call $issue)) (call $drop (call $issue)) (call $count)))
        (core instance $main (instantiate $main (with "host" (instance
            (export "issue" (func $core-issue)) (export "drop" (func $drop)) (export "count" (func $core-count))))))
        (alias core export $main "run" (core func $run))"#,
    );
    assert_eq!(same(&text).0, [Ok(2), Ok(4), Ok(6)]);
}

/// A component as wit-component writes it: `greet` takes text and gives text, for which it needs memory, an allocator and
/// a function that is called afterwards; the host's `name` needs the first two. A component inside names what is exported.
const GREETER: &str = r#"(component
    (import "name" (func $name (result string)))
    (core module $shim
        (table (export "$imports") 1 1 funcref)
        (func (export "0") (param i32) (call_indirect (param i32) (local.get 0) (i32.const 0))))
    (core module $libc (memory (export "memory") 1) (table 1 funcref)
        (global $next (export "next") (mut i32) (i32.const 1024))
        (func (export "realloc") (param i32 i32 i32 i32) (result i32)
            (global.get $next) (global.set $next (i32.add (global.get $next) (local.get 3)))))
    (core module $main
        (import "host" "name" (func $name (param i32)))
        (import "libc" "memory" (memory 1))
        (import "libc" "next" (global $next (mut i32)))
        (data (i32.const 512) ", ")
        (func $append (param $at i32) (param $from i32) (param $length i32) (result i32)
            (memory.copy (local.get $at) (local.get $from) (local.get $length))
            (i32.add (local.get $at) (local.get $length)))
        (func (export "greet") (param $text i32) (param $length i32) (result i32) (local $end i32)
            (call $name (i32.const 16))
            (local.set $end (call $append (i32.const 2048) (local.get $text) (local.get $length)))
            (local.set $end (call $append (local.get $end) (i32.const 512) (i32.const 2)))
            (local.set $end (call $append (local.get $end) (i32.load (i32.const 16)) (i32.load (i32.const 20))))
            (i32.store8 (local.get $end) (i32.load8_u (i32.const 600)))
            (i32.store (i32.const 0) (i32.const 2048))
            (i32.store (i32.const 4) (i32.sub (i32.add (local.get $end) (i32.const 1)) (i32.const 2048)))
            (i32.const 0))
        (data (i32.const 600) "!")
        (func (export "done") (param i32)
            (i32.store8 (i32.const 600) (i32.add (i32.load8_u (i32.const 600)) (i32.const 1)))
            (global.set $next (i32.const 1024))))
    (core module $fix-up
        (import "" "0" (func $name (param i32))) (import "" "$imports" (table 1 1 funcref))
        (elem (i32.const 0) $name))
    (core instance $shim (instantiate $shim))
    (core instance $libc (instantiate $libc))
    (core instance $main (instantiate $main (with "libc" (instance $libc))
        (with "host" (instance (export "name" (func $shim "0"))))))
    (core func $core-name (canon lower (func $name) (memory (core memory $libc "memory")) (realloc (core func $libc "realloc"))))
    (core instance (instantiate $fix-up (with "" (instance
        (export "$imports" (table $shim "$imports")) (export "0" (func $core-name))))))
    (func $greet (param "text" string) (result string) (canon lift (core func $main "greet")
        (memory (core memory $libc "memory")) (realloc (core func $libc "realloc")) (post-return (core func $main "done"))))
    (component $named
        (import "greet" (func $greet (param "text" string) (result string)))
        (export "greet" (func $greet)))
    (instance $polite (instantiate $named (with "greet" (func $greet))))
    (export "polite" (instance $polite)))"#;

fn greetings(component: &[u8]) -> Vec<String> {
    let engine = Engine::default();
    let component = Component::new(&engine, component).unwrap();
    let mut linker = Linker::<()>::new(&engine);
    linker.root().func_wrap("name", |_, ()| Ok(("Ada",))).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = linker.instantiate(&mut store, &component).unwrap();
    let polite = instance.get_export_index(&mut store, None, "polite").unwrap();
    let greet = instance.get_export_index(&mut store, Some(&polite), "greet").unwrap();
    let greet = instance.get_typed_func::<(&str,), (String,)>(&mut store, greet).unwrap();
    ["Hello", "Bye"].map(|text| greet.call(&mut store, (text,)).unwrap().0).to_vec()
}

#[test]
fn text_crosses_the_border_in_both_directions() {
    let linked = wat::parse_str(GREETER).unwrap();
    assert_eq!(greetings(&linked), ["Hello, Ada!", "Bye, Ada\""]);
    assert_eq!(greetings(&fuse(&linked).unwrap()), greetings(&linked));
}
