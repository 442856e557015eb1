//! Imports lead to what stands at their end, and code goes on to mean what it meant.

use wasmtime::Trap;

use super::{calls, exporting, fuse, fuse_text, linked, same, same_result, trapped, with_shim};

#[test]
fn linked_modules_become_one_that_does_the_same() {
    let (calls, shape) = same(&linked());
    assert_eq!(calls, [Ok(6 + 7 + 9), Ok(7 + 7 + 9), Ok(8 + 7 + 9)], "a global counts");
    assert_eq!(shape.modules, 1);
}

#[test]
fn an_import_is_followed_through_aliases_bags_and_modules_that_hand_it_on() {
    let text = exporting(
        r#"(core module $main (memory 1) (table 1 funcref)
            (func (export "one") (result i32) (i32.const 1))
            (func (export "ten") (result i32) (i32.const 10)))
        (core module $between
            (import "main" "one" (func $one (result i32)))
            (import "main" "ten" (func (result i32)))
            (export "first" (func 1))
            (export "second" (func $one)))
        (core module $user
            (import "bag" "a" (func $a (result i32)))
            (import "bag" "b" (func $b (result i32)))
            (import "between" "first" (func $first (result i32)))
            (func (export "run") (result i32)
                (i32.add (i32.mul (call $a) (i32.const 100)) (i32.sub (call $first) (call $b)))))
        (core instance $main (instantiate $main))
        (core instance $between (instantiate $between (with "main" (instance $main))))
        (core instance $bag (export "a" (func $between "first")) (export "b" (func $between "second")))
        (core instance $again (export "a" (func $bag "a")) (export "b" (func $bag "b")))
        (core instance $user (instantiate $user
            (with "bag" (instance $again)) (with "between" (instance $between))))
        (alias core export $user "run" (core func $run))"#,
    );
    assert_eq!(same_result(&text), 10 * 100 + 10 - 1);
}

/// Modules that number their types differently, and stand in another order than their instances.
#[test]
fn types_that_look_the_same_are_one() {
    let text = |expected: &str| {
        exporting(&format!(
            r#"(core module $user
                (type (func)) (type $wanted (func {expected} (result i32)))
                (import "main" "table" (table 3 funcref))
                (import "main" "add" (func $add (param i32 i32) (result i32)))
                (func (export "run") (result i32)
                    (call $add (call_indirect (type $wanted) (i32.const 4) (i32.const 1)) (i32.const 1))))
            (core module $main
                (type (func (param i64))) (type (func (param i32 i32) (result i32)))
                (type $one (func (param i32) (result i32)))
                (memory 1) (table (export "table") 3 funcref)
                (elem (i32.const 1) $increment)
                (func $increment (type $one) (i32.add (local.get 0) (i32.const 1)))
                (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))
            (core instance $main (instantiate $main))
            (core instance $user (instantiate $user (with "main" (instance $main))))
            (alias core export $user "run" (core func $run))"#
        ))
    };
    assert_eq!(same_result(&text("(param i32)")), 6);
    let (calls, _) = same(&text("(param f32)").replace("(i32.const 4)", "(f32.const 4)"));
    assert_eq!(calls, [trapped(Trap::BadSignature)], "another type is another type still");
}

#[test]
fn code_of_every_kind_is_carried_over() {
    let text = exporting(
        r#"(core module $main
            (table $t (export "table") 4 4 funcref) (memory (export "memory") 1 2)
            (func $five (export "five") (param i32) (result i32) (i32.add (local.get 0) (i32.const 5))))
        (core module $user
            (import "main" "table" (table $t 4 4 funcref)) (import "main" "memory" (memory 1 2))
            (import "main" "five" (func $five (param i32) (result i32)))
            (type $unary (func (param i32) (result i32)))
            (elem $e (table $t) (i32.const 2) funcref (ref.func $five))
            (func (export "run") (result i32) (local $n i32) (local v128)
                (local.set 1 (i32x4.splat (i32.const 3)))
                (block $done (loop $again
                    (local.set $n (i32.add (local.get $n) (i32x4.extract_lane 2 (local.get 1))))
                    (br_if $done (i32.ge_u (local.get $n) (i32.const 20)))
                    (br $again)))
                (table.set $t (i32.const 0) (table.get $t (i32.const 2)))
                (table.copy $t $t (i32.const 1) (i32.const 0) (i32.const 1))
                (memory.fill (i32.const 8) (i32.const 1) (i32.const 4))
                (memory.copy (i32.const 32) (i32.const 8) (i32.const 4))
                (drop (memory.grow (i32.const 1)))
                (if (result i32) (ref.is_null (table.get $t (i32.const 3)))
                    (then (return_call_indirect $t (type $unary)
                        (i32.add (i32.load (i32.const 32)) (i32.add (local.get $n) (memory.size))) (i32.const 1)))
                    (else (unreachable)))))
        (core instance $main (instantiate $main))
        (core instance $user (instantiate $user (with "main" (instance $main))))
        (alias core export $user "run" (core func $run))"#,
    );
    assert_eq!(same_result(&text), 0x0101_0101 + 21 + 2 + 5);
}

#[test]
fn a_trap_stays_the_same_trap() {
    for (body, trap) in [
        ("(unreachable)", Trap::UnreachableCodeReached),
        ("(i32.load (i32.const 65536))", Trap::MemoryOutOfBounds),
        ("(i32.div_u (i32.const 1) (i32.const 0))", Trap::IntegerDivisionByZero),
        ("(call_indirect (result i32) (i32.const 0))", Trap::IndirectCallToNull),
        ("(call_indirect (result i32) (i32.const 1))", Trap::TableOutOfBounds),
        ("(call $run)", Trap::StackOverflow),
    ] {
        let (calls, _) = same(&exporting(&format!(
            r#"(core module $main (memory 1) (table 1 funcref)
                (func $run (export "run") (result i32) (i32.add (i32.const 1) {body})))
            (core instance $main (instantiate $main))
            (alias core export $main "run" (core func $run))"#
        )));
        assert_eq!(calls, [trapped(trap)], "{body}");
    }
}

#[test]
fn a_module_without_an_instance_is_left_out() {
    let text = exporting(
        r#"(core module $unused (memory 7) (table 7 funcref) (func (export "run")))
        (core module $main (memory 1) (table 1 funcref) (func (export "run") (result i32) (i32.const 3)))
        (core instance $main (instantiate $main))
        (alias core export $main "run" (core func $run))"#,
    );
    let (calls, shape) = same(&text);
    assert_eq!((&calls[0], shape.modules, shape.places), (&Ok(3), 1, vec![1]));
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

#[test]
fn a_fused_component_can_be_fused_again() {
    let once = fuse_text(&linked()).unwrap();
    assert_eq!(fuse(&once).unwrap(), once);
    // the fix-up of the first time becomes a part of the module, and calls go by two slots
    let twice = fuse(&fuse_text(&with_shim()).unwrap()).unwrap();
    assert_eq!(calls(&twice)[0], Ok(110));
}
