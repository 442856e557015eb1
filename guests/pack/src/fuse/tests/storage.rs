//! One memory and one table, with what they held at the same places.

use wasmtime::Trap;

use super::{exporting, same, same_result, trapped};

/// Two modules that share memory and table; the second runs.
fn two(main: &str, user: &str, run: &str) -> String {
    exporting(&format!(
        r#"(core module $main (memory (export "memory") 1 3) (table (export "table") 8 20 funcref) {main})
        (core module $user
            (import "main" "memory" (memory 1 3))
            (import "main" "table" (table 8 20 funcref))
            {user}
            (type $get (func (result i32)))
            (func (export "run") (result i32) {run}))
        (core instance $main (instantiate $main))
        (core instance $user (instantiate $user (with "main" (instance $main))))
        (alias core export $user "run" (core func $run))"#
    ))
}

#[test]
fn data_of_a_later_instance_lies_over_that_of_an_earlier() {
    let (calls, shape) = same(&two(
        r#"(data (i32.const 8) "\01\02\03\04")"#,
        r#"(data (i32.const 9) "\20") (data (i32.const 9) "\30")"#,
        "(i32.load (i32.const 8))",
    ));
    assert_eq!((&calls[0], shape.data), (&Ok(0x0403_3001), vec![8, 9, 9]));
}

#[test]
fn functions_of_a_later_instance_replace_those_of_an_earlier() {
    let table = |user: &str, place: u32| {
        two(
            r#"(func $one (result i32) (i32.const 1)) (elem (i32.const 2) $one $one $one)
            (elem (i32.const 5) $one)"#,
            &format!("(func $two (result i32) (i32.const 2)) {user}"),
            &format!("(call_indirect (type $get) (i32.const {place}))"),
        )
    };
    for (place, result) in [(2, 1), (3, 2), (4, 1), (5, 1)] {
        assert_eq!(same_result(&table("(elem (i32.const 3) $two)", place)), result);
    }
    let (calls, shape) = same(&table("(elem (i32.const 3) funcref (ref.null func) (ref.func $two))", 3));
    assert_eq!(calls, [trapped(Trap::IndirectCallToNull)], "a null reference empties a place");
    assert_eq!(shape.elements, [(2, 1), (4, 2)], "neighbours become one segment");
}

#[test]
fn a_functions_place_in_the_table_stays() {
    let place = two(
        r#"(func $f (export "f") (result i32) (i32.const 77)) (elem (i32.const 6) $f)"#,
        r#"(import "main" "f" (func $f (result i32))) (elem (i32.const 1) $f)"#,
        "(i32.add (call_indirect (type $get) (i32.const 6)) (call_indirect (type $get) (i32.const 1)))",
    );
    assert_eq!(same_result(&place), 154);
}

#[test]
fn limits_stay() {
    let grow = two("", "", "(i32.add (i32.mul (memory.grow (i32.const 1)) (i32.const 10)) (memory.size))");
    let (calls, shape) = same(&grow);
    assert_eq!(calls, [Ok(12), Ok(23), Ok(u32::MAX - 9 + 3)], "1 page, then 2, and 3 is the most");
    assert_eq!(shape.places, [8]);
}

#[test]
fn a_segment_may_end_where_the_storage_ends() {
    let text = two(
        r#"(func $f (result i32) (i32.const 9)) (elem (i32.const 7) $f) (elem (i32.const 8))"#,
        r#"(data (i32.const 65535) "\07") (data (i32.const 65536) "")"#,
        "(i32.add (call_indirect (type $get) (i32.const 7)) (i32.load8_u (i32.const 65535)))",
    );
    assert_eq!(same_result(&text), 16);
}
