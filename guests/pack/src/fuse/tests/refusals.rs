//! What is not known to stay the same is refused, with a reason that names the thing.

use super::{exporting, fuse, fuse_text, linked, with_shim};

#[track_caller]
fn assert_refused(text: &str, reason: &str) {
    match fuse_text(text) {
        Ok(_) => panic!("fused, where `{reason}` should be the reason: {text}"),
        Err(error) => assert!(format!("{error:#}").contains(reason), "{text}: {error:#}"),
    }
}

/// A component with one module that has these fields, besides what is always there.
fn module(fields: &str) -> String {
    exporting(&format!(
        r#"(core module $main {fields} (func (export "run") (result i32) (i32.const 1)))
        (core instance $main (instantiate $main))
        (alias core export $main "run" (core func $run))"#
    ))
}

#[test]
fn fields_of_a_module() {
    for (fields, reason) in [
        ("(func $start) (start $start)", "a start function would run before the modules are joined"),
        ("(data \"passive\")", "a data segment of core module 0 is passive"),
        ("(func $f) (elem func $f)", "it is passive"),
        ("(func $f) (elem declare func $f)", "it is only declared"),
        ("(tag (param i32))", "exception tags"),
        ("(table 1 funcref)", "2 tables and 1 memories"),
        ("(memory 1)", "1 tables and 2 memories"),
        ("(table funcref (elem $f)) (func $f)", "2 tables"),
        ("(data (i32.const 65536) \"x\")", "behind the memory, at 65537"),
        ("(func $f) (elem (i32.const 1) $f)", "ends at 2, behind the table's 1 places"),
        (
            "(global (mut f64) (f64.const 1))",
            "global 0 of core module 0 cannot be fused: a constant expression with F64Const",
        ),
        ("(func $f) (global funcref (ref.func $f))", "RefFunc"),
        ("(type (struct))", "not that of a function"),
        ("(type (sub (func)))", "has relatives"),
        ("(rec (type (func)) (type (func (param i32))))", "types that refer to each other"),
        ("(type $a (func)) (type (func (param (ref null $a))))", "refers to another"),
    ] {
        assert_refused(&module(&format!("(memory 1) (table 1 funcref) {fields}")), reason);
    }
}

#[test]
fn storage_of_other_kinds() {
    for (fields, reason) in [
        ("", "0 tables and 0 memories"),
        ("(memory i64 1) (table 1 funcref)", "memory64: true"),
        ("(memory 1 1 shared) (table 1 funcref)", "shared: true"),
        ("(memory 1 (pagesize 1)) (table 1 funcref)", "page_size_log2: Some(0)"),
        ("(memory 1) (table 0xffffffff funcref)", "the table has 4294967295 places"),
        ("(memory 1) (table i64 1 funcref)", "table64: true"),
        ("(memory 1) (table 1 externref)", "externref"),
        ("(memory 1) (func $f) (table 1 funcref (ref.func $f))", "a table has an initial value"),
    ] {
        assert_refused(&module(fields), reason);
    }
}

#[test]
fn code_that_would_see_that_something_has_moved() {
    for (code, reason) in [
        ("(drop (table.size 0))", "the table's size: TableSize"),
        ("(drop (table.grow 0 (ref.null func) (i32.const 1)))", "the table's size: TableGrow"),
        ("(data.drop $d)", "a data segment: DataDrop"),
        ("(memory.init $d (i32.const 0) (i32.const 0) (i32.const 0))", "a data segment: MemoryInit"),
        ("(elem.drop $e)", "an element segment: ElemDrop"),
        ("(table.init $e (i32.const 0) (i32.const 0) (i32.const 0))", "an element segment: TableInit"),
    ] {
        let fields = format!(
            r#"(memory 1) (table 1 funcref) (data $d (i32.const 0) "") (func $f) (elem $e (i32.const 0) $f)
            (func $culprit {code})"#
        );
        let text = module(&fields);
        assert_refused(&text, reason);
        assert_refused(&text, "function 1 of core module 0");
    }
}

#[test]
fn components_of_other_shapes() {
    for (component, reason) in [
        ("(component (import \"m\" (core module)))", "core types"),
        ("(component (core module $m) (export \"m\" (core module $m)))", "the component exports a core module"),
        ("(component (core type (func)))", "core types"),
        ("(component (component (core module)))", "a nested component is of an unknown shape"),
        ("(component (component (component)))", "a nested component is of an unknown shape"),
        ("(component (component $c) (component (alias outer 1 $c (component))))", "a nested component"),
        ("(component (type (resource (rep i32))))", "defines a resource"),
        (
            "(component (core module $m) (core instance (instantiate $m)) (core instance (instantiate $m)))",
            "two instances",
        ),
        ("(component (core module (memory 1) (table 1 funcref)))", "0 tables and 0 memories"),
        ("(component (core module $m (memory 1) (table 1 funcref)) (core instance (instantiate $m)))", "lifts no"),
        ("(component (import \"f\" (func $f)) (start $f))", "unknown section ComponentStartSection"),
    ] {
        assert_refused(component, reason);
    }
}

