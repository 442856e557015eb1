//! What no honest function needs is refused before a byte of it is instantiated, with what is wrong.

use hks_protocol::Outcome;

use crate::harness::{Handler, House, MIB, assert_ended_in, house, rss_bytes, take_turn};

const ECHO: &str = "(call $ok (local.get $event) (local.get $event_len))";

/// A component with the usual handler, and more beside it.
fn with(more: &str) -> String {
    let text = Handler::new(ECHO).text();
    let end = text.rfind(')').unwrap();
    format!("{}{more})", &text[..end])
}

/// So many instances of a core module with these fields.
fn instances(count: usize, fields: &str) -> String {
    let module = format!("(core module $Many {fields})");
    module + &"(core instance (instantiate $Many))".repeat(count)
}

#[test]
fn excess_is_refused_before_it_is_instantiated() {
    take_turn();
    let excesses = [
        ("memories", with(&instances(4, "(memory 1)"))),
        ("many memories", with(&instances(1_000, "(memory 1)"))),
        ("tables", with(&instances(9, "(table 1 funcref)"))),
        ("tables in one module", with(&instances(1, &"(table 1 funcref)".repeat(100)))),
        ("a huge table", with(&instances(1, "(table 40001 funcref)"))),
        ("the hugest table", with(&instances(1, "(table 0xffffffff funcref)"))),
        ("imported modules", with(r#"(import "code" (core module))"#)),
    ];
    let house = House::with_places(2);
    let before = rss_bytes();
    for (what, text) in &excesses {
        let refused = house.try_component(text).err();
        assert!(refused.is_some(), "{what}: not refused");
        println!("{what}: {}", refused.unwrap());
    }
    assert!(rss_bytes().saturating_sub(before) < 256 * MIB, "nothing of it was made");
    house.assert_alive();
}

#[test]
fn many_instances_never_count_as_a_fault_of_the_host() {
    let house = House::with_places(2);
    for count in [100, 1_000] {
        let Ok(component) = house.try_component(&with(&instances(count, ""))) else { continue };
        match house.call_component(&component).event("1").start().end() {
            // On demand, only instantiating tells how many there are.
            Err(error) => assert!(matches!(error, hks_runtime::Error::Refused(_)), "{count} instances: {error}"),
            Ok(report) => assert_ended_in(&report, &[Outcome::Succeeded], "so many are fine"),
        }
    }
    house.assert_alive();
}

#[test]
fn more_memory_than_any_limit_never_starts() {
    let house = House::with_places(2);
    for pages in [32_769, 65_536] {
        let text = Handler::new(ECHO).pages(pages).text();
        let Ok(component) = house.try_component(&text) else { continue };
        let report = house.call_component(&component).event("1").report();
        assert_ended_in(&report, &[Outcome::OutOfMemory], "a memory of gigabytes");
    }
    house.assert_alive();
}

#[test]
fn proposals_that_are_off_do_not_compile() {
    let core = |fields: &str| format!("(component (core module {fields}))");
    let modules = [
        ("64-bit memories", core("(memory i64 1)")),
        ("several memories in a module", core("(memory 1) (memory 1)")),
        ("shared memories", core("(memory 1 1 shared)")),
        ("relaxed vectors", core("(func (param v128) (drop (i32x4.relaxed_trunc_f32x4_s (local.get 0))))")),
        ("collected objects", core("(type (struct (field i32)))")),
        ("exceptions", core("(tag (param i32))")),
    ];
    for (what, text) in modules {
        assert!(house().try_component(&text).is_err(), "{what} compile");
    }
}

#[test]
fn unknown_imports_are_refused_by_name() {
    let imports = [
        (
            "evil:host/shell",
            r#"(import "evil:host/shell@1.0.0" (instance (export "run" (func (param "line" string)))))"#,
        ),
        (
            "wasi:http/outgoing-handler",
            r#"(import "wasi:http/outgoing-handler@0.2.0" (instance (export "handle" (func))))"#,
        ),
        ("hks:function/secrets", r#"(import "hks:function/secrets@0.1.0" (instance (export "all" (func))))"#),
        ("hks:function/clock", r#"(import "hks:function/clock@9.0.0" (instance (export "now" (func (result u64)))))"#),
        ("shutdown", r#"(import "hks:function/clock@0.1.0" (instance (export "shutdown" (func))))"#),
        ("now", r#"(import "hks:function/clock@0.1.0" (instance (export "now" (func (param "x" string)))))"#),
    ];
    for (name, import) in imports {
        let refused = house().refusal(&with(import));
        assert!(refused.contains("refused") && refused.contains(name), "{name}: {refused}");
    }
}

#[test]
fn what_exports_nothing_to_call_is_refused() {
    let others = [
        "(component)".to_owned(),
        Handler::new(ECHO).text().replace("hks:function/handler@0.1.0", "hks:function/handler@0.2.0"),
        Handler::new(ECHO).text().replace("hks:function/handler@0.1.0", "other:function/handler@0.1.0"),
    ];
    for text in others {
        let refused = house().refusal(&text);
        assert!(refused.contains("hks:function/handler@0.1.0"), "{refused}");
    }
    let without = Handler::new(ECHO).text().replace("hks:function/handler@0.1.0", "hks:function/interpret@0.1.0");
    let refused = house().refusal(&without);
    assert!(refused.contains("hks:function/interpret@0.1.0 has no function run"), "{refused}");
}

/// Found before the first call, where whoever deploys it can still mend it.
#[test]
fn a_handler_of_another_type_is_refused() {
    let other = r#"(component
        (core module $Main (func (export "handle") (param i32) (result i32) (local.get 0)))
        (core instance $main (instantiate $Main))
        (alias core export $main "handle" (core func $handle))
        (func $lifted (param "event" u32) (result u32) (canon lift (core func $handle)))
        (instance $handler (export "handle" (func $lifted)))
        (export "hks:function/handler@0.1.0" (instance $handler)))"#;
    let refused = house().refusal(other);
    assert!(refused.contains("hks:function/handler@0.1.0"), "{refused}");
}

#[test]
fn what_is_no_component_is_refused() {
    assert!(house().refusal("(module)").contains("component"));
}
