//! What callers get wrong, and what functions return that is no result: each with a name, and with what to mend.

use hks_protocol::{Json, Limits, LimitsSpec, Outcome, Seconds};
use hks_runtime::Error;

use crate::harness::Language::{JavaScript, Python};
use crate::harness::{Handler, Language, assert_ended, assert_says, call, house};

fn assert_invalid(error: &Error, field: &str, says: &str) {
    match error {
        Error::Invalid(invalid) => {
            assert_eq!(invalid.field(), field, "{invalid}");
            assert!(invalid.reason().contains(says), "{invalid}");
        }
        other => panic!("not the caller's fault: {other}"),
    }
}

#[test]
fn code_must_be_there_exactly_where_it_is_run() {
    let python = house().guest(Python).clone();
    assert_invalid(&house().call_component(&python).error(), "code", "missing");
    let component = house().component(&Handler::new("unreachable").text());
    let mut attempt = house().call_component(&component).attempt();
    attempt.code = Some("exports.handler = () => 1".into());
    let error = house().call_component(&component).start_attempt(attempt, ()).end().unwrap_err();
    assert_invalid(&error, "code", "no interpreter");
    house().assert_alive();
}

#[test]
fn too_much_code_or_input_is_turned_away() {
    for language in Language::ALL {
        let comment = if language == Python { "#" } else { "//" };
        let code = language.doubling() + &comment.repeat(10 << 20);
        assert_invalid(&call(language, code).error(), "code", "1 MiB");
        let event = format!("\"{}\"", "x".repeat(7 << 20));
        assert_invalid(&call(language, language.doubling()).event(event).error(), "input", "6 MiB");
    }
}

#[test]
fn the_largest_code_and_input_are_taken() {
    for language in Language::ALL {
        let (comment, body) = match language {
            Python => ("#", "return len(event)"),
            JavaScript => ("//", "return event.length;"),
        };
        let mut code = language.handler(body) + comment;
        code.push_str(&"x".repeat((1 << 20) - code.len()));
        let event = format!("\"{}\"", "x".repeat((6 << 20) - 2));
        let report = call(language, code).event(event).attack();
        assert_eq!(report.value.as_str(), ((6 << 20) - 2).to_string(), "{:?}", report.error);
    }
}

#[test]
fn what_is_no_json_cannot_become_an_input() {
    for text in ["", "{", "undefined", "NaN", "'a'", "[1,]", "1 2", "\"\u{0}\"", "\u{feff}1", "{\"a\" 1}"] {
        assert_eq!(Json::parse("input", text.into()).unwrap_err().field(), "input", "{text}");
    }
}

#[test]
fn limits_outside_their_bounds_cannot_be_made() {
    let specs = [
        ("memory_mb", LimitsSpec { memory_mb: Some(0), ..LimitsSpec::default() }),
        ("memory_mb", LimitsSpec { memory_mb: Some(1 << 40), ..LimitsSpec::default() }),
        ("timeout_s", LimitsSpec { timeout_s: Some(Seconds::Number(0.0)), ..LimitsSpec::default() }),
        ("timeout_s", LimitsSpec { timeout_s: Some(Seconds::Number(f64::NAN)), ..LimitsSpec::default() }),
        ("timeout_s", LimitsSpec { timeout_s: Some(Seconds::Number(f64::INFINITY)), ..LimitsSpec::default() }),
        ("timeout_s", LimitsSpec { timeout_s: Some(Seconds::Text("1d".into())), ..LimitsSpec::default() }),
        ("fuel", LimitsSpec { fuel: Some(0), ..LimitsSpec::default() }),
        ("fuel", LimitsSpec { fuel: Some(u64::MAX), ..LimitsSpec::default() }),
    ];
    for (field, spec) in specs {
        assert_eq!(Limits::try_from(spec.clone()).unwrap_err().field(), field, "{spec:?}");
    }
}

#[test]
fn source_that_does_not_compile_is_named_with_its_line() {
    for (language, code) in [
        (Python, "def handler(event):\n    return (1\n"),
        (Python, "def handler(event):\nreturn 1"),
        (Python, "\0"),
        (JavaScript, "exports.handler = () => {\n  return (1;\n};"),
        (JavaScript, "exports.handler = () => { let a; let a; };"),
    ] {
        let report = call(language, code).attack();
        let error = report.error.as_ref().unwrap();
        assert!(["SyntaxError", "IndentationError"].contains(&error.name.as_str()), "{code}: {error:?}");
        assert_eq!(report.outcome, Outcome::Failed);
        let (file, place) = if language == Python { ("<function>", "line") } else { ("function.js", ":") };
        assert!(
            code == "\0" || (error.traceback.contains(file) && error.traceback.contains(place)),
            "{code}: {error:?}"
        );
    }
}

#[test]
fn a_missing_handler_is_named_with_what_was_probably_meant() {
    for (language, code, says) in [
        (Python, "", "def handler(event)"),
        (Python, "def main(event): return 1", "main"),
        (Python, "handler = 5", "int"),
        (Python, "def handler(a, b, c): return 1", "3 arguments"),
        (JavaScript, "", "exports.handler"),
        (JavaScript, "exports.handle = () => 1;", "handle"),
        (JavaScript, "exports.handler = 5;", "number"),
        (JavaScript, "export default 5;", "number"),
    ] {
        let report = call(language, code).attack();
        assert_ended(&report, Outcome::Failed, "HandlerNotFoundError");
        assert_says(&report, &[says]);
    }
}

#[test]
fn what_is_no_json_is_refused_by_its_path() {
    for (language, body, says) in [
        (Python, "return {'a': [1, {2, 3}]}", &["[\"a\"][1]", "set"][..]),
        (Python, "return float('nan')", &["result", "nan"]),
        (Python, "return {'deep': [{'er': float('-inf')}]}", &["[\"deep\"][0][\"er\"]", "-inf"]),
        (Python, "a = []; a.append(a); return {'x': a}", &["[\"x\"][0]", "contains itself"]),
        (Python, "return {(1, 2): 3}", &["key", "tuple"]),
        (Python, "return b'bytes'", &["bytes"]),
        (Python, "return '\\ud800'", &["surrogate"]),
        (Python, "return object()", &["object"]),
        (Python, "return handler", &["function"]),
        (Python, "yield 1", &["generator"]),
        (JavaScript, "return { a: [1, new Set([2])] };", &["result.a[1]", "Set"]),
        (JavaScript, "return NaN;", &["result", "NaN"]),
        (JavaScript, "return { deep: [{ er: -Infinity }] };", &["result.deep[0].er", "-Infinity"]),
        (JavaScript, "const a = []; a.push(a); return { x: a };", &["result.x"]),
        (JavaScript, "return 10n;", &["BigInt"]),
        (JavaScript, "return Symbol('x');", &["result"]),
        (JavaScript, "return () => 1;", &["function"]),
        (JavaScript, "return new Map();", &["Map"]),
    ] {
        let report = call(language, language.handler(body)).attack();
        println!("{body}");
        assert_ended(&report, Outcome::Failed, "InvalidResultError");
        assert_says(&report, says);
    }
}