#[test]
fn canonical_functions_of_other_kinds() {
    for (canonicals, reason) in [
        ("(core func (canon lower (func $f) async))", "the option Async"),
        ("(core func (canon task.cancel))", "the canonical function TaskCancel"),
        ("(core func (canon backpressure.inc))", "the canonical function BackpressureInc"),
        ("(core func (canon context.get i32 0))", "the canonical function ContextGet"),
    ] {
        assert_refused(&format!("(component (import \"f\" (func $f async)) {canonicals})"), reason);
    }
    // indices of core functions would have to be counted past the lifts
    let late = with_shim().replace(
        r#"(export "run" (func $lifted))"#,
        r#"(export "run" (func $lifted)) (core func (canon lower (func $twice)))"#,
    );
    assert_refused(&late, "after the first that is lifted");
    let straight = r#"(component
        (import "twice" (func $twice (param "value" u32) (result u32)))
        (core module $m (memory 1) (table 1 funcref)) (core instance (instantiate $m))
        (core func $core-twice (canon lower (func $twice)))
        (func $lifted (param "value" u32) (result u32) (canon lift (core func $core-twice)))
        (export "twice" (func $lifted)))"#;
    assert_refused(straight, "names a function of the host");
}

#[test]
fn a_second_memory_in_whatever_place() {
    let text = with_shim().replace("(core module $adapter", "(core module $adapter (memory 1)");
    assert_refused(&text, "1 tables and 2 memories");
    // one that only the fix-up has, and only a canonical function uses
    let text = with_shim()
        .replace("(elem (i32.const 0) $length $add))", "(elem (i32.const 0) $length $add) (memory (export \"m\") 1))")
        .replace("(core instance (instantiate $fix-up", "(core instance $fixed (instantiate $fix-up")
        .replace("(canon lift (core func $run))", "(canon lift (core func $run) (memory (core memory $fixed \"m\")))");
    assert_refused(&text, "a canonical function uses a memory that is not the shared one");
}

#[test]
fn a_table_that_is_not_the_shared_one() {
    let text = with_shim()
        .replace("(core module $adapter", "(core module $adapter (import \"shim\" \"t\" (table 2 funcref))")
        .replace(
            "(instantiate $adapter)",
            "(instantiate $adapter (with \"shim\" (instance (export \"t\" (table $shim \"$imports\")))))",
        );
    assert_refused(&text, "core module 2 uses a Table that is not the shared one");
}

#[test]
fn a_shim_and_a_fix_up_that_do_not_find_each_other() {
    let nameless = with_shim()
        .replace("(export \"$imports\") 2", "(export \"slots\") 2")
        .replace("$shim \"$imports\"", "$shim \"slots\"");
    let unfilled = with_shim()
        .replace("(import \"\" \"$imports\"", "(import \"\" \"slots\"")
        .replace("(export \"$imports\" (table $slots))", "(export \"slots\" (table $slots))");
    for text in [nameless, unfilled] {
        assert_refused(&text, "a shim without a fix-up, or the other way round");
    }
}

#[test]
fn functions_of_a_module_whose_code_is_left_out() {
    let text = exporting(
        r#"(core module $main (memory 1) (table (export "table") 1 funcref) (func (export "run") (result i32) (i32.const 1)))
        (core module $init (import "main" "table" (table 1 funcref)) (func $own) (elem (i32.const 0) $own))
        (core instance $main (instantiate $main))
        (core instance (instantiate $init (with "main" (instance $main))))
        (alias core export $main "run" (core func $run))"#,
    );
    assert_refused(&text, "Own { module: 1, index: 0 } is not in the fused module");
}

#[test]
fn shims_of_other_shapes() {
    let elements = "(elem (i32.const 0) $length $add)";
    for (part, change, reason) in [
        ("(local.get 0) (local.get 1) (i32.const 1)", "(local.get 1) (local.get 0) (i32.const 1)", "function 1 of the"),
        (
            "(call_indirect (type $length) (local.get 0) (local.get 1) (i32.const 1))",
            "(nop) (i32.const 1)",
            "function 1 of the",
        ),
        (elements, "(elem (i32.const 0) $length)", "slot 1 of the shim is never filled"),
        (elements, "(elem (i32.const 1) $length $add)", "its segment ends at 3, behind the shim's 2 slots"),
        (elements, "(elem (i32.const -1) $length)", "its segment ends at 4294967296, behind"),
        (elements, "(func) (elem (i32.const 0) $length $add)", "it has code or data"),
        (elements, "(elem func $length $add)", "an element segment of another kind"),
        ("(core module $shim", "(core module $shim (memory 1)", "more than functions and a table"),
        ("(core module $shim", "(core module $shim (func $s) (start $s)", "a start function"),
    ] {
        let text = with_shim();
        assert!(text.contains(part), "{part}");
        assert_refused(&text.replace(part, change), reason);
    }
}

#[test]
fn bytes_that_are_no_component() {
    assert_eq!(fuse(b"").unwrap_err().to_string(), "not a component");
    assert_eq!(fuse(b"\0asm\x01\0\0\0").unwrap_err().to_string(), "not a component");
    let mut unknown = wat::parse_str(linked()).unwrap();
    unknown.extend([99, 1, 0]);
    let message = format!("{:#}", fuse(&unknown).unwrap_err());
    assert!(message.contains("not a valid component") && message.contains("99"), "{message}");
    let whole = wat::parse_str(linked()).unwrap();
    let half = format!("{:#}", fuse(&whole[..whole.len() / 2]).unwrap_err());
    assert!(half.contains("not a valid component"), "{half}");
}
