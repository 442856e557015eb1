//! Functions that are components, from WebAssembly text: small enough to see every byte that they touch.

use std::fmt::Write;

/// A component that exports `hks:function/handler`. Its core module has a memory `memory`, a bump allocator, and
/// `handle(event, event_len, context, context_len) -> result`, whose body is given.
///
/// The body returns the address of a result: `(call $ok (address) (length))` or `(call $err (address) (length))` make one.
/// Addresses below 1,024 are the body's own.
pub(crate) struct Handler {
    body: String,
    /// Further fields of the core module: data, globals, functions, a start function.
    fields: String,
    imports: Vec<&'static str>,
    pages: u32,
}

impl Handler {
    pub(crate) fn new(body: impl Into<String>) -> Self {
        Self { body: body.into(), fields: String::new(), imports: Vec::new(), pages: 2 }
    }

    pub(crate) fn with(mut self, fields: &str) -> Self {
        self.fields.push_str(fields);
        self
    }

    pub(crate) fn pages(mut self, pages: u32) -> Self {
        self.pages = pages;
        self
    }

    /// Imports a function of the host; see [`import`] for the names.
    pub(crate) fn import(mut self, name: &'static str) -> Self {
        self.imports.push(name);
        self
    }

    /// The whole component as text.
    pub(crate) fn text(&self) -> String {
        let (mut outer, mut inner, mut given) = (String::new(), String::new(), String::new());
        for name in &self.imports {
            let import = import(name);
            write!(outer, "{}", import.component).unwrap();
            write!(inner, r#"(import "host" "{name}" (func ${name} {}))"#, import.core).unwrap();
            write!(given, r#"(export "{name}" (func ${name}))"#).unwrap();
        }
        let (body, fields, pages) = (&self.body, &self.fields, self.pages);
        format!(
            r#"(component
              (core module $Libc
                (memory (export "memory") {pages})
                (global $next (mut i32) (i32.const 4096))
                (func (export "realloc") (param i32 i32 i32 i32) (result i32)
                  (local $at i32)
                  (local.set $at (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
                  (global.set $next (i32.add (local.get $at) (local.get 3)))
                  (if (i32.gt_u (global.get $next) (i32.shl (memory.size) (i32.const 16)))
                    (then (drop (memory.grow
                      (i32.add (i32.const 1) (i32.shr_u (local.get 3) (i32.const 16)))))))
                  (local.get $at)))
              (core instance $libc (instantiate $Libc))
              (alias core export $libc "memory" (core memory $memory))
              (alias core export $libc "realloc" (core func $realloc))
              {outer}
              (core module $Main
                (import "libc" "memory" (memory 0))
                {inner}
                (func $ok (param $at i32) (param $len i32) (result i32)
                  (i32.store8 (i32.const 1024) (i32.const 0))
                  (i32.store (i32.const 1028) (local.get $at))
                  (i32.store (i32.const 1032) (local.get $len))
                  (i32.const 1024))
                (func $err (param $at i32) (param $len i32) (result i32)
                  (i32.store8 (i32.const 1024) (i32.const 1))
                  (i32.store (i32.const 1028) (local.get $at)) (i32.store (i32.const 1032) (local.get $len))
                  (i32.store (i32.const 1036) (local.get $at)) (i32.store (i32.const 1040) (local.get $len))
                  (i32.store (i32.const 1044) (local.get $at)) (i32.store (i32.const 1048) (local.get $len))
                  (i32.const 1024))
                {fields}
                (func (export "handle") (param $event i32) (param $event_len i32) (param $context i32)
                    (param $context_len i32) (result i32)
                  {body}))
              (core instance $main (instantiate $Main
                (with "libc" (instance $libc))
                (with "host" (instance {given}))))
              (alias core export $main "handle" (core func $main_handle))
              (type $failure (record (field "name" string) (field "value" string) (field "traceback" string)))
              (type $returned (result string (error $failure)))
              (func $handle (param "event" string) (param "context" string) (result $returned)
                (canon lift (core func $main_handle) (memory $memory) (realloc (core func $realloc))))
              {HANDLER})"#
        )
    }
}

/// Exports `$handle` with the name for its type that an exported interface must have.
const HANDLER: &str = r#"(component $Handler
    (type $record (record (field "name" string) (field "value" string) (field "traceback" string)))
    (import "failure" (type $failure (eq $record)))
    (type $returned (result string (error $failure)))
    (import "handle" (func $handle (param "event" string) (param "context" string) (result $returned)))
    (type $inner (record (field "name" string) (field "value" string) (field "traceback" string)))
    (export $named "failure" (type $inner))
    (type $named_returned (result string (error $named)))
    (export "handle" (func $handle)
      (func (param "event" string) (param "context" string) (result $named_returned))))
  (instance $handler (instantiate $Handler (with "failure" (type $failure)) (with "handle" (func $handle))))
  (export "hks:function/handler@0.1.0" (instance $handler))"#;

/// How a function of the host is imported by a component, and what its core module sees.
struct Import {
    component: &'static str,
    core: &'static str,
}

fn import(name: &str) -> Import {
    match name {
        "write_log" => Import {
            component: r#"(import "hks:function/output@0.1.0" (instance $output
                (type $stream' (enum "stdout" "stderr")) (export "log-stream" (type $stream (eq $stream')))
                (export "write-log" (func (param "to" $stream) (param "text" string)))
                (export "publish" (func (param "formats" string) (result (result (error string)))))))
              (alias export $output "write-log" (func $write_log'))
              (core func $write_log (canon lower (func $write_log') (memory $memory)))"#,
            core: "(param i32 i32 i32)",
        },
        "sleep" => Import {
            component: r#"(import "hks:function/clock@0.1.0" (instance $clock
                (export "sleep" (func (param "nanoseconds" u64)))))
              (alias export $clock "sleep" (func $sleep'))
              (core func $sleep (canon lower (func $sleep')))"#,
            core: "(param i64)",
        },
        "random_bytes" => Import {
            component: r#"(import "hks:function/entropy@0.1.0" (instance $entropy
                (export "random-bytes" (func (param "length" u32) (result (list u8))))))
              (alias export $entropy "random-bytes" (func $random_bytes'))
              (core func $random_bytes (canon lower (func $random_bytes')
                (memory $memory) (realloc (core func $realloc))))"#,
            core: "(param i32 i32)",
        },
        "exit" => Import {
            component: r#"(import "wasi:cli/exit@0.2.6" (instance $exit (export "exit" (func (param "status" (result))))))
              (alias export $exit "exit" (func $exit'))
              (core func $exit (canon lower (func $exit')))"#,
            core: "(param i32)",
        },
        other => panic!("no import is called {other}"),
    }
}
