//! Components that look at every byte that they have been given for what others left, and leave a canary in all of it.

use super::Handler;

/// Returns `1` if it found a canary and `0` if not; then ends as the first character of the event says.
pub(crate) fn anywhere() -> String {
    let body = r#"
        (local $at i32) (local $end i32) (local $found i32)
        ;; Pages that the component gets only now must be empty as well.
        (drop (memory.grow (i32.const 60)))
        (local.set $end (i32.shl (memory.size) (i32.const 16)))
        ;; What lies below was written by this very call: its arguments and results.
        (local.set $at (i32.const 16384))
        (loop $look
          (if (i64.ne (i64.load (local.get $at)) (i64.const 0)) (then (local.set $found (i32.const 1))))
          (i64.store (local.get $at) (i64.const 0x59524e4143594e41))
          (br_if $look (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 8))) (local.get $end))))
        (if (i64.ne (global.get $global) (i64.const 0)) (then (local.set $found (i32.const 2))))
        (global.set $global (i64.const 0x59524e4143594e41))
        (drop (table.grow $table (ref.null func) (i32.const 100)))
        (local.set $at (i32.const 0))
        (loop $look
          (if (i32.eqz (ref.is_null (table.get $table (local.get $at)))) (then (local.set $found (i32.const 3))))
          (table.set $table (local.get $at) (ref.func $canary))
          (br_if $look (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 1))) (i32.const 150))))
        (if (i32.eq (i32.load8_u (local.get $event)) (i32.const 0x31)) (then unreachable))
        (if (i32.eq (i32.load8_u (local.get $event)) (i32.const 0x32)) (then (loop $again (br $again))))
        (i32.store8 (i32.const 0) (i32.add (local.get $found) (i32.const 0x30)))
        (call $ok (i32.const 0) (i32.const 1))"#;
    let fields =
        "(global $global (mut i64) (i64.const 0)) (table $table 50 funcref) (func $canary) (elem declare func $canary)";
    Handler::new(body).with(fields).pages(4).text()
}

/// Like [`anywhere`], for instances that start from a snapshot of memory and a global: the first call leaves a pattern in all
/// of its memory, and takes a page more; the snapshot is taken then. Later calls look whether every byte is as the first left
/// it, and fill all of it, and what they can get, with a canary. Tables are looked at where [`anywhere`] does, as their content
/// is in no snapshot.
pub(crate) fn behind_a_pattern() -> String {
    let body = r#"
        (local $at i32) (local $end i32) (local $found i32)
        (if (i64.eqz (global.get $global))
          (then
            (drop (memory.grow (i32.const 1)))
            (global.set $global (i64.const 0x4e52455454415021))
            (local.set $at (i32.const 16384))
            (loop $fill
              (i64.store (local.get $at) (i64.xor (i64.extend_i32_u (local.get $at)) (global.get $global)))
              (br_if $fill (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 8)))
                (i32.shl (memory.size) (i32.const 16)))))
            (i32.store8 (i32.const 0) (i32.const 0x30))
            (return (call $ok (i32.const 0) (i32.const 1)))))
        (if (i64.ne (global.get $global) (i64.const 0x4e52455454415021)) (then (local.set $found (i32.const 2))))
        (if (i32.ne (memory.size) (i32.const 5)) (then (local.set $found (i32.const 3))))
        (local.set $at (i32.const 16384))
        (loop $look
          (if (i64.ne (i64.load (local.get $at)) (i64.xor (i64.extend_i32_u (local.get $at)) (global.get $global)))
            (then (local.set $found (i32.const 1))))
          (i64.store (local.get $at) (i64.const 0x59524e4143594e41))
          (br_if $look (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 8))) (i32.const 327680))))
        (drop (memory.grow (i32.const 60)))
        (local.set $end (i32.shl (memory.size) (i32.const 16)))
        (loop $look
          (if (i64.ne (i64.load (local.get $at)) (i64.const 0)) (then (local.set $found (i32.const 4))))
          (i64.store (local.get $at) (i64.const 0x59524e4143594e41))
          (br_if $look (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 8))) (local.get $end))))
        (global.set $global (i64.const 0x59524e4143594e41))
        (if (i32.eq (i32.load8_u (local.get $event)) (i32.const 0x31)) (then unreachable))
        (if (i32.eq (i32.load8_u (local.get $event)) (i32.const 0x32)) (then (loop $again (br $again))))
        (i32.store8 (i32.const 0) (i32.add (local.get $found) (i32.const 0x30)))
        (call $ok (i32.const 0) (i32.const 1))"#;
    Handler::new(body).with("(global $global (mut i64) (i64.const 0))").pages(4).text()
}
