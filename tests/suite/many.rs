//! Thousands of executions, one after another and at once: all succeed, and the host is as it was before.

use hks_protocol::Outcome;

use crate::harness::Language::{JavaScript, Python};
use crate::harness::{Handler, Language, MIB, alone, call, house, open_files, rss_bytes, value};

/// What may differ between two looks at a healthy process: arenas of the allocator, pages that places keep.
const SLACK_BYTES: u64 = 64 * MIB;
/// Of many at once, some get a place that was not used before, and each place keeps some of its pages.
const SLACK_AT_ONCE_BYTES: u64 = 160 * MIB;
const SLACK_FILES: usize = 8;

struct Before {
    rss_bytes: u64,
    open_files: usize,
}

impl Before {
    fn look() -> Self {
        Self { rss_bytes: rss_bytes(), open_files: open_files() }
    }

    fn assert_flat(&self, slack_bytes: u64, what: &str) {
        let grown = rss_bytes().saturating_sub(self.rss_bytes);
        let files = open_files();
        println!("{what}: {} MiB more, {files} descriptors", grown / MIB);
        assert!(grown < slack_bytes, "{what}: {} MiB more", grown / MIB);
        assert!(files <= self.open_files + SLACK_FILES, "{what}: {files} descriptors, {} before", self.open_files);
    }
}

fn run_in_a_row(language: Language, count: u64) {
    for number in 0..count {
        let report = call(language, language.doubling()).event(number.to_string()).report();
        assert_eq!(value(&report), 2 * number);
    }
}

#[test]
fn thousands_in_a_row_leave_nothing() {
    alone();
    for language in Language::ALL {
        run_in_a_row(language, 200);
        let before = Before::look();
        run_in_a_row(language, 2_000);
        before.assert_flat(SLACK_BYTES, &format!("2,000 {language:?}"));
    }
    let echo = house().component(&Handler::new("(call $ok (local.get $event) (local.get $event_len))").text());
    let before = Before::look();
    for number in 0..2_000 {
        assert_eq!(value(&house().call_component(&echo).event(number.to_string()).report()), number);
    }
    before.assert_flat(SLACK_BYTES, "2,000 components");
    house().assert_nothing_left();
}

fn run_at_once(count: u64) {
    let running: Vec<_> = (0..count)
        .map(|number| {
            let language = Language::ALL[usize::from(number % 2 == 1)];
            (number, call(language, language.doubling()).event(number.to_string()).start())
        })
        .collect();
    for (number, running) in running {
        assert_eq!(value(&running.report()), 2 * number);
    }
}

#[test]
fn hundreds_at_once_leave_nothing() {
    alone();
    wait_together(200);
    run_at_once(200);
    let before = Before::look();
    for _ in 0..10 {
        run_at_once(200);
    }
    before.assert_flat(SLACK_AT_ONCE_BYTES, "ten times 200 at once");
}

/// They all wait at the same moment, so that there really are so many instances.
fn wait_together(count: usize) {
    let body = [
        (Python, "import time; time.sleep(0.5); return event"),
        (JavaScript, "await new Promise((r) => setTimeout(r, 500)); return event;"),
    ];
    let running: Vec<_> = (0..count)
        .map(|number| {
            let (language, body) = body[number % 2];
            call(language, language.handler(body)).event(number.to_string()).timeout_ms(60_000).start()
        })
        .collect();
    for (number, running) in running.into_iter().enumerate() {
        assert_eq!(value(&running.report()), number);
    }
}

#[test]
fn failures_leave_nothing_either() {
    alone();
    let round = || {
        for language in Language::ALL {
            let fails = language.handler(if language == Python { "1 / 0" } else { "throw new Error('x');" });
            for _ in 0..50 {
                assert_eq!(call(language, fails.as_str()).report().outcome, Outcome::Failed);
                assert_eq!(call(language, language.endless()).fuel(5_000_000).report().outcome, Outcome::OutOfFuel);
                assert_eq!(call(language, language.endless()).timeout_ms(3).report().outcome, Outcome::TimedOut);
                drop(call(language, language.sleeping()).start());
            }
        }
        house().assert_alive();
    };
    round();
    let before = Before::look();
    round();
    round();
    before.assert_flat(SLACK_BYTES, "600 failures");
}
