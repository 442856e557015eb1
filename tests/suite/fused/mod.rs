//! The Python guest does the same as before its modules were fused, byte for byte.
//!
//! Both are the same build, so their memory starts the same, down to the seed of `hash()`. What is compared is all that a
//! caller sees: value, logs, rich results, error and traceback. What was used is not, because instructions became fewer.

use std::sync::OnceLock;

use hks_protocol::{Failure, Outcome, Report};
use hks_runtime::Prepared;

use crate::harness::Language::Python;
use crate::harness::{Call, house, linked_python, value};

/// Everything that is in the standard library and can be asked for an answer.
const STANDARD_LIBRARY: &str = include_str!("standard_library.py");

/// How many parts it has, so that none is lost unnoticed.
const SECTIONS: usize = 26;

/// What a caller sees of a report.
#[derive(Debug, PartialEq)]
struct Seen {
    outcome: Outcome,
    value: String,
    results: String,
    stdout: Vec<String>,
    stderr: Vec<String>,
    truncated: bool,
    error: Option<Failure>,
}

impl From<Report> for Seen {
    fn from(report: Report) -> Self {
        Self {
            outcome: report.outcome,
            value: report.value.as_str().to_owned(),
            results: serde_json::to_string(&report.results).unwrap(),
            stdout: report.logs.stdout,
            stderr: report.logs.stderr,
            truncated: report.truncated,
            error: report.error,
        }
    }
}

/// The guest as componentize-py linked it.
fn linked() -> &'static Prepared {
    static LINKED: OnceLock<Prepared> = OnceLock::new();
    LINKED.get_or_init(|| {
        let linked = linked_python();
        let fused = hks_guest_pack::fuse(&linked).unwrap();
        let (fused, _) = hks_guest_pack::quiet(fused).unwrap();
        assert!(fused == Python.wasm(), "the fused guest is not of this build: run `cargo xtask guests` first");
        assert!(linked != fused, "nothing is compared with itself");
        house().interpreter(&linked)
    })
}

/// Expects both to do the same, and returns the report of the guest that is shipped.
#[track_caller]
fn same(code: &str, change: impl Fn(Call<'static>) -> Call<'static>) -> Report {
    let before = change(house().call_in(linked(), code)).report();
    let after = change(house().call(Python, code)).report();
    let (expected, seen) = (Seen::from(before), Seen::from(after.clone()));
    for (what, expected, seen) in
        [("stdout", &expected.stdout, &seen.stdout), ("stderr", &expected.stderr, &seen.stderr)]
    {
        for (number, (expected, seen)) in expected.iter().zip(seen).enumerate() {
            assert_eq!(seen, expected, "line {number} of {what}");
        }
    }
    assert_eq!(seen, expected);
    after
}

#[test]
fn the_standard_library_works_as_before() {
    let report = same(STANDARD_LIBRARY, |call| call.event(r#"{"n":[1,"ä"]}"#).timeout_ms(60_000));
    let value = value(&report);
    assert_eq!(value["results"].as_object().unwrap().len(), SECTIONS);
    assert_eq!(value["event"]["n"][1], "ä");
    assert!(!report.truncated, "all that it says is compared");
    let all = format!("{} {}", report.logs.stdout.join("\n"), report.logs.stderr.join("\n"));
    for known in [
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", // SHA-256 of "abc", FIPS 180-4
        "1.41421356237309504880168872420969807856967187537694807317668",    // the root of 2, OEIS A002193
        "17984",                                                            // primes below 200,000
        "RecursionError",
        "MemoryError",
    ] {
        assert!(all.contains(known), "{known}");
    }
}

#[test]
fn every_way_to_end_is_the_same_as_before() {
    for (body, outcome) in [
        ("return {'ä': [1, 2.5, None]}", Outcome::Succeeded),
        ("print('a line'); raise ValueError('with', 'arguments')", Outcome::Failed),
        ("def f(n): return f(n - 1) if n else [][n]\nf(5)", Outcome::Failed),
        ("raise ExceptionGroup('g', [KeyError('k'), OSError(2, 'x')])", Outcome::Failed),
        ("return handler(event, context)", Outcome::Failed),
        ("return object", Outcome::Failed),
        ("import sys; sys.exit('because')", Outcome::Failed),
        ("return [0] * (1 << 28)", Outcome::OutOfMemory),
        ("import posix; posix._exit(3)", Outcome::Exited),
        ("import posix; posix.abort()", Outcome::Trapped),
        ("while True: pass", Outcome::TimedOut),
        ("display(html='<b>rich</b>'); display(json={'a': [2]}); return 4", Outcome::Succeeded),
    ] {
        let report = same(&Python.handler(body), |call| call.timeout_ms(3_000));
        assert_eq!(report.outcome, outcome, "{body}: {:?}", report.error);
    }
    let report = same("def handler(:\n", |call| call);
    assert_eq!(report.error.unwrap().name, "SyntaxError");
}
