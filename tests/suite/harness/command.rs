//! Commands from WebAssembly text: core modules for WASI 0.1, as C, Go and AssemblyScript compile to, made components by the
//! builder.

use hks_builder::wasm::{Bounds, componentize};

/// A command. Its core module has a memory, and `_start`, whose body is given. Addresses below 1,024 are the body's own.
pub(crate) struct Command {
    body: String,
    fields: String,
}

impl Command {
    pub(crate) fn new(body: impl Into<String>) -> Self {
        Self { body: body.into(), fields: String::new() }
    }

    /// Further fields of the core module: data, functions.
    pub(crate) fn with(mut self, fields: &str) -> Self {
        self.fields.push_str(fields);
        self
    }

    /// One that has this text at address 0, and its length as `$len`.
    pub(crate) fn with_text(self, text: &[u8]) -> Self {
        let escaped: String = text.iter().map(|byte| format!("\\{byte:02x}")).collect();
        self.with(&format!("(data (i32.const 0) \"{escaped}\") (global $len i32 (i32.const {}))", text.len()))
    }

    /// The whole component.
    pub(crate) fn wasm(&self) -> Vec<u8> {
        let (body, fields) = (&self.body, &self.fields);
        let text = format!("(module {COMMON} {fields} (func (export \"_start\") (local $a i32) {body}))");
        let module = wat::parse_str(text).unwrap_or_else(|error| panic!("{error}"));
        componentize(&module, &Bounds::default()).unwrap_or_else(|error| panic!("{error}"))
    }
}

const COMMON: &str = r#"
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (import "wasi_snapshot_preview1" "environ_sizes_get" (func $environ_sizes (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_get" (func $environ (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_get" (func $args (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 4)
  ;; writes all of it, if it can; whether it could
  (func $print (param $fd i32) (param $at i32) (param $len i32) (result i32)
    (loop $again
      (i32.store (i32.const 1024) (local.get $at))
      (i32.store (i32.const 1028) (local.get $len))
      (if (call $fd_write (local.get $fd) (i32.const 1024) (i32.const 1) (i32.const 1032))
        (then (return (i32.const 0))))
      (local.set $at (i32.add (local.get $at) (i32.load (i32.const 1032))))
      (local.set $len (i32.sub (local.get $len) (i32.load (i32.const 1032))))
      (br_if $again (local.get $len)))
    (i32.const 1))
  (func $out (param $at i32) (param $len i32) (drop (call $print (i32.const 1) (local.get $at) (local.get $len))))
  (func $err (param $at i32) (param $len i32) (drop (call $print (i32.const 2) (local.get $at) (local.get $len))))
  ;; reads stdin to its end, from 8192 on; how much it was
  (func $read (result i32)
    (local $total i32)
    (loop $again
      (i32.store (i32.const 1024) (i32.add (i32.const 8192) (local.get $total)))
      (i32.store (i32.const 1028) (i32.const 65536))
      (if (call $fd_read (i32.const 0) (i32.const 1024) (i32.const 1) (i32.const 1032)) (then unreachable))
      (local.set $total (i32.add (local.get $total) (i32.load (i32.const 1032))))
      (br_if $again (i32.load (i32.const 1032))))
    (local.get $total))
"#;
