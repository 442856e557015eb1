//! HTTP components from WebAssembly text, made by the tools that real ones are made with.

use hks_builder::wasm::{Bounds, componentize};
use wit_component::{StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// A component of `wasi:http/incoming-handler`. Its core module has a memory, an allocator, and
/// `handle(request: $in, response-outparam: $out)`, whose body is given.
///
/// Addresses below 1,024 are the body's own; what the host returns is put at 1,024.
pub(crate) struct Server {
    body: String,
    fields: String,
}

impl Server {
    pub(crate) fn new(body: impl Into<String>) -> Self {
        Self { body: body.into(), fields: String::new() }
    }

    /// Further fields of the core module: data, functions.
    pub(crate) fn with(mut self, fields: &str) -> Self {
        self.fields.push_str(fields);
        self
    }

    /// The whole component.
    pub(crate) fn wasm(&self) -> Vec<u8> {
        let (body, fields) = (&self.body, &self.fields);
        let text = format!(
            r#"(module {IMPORTS} {HELPERS} {fields}
              (func (export "wasi:http/incoming-handler@0.2.3#handle") (param $in i32) (param $out i32)
                (local $a i32) (local $b i32) (local $c i32)
                {body}))"#
        );
        let mut module = wat::parse_str(text).unwrap_or_else(|error| panic!("{error}"));
        let mut resolve = Resolve::default();
        let package = resolve.push_str("server.wit", include_str!("server.wit")).unwrap();
        let world = resolve.select_world(&[package], Some("server")).unwrap();
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
        componentize(&module, &Bounds::default()).unwrap_or_else(|error| panic!("{error}"))
    }
}

const IMPORTS: &str = r#"
  (import "wasi:http/types@0.2.3" "[constructor]fields" (func $fields (result i32)))
  (import "wasi:http/types@0.2.3" "[method]fields.append" (func $append (param i32 i32 i32 i32 i32 i32)))
  (import "wasi:http/types@0.2.3" "[method]fields.entries" (func $entries (param i32 i32)))
  (import "wasi:http/types@0.2.3" "[method]incoming-request.path-with-query" (func $path (param i32 i32)))
  (import "wasi:http/types@0.2.3" "[method]incoming-request.authority" (func $authority (param i32 i32)))
  (import "wasi:http/types@0.2.3" "[method]incoming-request.headers" (func $headers (param i32) (result i32)))
  (import "wasi:http/types@0.2.3" "[method]incoming-request.consume" (func $consume (param i32 i32)))
  (import "wasi:http/types@0.2.3" "[method]incoming-body.stream" (func $incoming_stream (param i32 i32)))
  (import "wasi:http/types@0.2.3" "[static]response-outparam.set"
    (func $set (param i32 i32 i32 i32 i64 i32 i32 i32 i32)))
  (import "wasi:http/types@0.2.3" "[resource-drop]response-outparam" (func $drop_out (param i32)))
  (import "wasi:http/types@0.2.3" "[constructor]outgoing-response" (func $response (param i32) (result i32)))
  (import "wasi:http/types@0.2.3" "[method]outgoing-response.set-status-code"
    (func $status (param i32 i32) (result i32)))
  (import "wasi:http/types@0.2.3" "[method]outgoing-response.body" (func $response_body (param i32 i32)))
  (import "wasi:http/types@0.2.3" "[method]outgoing-body.write" (func $body_stream (param i32 i32)))
  (import "wasi:http/types@0.2.3" "[static]outgoing-body.finish" (func $body_finish (param i32 i32 i32 i32)))
  (import "wasi:http/types@0.2.3" "[resource-drop]outgoing-body" (func $drop_body (param i32)))
  (import "wasi:http/types@0.2.3" "[constructor]outgoing-request" (func $request (param i32) (result i32)))
  (import "wasi:http/types@0.2.3" "[constructor]request-options" (func $options (result i32)))
  (import "wasi:http/outgoing-handler@0.2.3" "handle" (func $fetch (param i32 i32 i32 i32)))
  (import "wasi:io/streams@0.2.3" "[method]input-stream.blocking-read" (func $blocking_read (param i32 i64 i32)))
  (import "wasi:io/streams@0.2.3" "[method]output-stream.blocking-write-and-flush"
    (func $blocking_write (param i32 i32 i32 i32)))
  (import "wasi:io/streams@0.2.3" "[resource-drop]output-stream" (func $drop_stream (param i32)))
  (import "wasi:cli/stderr@0.2.3" "get-stderr" (func $stderr (result i32)))
  (import "wasi:cli/environment@0.2.3" "get-environment" (func $environment (param i32)))
  (import "wasi:cli/exit@0.2.3" "exit" (func $exit (param i32)))
