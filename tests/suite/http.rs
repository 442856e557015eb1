//! Components of `wasi:http/incoming-handler`: what they see of an event, what becomes of their response, and what those meet that
//! break a limit or a promise.

use hks_protocol::Outcome;
use hks_runtime::Error;
use serde_json::json;

use crate::harness::{
    Call, MIB, Server, alone, assert_ended, assert_says, house, peak_rss_bytes, reset_peak_rss, take_turn, value, wait,
};

fn server(server: &Server) -> Call<'static> {
    house().call_component(&house().wasm(&server.wasm()))
}

fn serving(body: &str) -> Call<'static> {
    server(&Server::new(body))
}

fn get(path: &str) -> String {
    json!({"httpMethod": "GET", "path": path}).to_string()
}

const SAY_PATH: &str = "(call $path (local.get $in) (i32.const 1024)) (call $say_text (local.get $out))";
const SAY_AUTHORITY: &str = "(call $authority (local.get $in) (i32.const 1024)) (call $say_text (local.get $out))";
/// One read of the body, which is shorter than what is asked for.
const SAY_BODY: &str = "(call $blocking_read (call $incoming (local.get $in)) (i64.const 100000) (i32.const 1024))
    (if (i32.load8_u (i32.const 1024)) (then unreachable)) (call $say_text (local.get $out))";
/// Names and values of the headers, one after the other.
const SAY_HEADERS: &str = "(call $entries (call $headers (local.get $in)) (i32.const 1024))
    (local.set $a (i32.load (i32.const 1024))) (local.set $b (i32.load (i32.const 1028))) (local.set $c (i32.const 100000))
    (loop $l (if (local.get $b) (then
      (memory.copy (local.get $c) (i32.load (local.get $a)) (i32.load offset=4 (local.get $a)))
      (local.set $c (i32.add (local.get $c) (i32.load offset=4 (local.get $a))))
      (i32.store8 (local.get $c) (i32.const 61))
      (local.set $c (i32.add (local.get $c) (i32.const 1)))
      (memory.copy (local.get $c) (i32.load offset=8 (local.get $a)) (i32.load offset=12 (local.get $a)))
      (local.set $c (i32.add (local.get $c) (i32.load offset=12 (local.get $a))))
      (i32.store8 (local.get $c) (i32.const 10))
      (local.set $c (i32.add (local.get $c) (i32.const 1)))
      (local.set $a (i32.add (local.get $a) (i32.const 16)))
      (local.set $b (i32.sub (local.get $b) (i32.const 1))) (br $l))))
    (call $say (local.get $out) (i32.const 100000) (i32.sub (local.get $c) (i32.const 100000)))";

#[test]
fn a_proxy_event_is_the_request() {
    let event = json!({
        "httpMethod": "PUT", "path": "/a/b c", "queryStringParameters": {"q": "1&2"}, "headers": {"Host": "example.com"},
        "body": "hé", "isBase64Encoded": false, "pathParameters": {"x": "y"}, "requestContext": {"requestId": "1"},
    });
    let said = |body| value(&serving(body).event(event.to_string()).report())["body"].clone();
    assert_eq!(said(SAY_PATH), "/a/b%20c?q=1%262");
    assert_eq!(said(SAY_AUTHORITY), "example.com");
    assert_eq!(said(SAY_BODY), "hé");
}

#[test]
fn any_other_event_is_posted_as_json() {
    let event = r#"{"n": 123456789012345678901234567890}"#;
    let said = |body| value(&serving(body).event(event).report())["body"].clone();
    assert_eq!(said(SAY_PATH), "/");
    assert_eq!(said(SAY_AUTHORITY), "localhost");
    assert_eq!(said(SAY_BODY), event);
    assert_eq!(said(SAY_HEADERS), format!("content-type=application/json\ncontent-length={}\n", event.len()));
}

#[test]
fn headers_of_the_connection_do_not_arrive() {
    let event = json!({"httpMethod": "POST", "path": "/", "body": "abc", "headers": {
        "Transfer-Encoding": "chunked", "Connection": "close", "Host": "a", "Content-Length": "1000", "Upgrade": "x", "X-Own": "1",
    }});
    let seen = value(&serving(SAY_HEADERS).event(event.to_string()).report())["body"].clone();
    let mut seen: Vec<_> = seen.as_str().unwrap().lines().collect();
    seen.sort_unstable();
    assert_eq!(seen, ["content-length=3", "x-own=1"]);
}

