//! Memory bombs end as such, and the host keeps its own memory.

use hks_protocol::Outcome;

use crate::harness::Language::{JavaScript, Python};
use crate::harness::{
    Handler, Language, MIB, alone, assert_ended, assert_ended_in, assert_says, call, house, peak_rss_bytes,
    reset_peak_rss, value,
};

const BOMBS: [(Language, &str); 12] = [
    (Python, "return len(bytearray(10 ** 9))"),
    (Python, "return len([0] * 10 ** 8)"),
    (Python, "kept = []\nwhile True: kept.append(bytes(1000))"),
    (Python, "kept = {}\nwhile True: kept[len(kept)] = str(len(kept)) * 10"),
    (Python, "text = 'x'\nwhile True: text += text"),
    (Python, "return len('x' * 10 ** 9)"),
    (Python, "return len(list(iter(int, 1)))"),
    (JavaScript, "return new ArrayBuffer(2 ** 30).byteLength;"),
    (JavaScript, "const kept = []; for (;;) kept.push(new Array(1000).fill(0));"),
    (JavaScript, "const kept = new Map(); for (;;) kept.set(kept.size, String(kept.size).repeat(10));"),
    (JavaScript, "return [...(function* () { for (;;) yield {}; })()].length;"),
    (JavaScript, "let kept = null; for (;;) kept = { kept };"),
];

#[test]
fn bombs_end_as_out_of_memory_within_the_limit() {
    for (language, body) in BOMBS {
        for memory_mb in [64, 128] {
            let report = call(language, language.handler(body)).memory_mb(memory_mb).attack();
            println!("{body}");
            assert_ended(&report, Outcome::OutOfMemory, "OutOfMemory");
            assert_says(&report, &[&format!("{memory_mb} MiB")]);
            assert!(report.usage.memory_peak_bytes <= memory_mb * MIB, "{body}: {:?}", report.usage);
        }
    }
}

/// What is linked in a chain is also freed along the chain, which takes the stack.
#[test]
fn an_endless_chain_meets_one_of_its_limits() {
    for memory_mb in [64, 128] {
        let chain = Python.handler("kept = None\nwhile True: kept = [kept]");
        let report = call(Python, chain).memory_mb(memory_mb).attack();
        assert_ended_in(&report, &[Outcome::OutOfMemory, Outcome::StackOverflow], "a chain of lists");
        assert!(report.usage.memory_peak_bytes <= memory_mb * MIB, "{:?}", report.usage);
    }
}

/// More than a 32-bit machine can address is refused by the language itself, and nobody asks for memory.
#[test]
fn more_than_can_be_addressed_is_a_failure_of_the_function() {
    for (language, body) in [(Python, "return len([0] * 10 ** 9)"), (JavaScript, "return 'x'.repeat(2 ** 32).length;")]
    {
        let report = call(language, language.handler(body)).attack();
        assert_ended_in(&report, &[Outcome::Failed, Outcome::OutOfMemory], body);
    }
}

#[test]
fn the_memory_of_the_host_is_bounded() {
    // Other tests would change it, too.
    alone();
    house().assert_alive();
    for (language, body) in BOMBS {
        reset_peak_rss();
        let before = peak_rss_bytes();
        let report = call(language, language.handler(body)).report();
        let grown = peak_rss_bytes().saturating_sub(before);
        println!("{:>5} MiB more: {body}", grown / MIB);
        assert!(grown <= report.limits.memory_bytes() + 96 * MIB, "{body}: {} MiB more", grown / MIB);
    }
}

#[test]
fn who_catches_it_lives_on() {
    let bodies = [
        (Python, "try: bytearray(10 ** 9)\nexcept MemoryError: return 'lived on'"),
        (JavaScript, "try { new ArrayBuffer(2 ** 30); } catch { return 'lived on'; }"),
    ];
    for (language, body) in bodies {
        let report = call(language, language.handler(body)).attack();
        assert_eq!(value(&report), "lived on");
    }
}

#[test]
fn who_catches_it_again_and_again_ends_at_the_deadline() {
    let bodies = [
        (Python, "kept = []\nwhile True:\n    try:\n        while True: kept.append(bytes(10_000))\n    except: pass"),
        (JavaScript, "const kept = []; for (;;) { try { for (;;) kept.push(new ArrayBuffer(100_000)); } catch {} }"),
    ];
    for (language, body) in bodies {
        let report = call(language, language.handler(body)).timeout_ms(2_000).attack();
        assert_ended(&report, Outcome::TimedOut, "TimeoutExceeded");
        assert!(report.usage.memory_peak_bytes <= report.limits.memory_bytes(), "{:?}", report.usage);
    }
}

#[test]
fn a_failure_that_only_looks_like_it_is_not_it() {
    let bodies = [
        (Python, "raise MemoryError('not really')", "MemoryError"),
        (
            JavaScript,
            "class OutOfMemoryError extends Error {}; throw new OutOfMemoryError('not really');",
            "OutOfMemoryError",
        ),
    ];
    for (language, body, name) in bodies {
        let report = call(language, language.handler(body)).attack();
        assert_ended(&report, Outcome::Failed, name);
    }
}

#[test]
fn an_interpreter_that_needs_more_than_the_limit_does_not_start() {
    let report = call(Python, Python.doubling()).memory_mb(8).attack();
    assert_ended(&report, Outcome::OutOfMemory, "OutOfMemory");
    assert_says(&report, &["to start", "8 MiB"]);
    let report = call(JavaScript, JavaScript.doubling()).event("21").memory_mb(8).attack();
    assert_eq!(value(&report), 42, "JavaScript fits into the smallest memory");
}

#[test]
fn a_component_that_needs_more_than_the_limit_does_not_start() {
    let component = house().component(&Handler::new("unreachable").pages(200).text());
    let report = house().call_component(&component).memory_mb(8).attack();
    assert_ended(&report, Outcome::OutOfMemory, "OutOfMemory");
    assert_says(&report, &["to start", "8 MiB"]);
}

#[test]
fn growing_is_refused_at_the_limit_and_the_component_may_live_on() {
    let growing = "(loop $again (br_if $again (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))";
    let lives = Handler::new(format!("{growing} (call $ok (local.get $event) (local.get $event_len))"));
    let report = house().call_component(&house().component(&lives.text())).event("7").memory_mb(8).attack();
    assert_eq!(value(&report), 7);
    assert_eq!(report.usage.memory_peak_bytes, 8 * MIB);
    let dies = Handler::new(format!("{growing} unreachable"));
    let report = house().call_component(&house().component(&dies.text())).memory_mb(8).attack();
    assert_ended(&report, Outcome::OutOfMemory, "OutOfMemory");
}

#[test]
fn tables_count_as_memory() {
    let grow = "(loop $again (br_if $again (i32.ne (table.grow $t (ref.null func) (i32.const 1000)) (i32.const -1))))
        (call $ok (local.get $event) (local.get $event_len))";
    let component = house().component(&Handler::new(grow).with("(table $t 10 funcref)").text());
    let report = house().call_component(&component).event("7").memory_mb(8).attack();
    assert_eq!(value(&report), 7);
    assert!(report.usage.memory_peak_bytes <= 8 * MIB, "{:?}", report.usage);
}
