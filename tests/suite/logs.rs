//! Logs are bounded in the host, and whoever listens to them cannot hold anything up.

use std::sync::mpsc;
use std::time::Duration;

use hks_protocol::{LogLine, Outcome, Report, Stream};

use crate::harness::Language::{JavaScript, Python};
use crate::harness::{
    Handler, House, Language, MIB, alone, assert_ended, call, house, peak_rss_bytes, reset_peak_rss, value,
};

fn logged_bytes(report: &Report) -> u64 {
    report.logs.stdout.iter().chain(&report.logs.stderr).map(|line| line.len() as u64).sum()
}

#[test]
fn an_endless_flood_is_capped_and_flagged() {
    alone();
    house().assert_alive();
    for (language, body) in [
        (Python, "while True: print('x' * 1000)"),
        (Python, "while True: print()"),
        (Python, "import sys\nwhile True: sys.stderr.write('x' * 100_000)"),
        (Python, "import os\nwhile True: os.write(1, b'x' * 100_000)"),
        (JavaScript, "for (;;) console.log('x'.repeat(1000));"),
        (JavaScript, "for (;;) console.error();"),
        (JavaScript, "for (;;) process.stdout.write('x'.repeat(100_000));"),
    ] {
        reset_peak_rss();
        let before = peak_rss_bytes();
        let report = call(language, language.handler(body)).timeout_ms(1_500).report();
        assert_ended(&report, Outcome::TimedOut, "TimeoutExceeded");
        assert!(report.truncated, "{body}");
        assert!(logged_bytes(&report) <= MIB, "{body}");
        assert_ne!(report.logs.stdout.len() + report.logs.stderr.len(), 0, "{body}");
        let grown = peak_rss_bytes().saturating_sub(before);
        assert!(grown < 96 * MIB, "{body}: {} MiB more", grown / MIB);
    }
    house().assert_alive();
}

#[test]
fn hundreds_of_megabytes_are_capped_and_the_function_succeeds() {
    for (language, body) in [
        (Python, "for _ in range(200): print('x' * 2**20)\nreturn 'done'"),
        (JavaScript, "const x = 'x'.repeat(2 ** 20); for (let n = 0; n < 200; n++) console.log(x); return 'done';"),
    ] {
        let report = call(language, language.handler(body)).attack();
        assert_eq!(value(&report), "done");
        assert!(report.truncated && logged_bytes(&report) <= MIB, "{} bytes", logged_bytes(&report));
    }
}

#[test]
fn one_print_of_five_megabytes_is_cut_and_not_an_error() {
    assert_cut(Python, "print('x' * (5 << 20)); return 'done'");
    assert_cut(Python, "import sys; sys.stdout.buffer.write(b'\\xff' * (5 << 20)); return 'done'");
}

#[test]
fn one_console_log_of_five_megabytes_is_cut_and_not_an_error() {
    assert_cut(JavaScript, "console.log('x'.repeat(5 << 20)); return 'done';");
    assert_cut(JavaScript, "process.stdout.write('ä'.repeat(5 << 20)); return 'done';");
}

fn assert_cut(language: Language, body: &str) {
    let report = call(language, language.handler(body)).attack();
    println!("{body}");
    assert_eq!(value(&report), "done");
    assert!(report.truncated && logged_bytes(&report) <= MIB, "{} bytes", logged_bytes(&report));
}

/// What crosses the border in one call is bounded, too: a component has to write its log in pieces.
#[test]
fn a_component_that_writes_five_megabytes_at_once_hands_over_too_much() {
    let writing = |calls: usize, bytes: u32| {
        let body = format!("(call $write_log (i32.const 0) (i32.const 65536) (i32.const {bytes}))").repeat(calls);
        let body = format!("{body} (call $ok (local.get $event) (local.get $event_len))");
        let component = Handler::new(body).pages(100).import("write_log").text();
        house().call_component(&house().component(&component)).event("7").attack()
    };
    assert_ended(&writing(1, 5 << 20), Outcome::OutputTooLarge, "OutputTooLarge");
    let report = writing(10, 1 << 20);
    assert_eq!(value(&report), 7);
    assert!(report.truncated && logged_bytes(&report) <= MIB, "{} bytes", logged_bytes(&report));
}