#[test]
fn an_event_that_would_smuggle_is_a_failure_of_the_call() {
    for (event, words) in [
        (json!({"httpMethod": "GET\r\nX: y", "path": "/"}), "not a method"),
        (json!({"httpMethod": "GET", "path": "/ HTTP/1.1\r\nX: y"}), "control character"),
        (json!({"httpMethod": "GET", "path": "/", "headers": {"a": "b\r\nc: d"}}), "header a"),
        (json!({"httpMethod": "GET", "path": "/", "headers": {"a: b\r\nc": "d"}}), "not the name of a header"),
    ] {
        let report = serving(SAY_PATH).event(event.to_string()).report();
        assert_ended(&report, Outcome::Failed, "InvalidRequestError");
        assert_says(&report, &[words]);
    }
    house().assert_restored();
}

#[test]
fn the_response_becomes_the_value() {
    let server = Server::new(
        "(local.set $a (call $fields))
         (call $header (local.get $a) (i32.const 0) (i32.const 10) (i32.const 32) (i32.const 3))
         (call $header (local.get $a) (i32.const 0) (i32.const 10) (i32.const 36) (i32.const 3))
         (call $header (local.get $a) (i32.const 16) (i32.const 4) (i32.const 32) (i32.const 3))
         (call $header (local.get $a) (i32.const 16) (i32.const 4) (i32.const 36) (i32.const 3))
         (local.set $b (call $response (local.get $a)))
         (drop (call $status (local.get $b) (i32.const 418)))
         (call $send (local.get $out) (local.get $b))",
    )
    .with(r#"(data (i32.const 0) "Set-Cookie") (data (i32.const 16) "Vary") (data (i32.const 32) "a=1 b=2")"#);
    let report = house().call_component(&house().wasm(&server.wasm())).event(get("/")).report();
    let expected = json!({
        "statusCode": 418, "headers": {"set-cookie": "b=2", "vary": "a=1, b=2"},
        "multiValueHeaders": {"set-cookie": ["a=1", "b=2"]}, "body": "", "isBase64Encoded": false,
    });
    assert_eq!(value(&report), expected);
}

#[test]
fn a_body_that_is_no_text_is_in_base64() {
    let server = Server::new("(call $say (local.get $out) (i32.const 0) (i32.const 3))")
        .with(r#"(data (i32.const 0) "\ff\00\01")"#);
    let report = house().call_component(&house().wasm(&server.wasm())).report();
    assert_eq!((&value(&report)["body"], &value(&report)["isBase64Encoded"]), (&"/wAB".into(), &true.into()));
}

/// Larger than all that waits between guest and host: they take turns.
#[test]
fn a_long_body_passes_through() {
    let report = serving(
        "(drop (memory.grow (i32.const 16))) (memory.fill (i32.const 8192) (i32.const 120) (i32.const 900000))
        (call $say (local.get $out) (i32.const 8192) (i32.const 900000))",
    )
    .report();
    assert_eq!(value(&report)["body"].as_str().unwrap().len(), 900_000);
}

#[test]
fn a_request_may_be_left_unread() {
    let event = json!({"httpMethod": "POST", "path": "/", "body": "x".repeat(3 << 20)}).to_string();
    let report = serving("(call $say (local.get $out) (i32.const 0) (i32.const 0))").event(event.clone()).report();
    assert_eq!(value(&report)["statusCode"], 200);
    // Opened, and not read.
    let report =
        serving("(drop (call $incoming (local.get $in))) (call $say (local.get $out) (i32.const 0) (i32.const 0))")
            .event(event)
            .report();
    assert_eq!(value(&report)["statusCode"], 200);
}

#[test]
fn no_response_is_a_failure_with_words() {
    for body in ["", "(call $drop_out (local.get $out))"] {
        let report = serving(body).attack();
        assert_ended(&report, Outcome::Failed, "NoResponseError");
        assert_says(&report, &["response-outparam.set"]);
    }
}

#[test]
fn an_error_of_its_own_has_its_name() {
    for (code, name) in [(36, "LoopDetected"), (15, "HttpRequestDenied"), (38, "InternalError")] {
        let report = serving(&format!("(call $fail (local.get $out) (i32.const {code}))")).attack();
        assert_ended(&report, Outcome::Failed, name);
    }
    let reason = Server::new(
        "(call $set (local.get $out) (i32.const 1) (i32.const 38) (i32.const 1) (i64.const 0) (i32.const 6)
           (i32.const 0) (i32.const 0) (i32.const 0))",
    )
    .with(r#"(data (i32.const 0) "broken")"#);
    let report = house().call_component(&house().wasm(&reason.wasm())).report();
    assert_ended(&report, Outcome::Failed, "InternalError");
    assert_eq!(report.error.unwrap().value, "broken");
}

/// Sends a response, and has its body in `$b` and the stream of it in `$c`.
const BEGIN: &str = "(local.set $a (call $response (call $fields))) (local.set $b (call $body (local.get $a)))
    (local.set $c (call $stream (local.get $b))) (call $send (local.get $out) (local.get $a))
    (call $write (local.get $c) (i32.const 0) (i32.const 10))";

#[test]
fn a_trap_after_the_response_is_a_trap() {
    let whole = "(call $say (local.get $out) (i32.const 0) (i32.const 10))";
    for begin in [BEGIN, whole] {
        let report = serving(&format!("{begin} unreachable")).attack();
        assert_ended(&report, Outcome::Trapped, "Trap");
    }
    for status in [0, 1] {
        let report = serving(&format!("{whole} (call $exit (i32.const {status}))")).attack();
        assert_ended(&report, Outcome::Exited, "ProcessExit");
    }
}

#[test]
fn a_body_that_is_dropped_is_incomplete() {
    let report =
        serving(&format!("{BEGIN} (call $drop_stream (local.get $c)) (call $drop_body (local.get $b))")).attack();
    assert_ended(&report, Outcome::Failed, "HttpResponseIncomplete");
}

/// As other hosts have it: nobody can write any more to what a guest that came back has left open.
#[test]
fn a_body_that_is_left_open_ends_with_the_guest() {
    for end in ["", "(call $drop_stream (local.get $c))"] {
        let report = serving(&format!("{BEGIN} {end}")).report();
        assert_eq!(value(&report)["body"].as_str().unwrap().len(), 10);
    }
}

#[test]
fn a_body_that_never_ends_meets_the_deadline() {
    let report = serving(&format!("{BEGIN} (loop $l (br $l))")).timeout_ms(200).attack();
    assert_ended(&report, Outcome::TimedOut, "TimeoutExceeded");
    // Nobody reads what it writes, because its response is not sent.
    let unsent = "(local.set $c (call $stream (call $body (call $response (call $fields)))))
        (loop $l (drop (call $write_some (local.get $c) (i32.const 0) (i32.const 4096))) (br $l))";
    let report = serving(unsent).timeout_ms(200).attack();
    assert_ended(&report, Outcome::TimedOut, "TimeoutExceeded");
}

#[test]
fn an_endless_body_is_too_large_and_costs_the_host_nothing() {
    alone();
    house().assert_alive();
    reset_peak_rss();
    let before = peak_rss_bytes();
    let endless = format!("{BEGIN} (loop $l (call $write (local.get $c) (i32.const 8192) (i32.const 65536)) (br $l))");
    let report = serving(&endless).timeout_ms(30_000).report();
    assert_ended(&report, Outcome::OutputTooLarge, "OutputTooLarge");
    let grown = peak_rss_bytes().saturating_sub(before);
    assert!(grown < 64 * MIB, "{} MiB more", grown / MIB);
    house().assert_alive();
}

#[test]
fn all_of_the_value_counts_as_output() {
    let call = |length: u32| {
        let body = format!(
            "(memory.fill (i32.const 0) (i32.const 120) (i32.const 1000))
            (call $say (local.get $out) (i32.const 0) (i32.const {length}))"
        );
        serving(&body).output_bytes(1000).report()
    };
    let around = r#"{"statusCode":200,"headers":{},"body":"","isBase64Encoded":false}"#.len();
    let fits = u32::try_from(1000 - around).unwrap();
    assert_eq!(call(fits).value.len_bytes(), 1000);
    assert_ended(&call(fits + 1), Outcome::OutputTooLarge, "OutputTooLarge");
}

#[test]
fn fuel_memory_and_stack_are_bounded() {
    let report = serving("(loop $l (br $l))").fuel(1_000_000).attack();
    assert_ended(&report, Outcome::OutOfFuel, "FuelExhausted");
    let bomb = "(loop $l (br_if $l (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable";
    let report = serving(bomb).memory_mb(32).attack();
    assert_ended(&report, Outcome::OutOfMemory, "OutOfMemory");
    let deeper = Server::new("(call $deeper)").with("(func $deeper (call $deeper) (drop (memory.size)))");
    let report = house().call_component(&house().wasm(&deeper.wasm())).attack();
    assert_ended(&report, Outcome::StackOverflow, "StackOverflow");
}

#[test]
fn stderr_is_the_log_and_bounded() {
    let report = serving(
        "(memory.fill (i32.const 0) (i32.const 120) (i32.const 1000)) (call $write (call $stderr) (i32.const 0)
        (i32.const 1000)) (call $say (local.get $out) (i32.const 0) (i32.const 1))",
    )
    .log_bytes(600)
    .report();
    assert_eq!(value(&report)["body"], "x");
    assert_eq!((report.logs.stderr.concat().len(), report.truncated), (600, true));
}

/// Handles and sets of headers take memory of the host.
#[test]
fn what_a_guest_holds_of_the_host_is_bounded() {
    let report = serving("(loop $l (drop (call $fields)) (br $l))").attack();
    assert_ended(&report, Outcome::Trapped, "Trap");
    assert_says(&report, &["too many"]);
    let report = serving(&format!("{BEGIN} (call $drop_body (local.get $b))")).attack();
    assert_ended(&report, Outcome::Trapped, "Trap");
    assert_says(&report, &["a body before its stream"]);
    let report = serving(
        "(local.set $a (call $fields)) (memory.fill (i32.const 0) (i32.const 120) (i32.const 1000))
        (loop $l (call $header (local.get $a) (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 1000)) (br $l))",
    )
    .attack();
    assert_ended(&report, Outcome::Trapped, "Trap");
}

/// Whom it would be sent to does not matter, nor how often it is tried; and the server lives on.
#[test]
fn no_request_goes_out() {
    let report = serving(
        "(local.set $b (i32.const 1000))
         (loop $l
           (call $fetch (call $request (call $fields)) (i32.const 1) (call $options) (i32.const 1024))
           (if (i32.ne (i32.load8_u (i32.const 1024)) (i32.const 1)) (then unreachable))
           (if (i32.ne (i32.load8_u (i32.const 1032)) (i32.const 15)) (then unreachable))
           (br_if $l (local.tee $b (i32.sub (local.get $b) (i32.const 1)))))
         (call $say (local.get $out) (i32.const 0) (i32.const 0))",
    )
    .report();
    assert_eq!(value(&report)["statusCode"], 200);
    assert_eq!(report.usage.egress_bytes, 0);
}

#[test]
fn its_environment_has_the_context() {
    let report = serving(
        "(call $environment (i32.const 1024))
        (local.set $a (i32.load (i32.const 1024))) (local.set $b (i32.load (i32.const 1028)))
        ;; the value of the last variable
        (local.set $a (i32.add (local.get $a) (i32.mul (i32.const 16) (i32.sub (local.get $b) (i32.const 1)))))
        (call $say (local.get $out) (i32.load offset=8 (local.get $a)) (i32.load offset=12 (local.get $a)))",
    )
    .report();
    let context: serde_json::Value = serde_json::from_str(value(&report)["body"].as_str().unwrap()).unwrap();
    assert_eq!(context["execution_id"], report.execution_id.to_string());
}

#[test]
fn nothing_is_left_for_the_next_request() {
    take_turn();
    let canary = "(i32.store8 (i32.const 0) (i32.add (i32.const 48) (i32.load (i32.const 100000))))
        (i32.store (i32.const 100000) (i32.const 1)) (call $say (local.get $out) (i32.const 0) (i32.const 1))";
    for end in ["", "unreachable"] {
        let canary = serving(&format!("{canary} (call $write (call $stderr) (i32.const 0) (i32.const 1)) {end}"));
        for _ in 0..20 {
            assert_eq!(canary.report().logs.stderr, ["0"]);
        }
    }
    house().assert_restored();
}

#[test]
fn a_handler_of_another_type_is_refused() {
    let other = r#"(component
        (core module $Main (func (export "handle")))
        (core instance $main (instantiate $Main))
        (func $handle (canon lift (core func $main "handle")))
        (instance $exported (export "handle" (func $handle)))
        (export "wasi:http/incoming-handler@0.2.0" (instance $exported)))"#;
    assert!(house().refusal(other).contains("handle of its wasi:http/incoming-handler@0.2.0 has another type"));
}

#[test]
fn there_is_nothing_to_load_of_a_server() {
    take_turn();
    let prepared = house().wasm(&Server::new(SAY_PATH).wasm());
    let attempt = house().call_component(&prepared).attempt();
    assert!(matches!(wait(house().runtime.load(&prepared, attempt, ())), Err(Error::Unstorable(_))));
}