"#;

/// What every server does, in words of its own. A result that is an error traps.
const HELPERS: &str = r#"
  (memory (export "memory") 2)
  (global $next (mut i32) (i32.const 8192))
  (func $realloc (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
    (global.set $next (i32.add (local.get $at) (local.get 3)))
    (if (i32.gt_u (global.get $next) (i32.shl (memory.size) (i32.const 16)))
      (then (if (i32.eq (i32.const -1) (memory.grow
        (i32.add (i32.const 1) (i32.shr_u (local.get 3) (i32.const 16))))) (then unreachable))))
    (local.get $at))
  ;; the handle that a result<own> at 1024 holds
  (func $ok (result i32)
    (if (i32.load8_u (i32.const 1024)) (then unreachable))
    (i32.load (i32.const 1028)))
  (func $send (param $out i32) (param $response i32)
    (call $set (local.get $out) (i32.const 0) (local.get $response) (i32.const 0) (i64.const 0)
      (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)))
  ;; tells the error of that number, without more
  (func $fail (param $out i32) (param $code i32)
    (call $set (local.get $out) (i32.const 1) (local.get $code) (i32.const 0) (i64.const 0)
      (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)))
  (func $body (param $response i32) (result i32)
    (call $response_body (local.get $response) (i32.const 1024)) (call $ok))
  (func $stream (param $body i32) (result i32)
    (call $body_stream (local.get $body) (i32.const 1024)) (call $ok))
  ;; whether it could be written
  (func $write_some (param $stream i32) (param $at i32) (param $len i32) (result i32)
    (call $blocking_write (local.get $stream) (local.get $at) (local.get $len) (i32.const 1024))
    (i32.eqz (i32.load8_u (i32.const 1024))))
  (func $write (param $stream i32) (param $at i32) (param $len i32)
    (local $now i32)
    (loop $again
      (local.set $now (select (i32.const 4096) (local.get $len) (i32.gt_u (local.get $len) (i32.const 4096))))
      (if (i32.eqz (call $write_some (local.get $stream) (local.get $at) (local.get $now))) (then unreachable))
      (local.set $at (i32.add (local.get $at) (local.get $now)))
      (local.set $len (i32.sub (local.get $len) (local.get $now)))
      (br_if $again (local.get $len))))
  (func $finish (param $body i32) (param $stream i32)
    (call $drop_stream (local.get $stream))
    (call $body_finish (local.get $body) (i32.const 0) (i32.const 0) (i32.const 1024)))
  ;; a response of 200 with these headers and this body
  (func $answer (param $out i32) (param $headers i32) (param $at i32) (param $len i32)
    (local $response i32) (local $body i32) (local $stream i32)
    (local.set $response (call $response (local.get $headers)))
    (local.set $body (call $body (local.get $response)))
    (local.set $stream (call $stream (local.get $body)))
    (call $send (local.get $out) (local.get $response))
    (if (local.get $len) (then (call $write (local.get $stream) (local.get $at) (local.get $len))))
    (call $finish (local.get $body) (local.get $stream)))
  (func $say (param $out i32) (param $at i32) (param $len i32)
    (call $answer (local.get $out) (call $fields) (local.get $at) (local.get $len)))
  ;; answers with an option<string> at 1024
  (func $say_text (param $out i32)
    (call $say (local.get $out) (i32.load (i32.const 1028)) (i32.load (i32.const 1032))))
  (func $header (param $fields i32) (param $name i32) (param $name_len i32) (param $at i32) (param $len i32)
    (call $append (local.get $fields) (local.get $name) (local.get $name_len) (local.get $at) (local.get $len)
      (i32.const 1024)))
  (func $incoming (param $request i32) (result i32)
    (call $consume (local.get $request) (i32.const 1024))
    (call $incoming_stream (call $ok) (i32.const 1024))
    (call $ok))
"#;