#[test]
fn the_limit_is_the_callers() {
    for (language, body) in [(Python, "print('x' * 100)"), (JavaScript, "console.log('x'.repeat(100));")] {
        let report = call(language, language.handler(body)).log_bytes(10).report();
        assert_eq!((report.logs.stdout, report.truncated), (vec!["x".repeat(10)], true), "{language:?}");
        let report = call(language, language.handler(body)).log_bytes(0).report();
        assert_eq!((logged_bytes(&report), report.truncated), (0, true), "{language:?}");
        let report = call(language, language.handler(body)).report();
        assert_eq!((logged_bytes(&report), report.truncated), (100, false), "{language:?}");
    }
}

#[test]
fn lines_are_told_while_the_function_runs_and_keep_their_stream() {
    for (language, body) in [
        (
            Python,
            "import sys; print('one'); print('two', file=sys.stderr); print('thr', end=''); print('ee')\nwhile True: pass",
        ),
        (
            JavaScript,
            "console.log('one'); console.error('two'); process.stdout.write('thr'); console.log('ee'); for (;;);",
        ),
    ] {
        let (send, receive) = mpsc::channel();
        let running = call(language, language.handler(body)).start_with(move |line: LogLine| drop(send.send(line)));
        let next = || receive.recv_timeout(Duration::from_secs(60)).unwrap();
        let line = |stream, text: &str| LogLine { stream, text: text.into() };
        let heard = [next(), next(), next()];
        assert_eq!(heard, [line(Stream::Stdout, "one"), line(Stream::Stderr, "two"), line(Stream::Stdout, "three")]);
        running.cancel();
        assert_eq!(running.report().logs.stdout, ["one", "three"]);
    }
}

#[test]
fn whoever_is_slow_to_read_delays_nobody() {
    // A sink hands lines to a queue; here, nobody reads the queue before all is over.
    let (send, receive) = mpsc::channel();
    let noisy = "for n in range(20_000): print(n)\nreturn 'done'";
    let running = call(Python, Python.handler(noisy)).start_with(move |line: LogLine| drop(send.send(line)));
    let slow = std::thread::spawn(move || {
        let mut lines = 0;
        while receive.recv().is_ok() {
            lines += 1;
            if lines % 100 == 0 {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        lines
    });
    for _ in 0..20 {
        house().assert_alive();
    }
    let report = running.report();
    assert_eq!((value(&report), report.logs.stdout.len()), ("done".into(), 20_000));
    assert_eq!(slow.join().unwrap(), 20_000);
}

#[test]
fn a_listener_that_panics_takes_nobody_along() {
    let house = House::with_places(2);
    for language in Language::ALL {
        for body in ["", "\n"] {
            let code = match language {
                Python => format!("def handler(event): print('x', end={body:?})"),
                JavaScript => format!("exports.handler = () => {{ process.stdout.write('x' + {body:?}); }};"),
            };
            // More often than there are places: none of them is lost.
            for _ in 0..3 {
                let panicking = |_: LogLine| panic!("a listener of the tests panics, as it should");
                let end = house.call(language, code.as_str()).start_with(panicking).end();
                assert!(end.is_err(), "a fault of the host is not the function's: {end:?}");
            }
        }
    }
    house.assert_alive();
    house.assert_nothing_left();
}

#[test]
fn text_that_is_no_text_is_logged_all_the_same() {
    for (language, body) in [
        (
            Python,
            "import sys; sys.stdout.buffer.write(b'\\xff\\xfe\\n'); print('\\ud800'); print('\\0'); print('\\x1b[31m')",
        ),
        (
            JavaScript,
            "console.log('\\ud800'); console.log('\\0'); process.stdout.write(new Uint8Array([255, 254, 10])); console.log('\\x1b[31m');",
        ),
    ] {
        let report = call(language, language.handler(body)).attack();
        assert_eq!((report.outcome, report.logs.stdout.len()), (Outcome::Succeeded, 4), "{:?}", report.logs);
        assert!(serde_json::to_string(&report).is_ok());
    }
}
