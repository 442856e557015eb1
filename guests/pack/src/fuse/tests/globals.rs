//! Globals that nobody writes become constants, the others stay.

use super::{exporting, fuse_text, linked, same};

#[test]
fn globals_that_nobody_writes_become_constants_and_segments_get_constant_places() {
    let (_, shape) = same(&linked());
    assert_eq!((shape.globals, shape.data, shape.elements), (1, vec![0, 64], vec![(3, 1)]));
}

/// One module with `fields`, and one that imports its globals and runs.
fn shared(fields: &str, imports: &str, run: &str) -> String {
    exporting(&format!(
        r#"(core module $main (memory 1) (table 1 funcref) {fields})
        (core module $user {imports} (func (export "run") (result i32) {run}))
        (core instance $main (instantiate $main))
        (core instance $user (instantiate $user (with "main" (instance $main))))
        (alias core export $user "run" (core func $run))"#
    ))
}

#[test]
fn a_global_that_only_an_importing_module_writes_stays_one_that_all_see() {
    let (calls, shape) = same(&shared(
        r#"(global $n (export "n") (mut i32) (i32.const 40))
        (global $never (mut i32) (i32.const 1))
        (func (export "read") (result i32) (i32.add (global.get $n) (global.get $never)))"#,
        r#"(import "main" "n" (global $n (mut i32))) (import "main" "read" (func $read (result i32)))"#,
        "(global.set $n (i32.add (global.get $n) (i32.const 1))) (call $read)",
    ));
    assert_eq!((calls, shape.globals), (vec![Ok(42), Ok(43), Ok(44)], 1));
}

#[test]
fn globals_of_64_bits_are_treated_alike() {
    let (calls, shape) = same(&shared(
        r#"(global (export "big") i64 (i64.const 0x100000001)) (global (export "n") (mut i64) (i64.const -1))"#,
        r#"(import "main" "big" (global $big i64)) (import "main" "n" (global $n (mut i64)))"#,
        "(global.set $n (i64.add (global.get $n) (global.get $big))) (i32.wrap_i64 (i64.shr_u (global.get $n) (i64.const 31)))",
    ));
    assert_eq!((calls, shape.globals), (vec![Ok(2), Ok(4), Ok(6)], 1));
}

#[test]
fn a_global_made_from_others_has_their_sum() {
    let (calls, shape) = same(&shared(
        r#"(global (export "base") i32 (i32.const 100)) (data (i32.const 107) "*")"#,
        r#"(import "main" "base" (global $base i32))
        (global $own i32 (i32.add (global.get $base) (i32.const 7)))
        (global $moving (mut i32) (i32.add (i32.const -1) (global.get $base)))"#,
        "(global.set $moving (i32.add (global.get $moving) (i32.const 1))) (i32.sub (global.get $own) (global.get $moving))",
    ));
    assert_eq!((calls, shape.globals), (vec![Ok(7), Ok(6), Ok(5)], 1));
}

#[test]
fn code_that_never_runs_writes_nothing() {
    let text = exporting(
        r#"(core module $main (memory 1) (table 1 funcref)
            (global $n (export "n") (mut i32) (i32.const 5))
            (func (export "run") (result i32) (global.get $n)))
        (core module $init
            (import "main" "n" (global $n (mut i32)))
            (func (global.set $n (i32.const 6))))
        (core instance $main (instantiate $main))
        (core instance (instantiate $init (with "main" (instance $main))))
        (alias core export $main "run" (core func $run))"#,
    );
    let (calls, shape) = same(&text);
    assert_eq!((&calls[0], shape.globals), (&Ok(5), 0));
}

/// Each is twice the one before: following every path would take longer than anybody waits.
#[test]
fn a_chain_of_globals_is_computed_once() {
    let mut chain = String::from("(global $g0 i32 (i32.const 1))");
    for n in 1..100 {
        let before = n - 1;
        chain += &format!("(global $g{n} i32 (i32.add (global.get $g{before}) (global.get $g{before})))");
    }
    fuse_text(&shared(&chain, "", "(i32.const 0)")).unwrap();
}
