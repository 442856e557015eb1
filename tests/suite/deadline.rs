//! Loops and sleeps end at their deadline, and others get their answers meanwhile.

use std::time::Duration;

use hks_engine::{EngineConfig, Metering};
use hks_protocol::Outcome;

use crate::harness::Language::{JavaScript, Python};
use crate::harness::{Handler, House, Language, assert_ended, call, house};

const TIMEOUT_MS: u64 = 300;

/// Far more than a deadline may be late even when all cores are busy.
const GENEROUS_MS: f64 = 5_000.0;

fn assert_stopped(language: Language, code: &str) {
    let report = call(language, code).timeout_ms(TIMEOUT_MS).attack();
    println!("{code}");
    assert_ended(&report, Outcome::TimedOut, "TimeoutExceeded");
    assert!(report.error.as_ref().unwrap().value.contains("300ms"), "{:?}", report.error);
    assert!(report.usage.wall_ms < GENEROUS_MS, "{:?}", report.usage);
}

#[test]
fn loops_end_at_the_deadline() {
    let bodies = [
        (Python, "while True: pass"),
        (Python, "return sum(iter(int, 1))"),
        (Python, "return len(str(10 ** 10 ** 8))"),
        (Python, "import re; return bool(re.match(r'(a+)+$', 'a' * 60 + 'b'))"),
        (Python, "async def tick():\n    while True: await asyncio.sleep(0)\nimport asyncio; asyncio.run(tick())"),
        (JavaScript, "for (;;);"),
        (JavaScript, "for (;;) await null;"),
        (JavaScript, "return /^(a+)+$/.test('a'.repeat(60) + 'b');"),
        (JavaScript, "await new Promise(() => setInterval(() => {}, 0));"),
        (JavaScript, "const again = () => Promise.resolve().then(again); return again();"),
        (JavaScript, "return [1, 2, 3].sort(() => { for (;;); });"),
    ];
    for (language, body) in bodies {
        assert_stopped(language, &language.handler(body));
    }
}

#[test]
fn a_loop_before_the_handler_is_called_ends_too() {
    assert_stopped(Python, "while True: pass");
    assert_stopped(JavaScript, "for (;;);");
    assert_stopped(JavaScript, "export default 1; await new Promise(() => setInterval(() => {}, 1));");
}

#[test]
fn nothing_that_a_guest_catches_keeps_it_alive() {
    let python = "
        def again():
            while True:
                try:
                    while True: pass
                except BaseException: pass
                finally: again()
        again()";
    assert_stopped(Python, &Python.handler(python));
    let javascript = "for (;;) { try { for (;;); } catch {} finally { continue; } }";
    assert_stopped(JavaScript, &JavaScript.handler(javascript));
}

#[test]
fn sleeps_end_at_the_deadline() {
    let bodies = [
        (Python, "import time; time.sleep(60)"),
        (Python, "import asyncio; asyncio.run(asyncio.sleep(60))"),
        (JavaScript, "await new Promise((resolve) => setTimeout(resolve, 60_000));"),
        (JavaScript, "await new Promise((resolve) => { AbortSignal.timeout(60_000).onabort = resolve; });"),
    ];
    for (language, body) in bodies {
        assert_stopped(language, &language.handler(body));
    }
}

/// What waits for another thread waits as long as it says, though there is none that could end it earlier.
#[test]
fn waits_for_other_threads_end_at_the_deadline() {
    let waits = [
        "threading.Event().wait(60)",
        "condition = threading.Condition()\nwith condition: condition.wait(60)",
        "queue.Queue().get(timeout=60)",
        "semaphore = threading.Semaphore(0); semaphore.acquire(timeout=60)",
    ];
    for wait in waits {
        assert_stopped(Python, &Python.handler(&format!("import threading, queue\n{wait}")));
    }
}

#[test]
fn the_deadline_holds_for_what_a_function_asks_about_it() {
    let cases = [
        (Python, "return [context.remaining_time_ms(), context.deadline_ms]"),
        (JavaScript, "return [context.remaining_time_ms(), context.deadline_ms];"),
    ];
    for (language, body) in cases {
        let report = call(language, language.handler(body)).timeout_ms(20_000).report();
        let seen: [u64; 2] = serde_json::from_str(report.value.as_str()).unwrap();
        assert!((1..=20_000).contains(&seen[0]), "{language:?}: {seen:?}");
        let deadline_ms = report.started_at.as_millisecond() + 20_000;
        assert!(i64::try_from(seen[1]).unwrap().abs_diff(deadline_ms) < 5_000, "{language:?}: {seen:?}");
    }
}

#[test]
fn loops_on_all_threads_leave_others_their_answers() {
    let loops: Vec<_> = [Python, JavaScript, Python, JavaScript]
        .map(|language| call(language, language.endless()).timeout_ms(60_000).start())
        .into_iter()
        .collect();
    for number in 0..20 {
        let language = Language::ALL[number % 2];
        let report = call(language, language.doubling()).event("21").report();
        assert_eq!(report.value.as_str(), "42", "{language:?}: {:?}", report.error);
    }
    assert!(loops.iter().all(|running| running.is_running()), "the answers came while they were looping");
    for running in loops {
        running.cancel();
        let report = running.report();
        assert_ended(&report, Outcome::Canceled, "Canceled");
        assert!(report.usage.cpu_ms > 0.0 && report.usage.fuel > 0, "{:?}", report.usage);
    }
}

#[test]
fn without_fuel_loops_end_at_the_deadline_too() {
    let house = House::new(&EngineConfig { metering: Metering::Epoch, ..EngineConfig::default() });
    // Fuel that would not last for a single instruction is not counted.
    let report = house.call(JavaScript, JavaScript.doubling()).event("21").fuel(1).report();
    assert_eq!((report.value.as_str(), report.usage.fuel), ("42", 0), "{:?}", report.error);
    let report = house.call(JavaScript, JavaScript.endless()).timeout_ms(TIMEOUT_MS).report();
    assert_ended(&report, Outcome::TimedOut, "TimeoutExceeded");
    assert_eq!(report.usage.fuel, 0);
    let endless = house.component(&Handler::new("(loop $again (br $again)) unreachable").text());
    let report = house.call_component(&endless).timeout_ms(TIMEOUT_MS).report();
    assert_ended(&report, Outcome::TimedOut, "TimeoutExceeded");
}

#[test]
fn the_shortest_timeout_is_a_timeout() {
    for language in Language::ALL {
        let report = call(language, language.endless()).timeout_ms(1).attack();
        assert_ended(&report, Outcome::TimedOut, "TimeoutExceeded");
    }
    let endless = house().component(&Handler::new("(loop $again (br $again)) unreachable").text());
    let report = house().call_component(&endless).timeout_ms(1).attack();
    assert_ended(&report, Outcome::TimedOut, "TimeoutExceeded");
    assert!(report.usage.wall_ms < Duration::from_secs(5).as_secs_f64() * 1e3, "{:?}", report.usage);
}
