//! Fuel bounds work, and measures it the same on every run.

use std::time::{Duration, Instant};

use hks_protocol::Outcome;

use crate::harness::Language::{JavaScript, Python};
use crate::harness::{Handler, Language, assert_ended, call, house};

#[test]
fn too_little_fuel_ends_even_the_start() {
    for language in Language::ALL {
        for fuel in [1, 1_000, 10_000] {
            let report = call(language, language.doubling()).event("21").fuel(fuel).attack();
            assert_ended(&report, Outcome::OutOfFuel, "FuelExhausted");
            assert!(report.usage.fuel <= fuel, "{:?}", report.usage);
            assert!(report.error.unwrap().value.contains(&fuel.to_string()), "the message names the limit");
        }
    }
}

#[test]
fn nothing_that_a_guest_catches_outlives_its_fuel() {
    const FUEL: u64 = 200_000_000;
    let bodies = [
        (Python, "while True:\n    try:\n        while True: pass\n    except: pass"),
        (Python, "import re; return bool(re.match(r'(a+)+$', 'a' * 60 + 'b'))"),
        (JavaScript, "for (;;) { try { for (;;); } catch {} }"),
        (JavaScript, "return /^(a+)+$/.test('a'.repeat(60) + 'b');"),
    ];
    for (language, body) in bodies {
        let report = call(language, language.handler(body)).fuel(FUEL).attack();
        println!("{body}");
        assert_ended(&report, Outcome::OutOfFuel, "FuelExhausted");
        assert!((FUEL * 9 / 10..=FUEL).contains(&report.usage.fuel), "{:?}", report.usage);
    }
}

#[test]
fn the_same_work_takes_the_same_fuel() {
    let bodies = [
        (Python, "return sum(number * number for number in range(event))"),
        (Python, "import json; return len(json.dumps({str(n): [n] * 3 for n in range(event)}))"),
        (JavaScript, "let sum = 0; for (let n = 0; n < event; n++) sum += n * n; return sum;"),
        (JavaScript, "return JSON.stringify(Array.from({ length: event }, (_, n) => ({ [n]: [n, n] }))).length;"),
    ];
    for (language, body) in bodies {
        let run = || {
            let same = call(language, language.handler(body)).event("20000");
            let report = same.report();
            assert_eq!(report.outcome, Outcome::Succeeded, "{:?}", report.error);
            report.usage.fuel
        };
        // The first two compile the source.
        let compiling = [run(), run()];
        let patience = Instant::now() + Duration::from_secs(20);
        while run() > compiling[0] - COMPILING {
            assert!(Instant::now() < patience, "{language:?} {body}: the source is compiled again and again");
        }
        let compiled = [run(), run(), run()];
        println!("{language:?} {compiling:?} {compiled:?}");
        assert_same(&compiling);
        assert_same(&compiled);
    }
}

/// Less than compiling any of these sources takes.
const COMPILING: u64 = 50_000;

/// The id of an execution, its seeds and its deadline are new each time, and a guest that reads them takes a few instructions more
/// or fewer: for a number of more digits, say.
const READING_THE_CONTEXT: u64 = 2_000;

#[track_caller]
fn assert_same(fuel: &[u64]) {
    let (low, high) = (fuel.iter().min().unwrap(), fuel.iter().max().unwrap());
    assert!(high - low <= READING_THE_CONTEXT, "{fuel:?}");
}

#[test]
fn a_component_takes_exactly_the_same_fuel() {
    let counting = "(local $left i32) (local.set $left (i32.const 100000))
        (loop $again (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
        (call $ok (local.get $event) (local.get $event_len))";
    let counting = house().component(&Handler::new(counting).text());
    let run = || house().call_component(&counting).event("1").report().usage.fuel;
    let first = run();
    assert!(first > 100_000, "{first}");
    assert_eq!((run(), run()), (first, first));
}

#[test]
fn more_work_takes_more_fuel() {
    for (language, body) in
        [(Python, "for _ in range(event): pass"), (JavaScript, "for (let n = 0; n < event; n++); return null;")]
    {
        let fuel = |event: &str| call(language, language.handler(body)).event(event).report().usage.fuel;
        assert!(fuel("100000") > fuel("1000") + 100_000, "{language:?}");
    }
}

#[test]
fn the_deadline_comes_before_the_fuel_that_is_derived_from_it() {
    for language in Language::ALL {
        let report = call(language, language.endless()).timeout_ms(500).derived_fuel().attack();
        assert_ended(&report, Outcome::TimedOut, "TimeoutExceeded");
    }
}
