//! Executions that start behind the top level, from a snapshot that was taken once.

use hks_protocol::{Outcome, Report};
use hks_runtime::Prepared;

use crate::harness::Language::{JavaScript, Python};
use crate::harness::{House, Language, assert_ended, assert_says, house, value};

/// Counts how often its handler ran, prints at the top level, and ends as its event says.
fn counting(language: Language) -> &'static str {
    match language {
        Python => {
            "
import sys, xml.dom.minidom
print('the top level')
counter = [0]
def deep(n): return deep(n + 1) + 1
def handler(event, context):
    assert 'xml.dom.minidom' in sys.modules
    counter[0] += 1
    if event == 'print': print('the handler')
    if event == 'raise': raise ValueError('as asked')
    if event == 'trap': import posix; posix._exit(3)
    if event == 'deep': sys.setrecursionlimit(10**9); deep(0)
    while event == 'loop': pass
    return counter[0]
"
        }
        JavaScript => {
            "
console.log('the top level');
let counter = 0;
exports.handler = async (event) => {
    counter += 1;
    if (event === 'print') console.log('the handler');
    if (event === 'raise') throw new TypeError('as asked');
    if (event === 'trap') process.exit(3);
    if (event === 'deep') { const f = () => f() + 1; f(); }
    while (event === 'loop');
    return counter;
};
"
        }
    }
}

fn run(house: &House, function: &Prepared, event: &str) -> Report {
    house.call_component(function).event(format!("{event:?}")).report()
}

#[test]
fn the_top_level_runs_once_and_nothing_that_a_handler_changes_is_seen_again() {
    for language in Language::ALL {
        let house = House::with_places(2);
        let (report, session) = house.call(language, counting(language)).load();
        assert_eq!(report.outcome, Outcome::Succeeded, "{:?}", report.error);
        assert_eq!((report.logs.stdout, report.value.as_str()), (vec!["the top level".to_owned()], "null"));
        let function = crate::harness::fork(&mut session.unwrap());
        assert!(!function.is_interpreter());
        for round in 0..60 {
            let report = run(&house, &function, if round % 2 == 0 { "" } else { "print" });
            assert_eq!(value(&report), 1, "{language:?} {round}: another execution's count");
            let printed = if round % 2 == 0 { vec![] } else { vec!["the handler"] };
            assert_eq!(report.logs.stdout, printed, "{language:?} {round}");
        }
        house.assert_restored();
        house.assert_nothing_left();
    }
}

#[test]
fn starting_behind_the_top_level_is_less_work() {
    for language in Language::ALL {
        let source = counting(language);
        let function = house().call(language, source).deploy();
        let (whole, behind) =
            (house().call(language, source).project("cold").report(), house().call_component(&function).report());
        assert_eq!((value(&whole), value(&behind)), (1.into(), 1.into()));
        assert!(behind.usage.fuel < whole.usage.fuel / 2, "{language:?}: {} {}", behind.usage.fuel, whole.usage.fuel);
    }
}

/// Top levels that do not come to their end, and how that is told.
#[test]
fn a_top_level_that_fails_leaves_a_report_and_no_session() {
    let ends: [(Language, &str, Outcome, &str); 10] = [
        (Python, "print('before'); raise ValueError('at the top')", Outcome::Failed, "ValueError"),
        (Python, "print('before'); answer = 42", Outcome::Failed, "HandlerNotFoundError"),
        (Python, "print('before'); def handler(:", Outcome::Failed, "SyntaxError"),
        (Python, "print('before')\nwhile True: pass", Outcome::TimedOut, "TimeoutExceeded"),
        (Python, "print('before'); kept = bytearray(1 << 30)", Outcome::OutOfMemory, "OutOfMemory"),
        (Python, "print('before'); import posix; posix._exit(1)", Outcome::Exited, "ProcessExit"),
        (JavaScript, "console.log('before'); throw new RangeError('at the top');", Outcome::Failed, "RangeError"),
        (JavaScript, "console.log('before');", Outcome::Failed, "HandlerNotFoundError"),
        (JavaScript, "console.log('before'); for (;;);", Outcome::TimedOut, "TimeoutExceeded"),
        (
            JavaScript,
            "console.log('before'); globalThis.x = new ArrayBuffer(2 ** 30);",
            Outcome::OutOfMemory,
            "OutOfMemory",
        ),
    ];
    for (language, source, outcome, name) in ends {
        let (report, session) = house().call(language, source).timeout_ms(1500).load();
        assert_ended(&report, outcome, name);
        assert!(session.is_none(), "{source}");
        let printed = if name == "SyntaxError" { vec![] } else { vec!["before"] };
        assert_eq!(report.logs.stdout, printed, "{source}");
        if outcome == Outcome::Failed && language == Python && !name.starts_with("Handler") {
            assert!(report.error.unwrap().traceback.contains("<function>"), "{source}");
        }
        let endless = if language == Python { "while True: pass" } else { "for (;;);" };
        let (report, session) = house().call(language, endless).fuel(50_000_000).load();
        assert_ended(&report, Outcome::OutOfFuel, "FuelExhausted");
        assert!(session.is_none());
    }
    house().assert_alive();
}

/// The snapshot is there before the first instruction, so it counts before anything else does.
#[test]
fn a_limit_below_the_snapshot_is_a_clean_outcome() {
    let sources = [
        (Python, "data = b'x' * (64 << 20)\ndef handler(event): return len(data)"),
        (JavaScript, "const data = new Uint8Array(64 << 20).fill(7);\nexports.handler = async () => data.length;"),
    ];
    for (language, source) in sources {
        let function = house().call(language, source).memory_mb(512).deploy();
        let call = || house().call_component(&function);
        for memory_mb in [8, 48, 64] {
            let report = call().memory_mb(memory_mb).report();
            assert_ended(&report, Outcome::OutOfMemory, "OutOfMemory");
            assert_says(&report, &["to start", &format!("{memory_mb} MiB")]);
            assert!(report.usage.fuel == 0, "nothing of it ran: {:?}", report.usage);
        }
        let report = call().memory_mb(256).report();
        assert_eq!(value(&report), 64 << 20);
        assert!(report.usage.memory_peak_bytes >= 64 << 20, "{language:?} {:?}", report.usage);
    }
}

#[test]
fn memory_that_a_snapshot_has_counts_towards_the_limit() {
    let source = "data = b'x' * (64 << 20)\ndef handler(event): return len(bytearray(event))";
    let function = house().call(Python, source).memory_mb(512).deploy();
    let report = house().call_component(&function).event((100 << 20).to_string()).memory_mb(160).report();
    assert_ended(&report, Outcome::OutOfMemory, "OutOfMemory");
    let report = house().call_component(&function).event((8 << 20).to_string()).memory_mb(160).report();
    assert_eq!(value(&report), 8 << 20);
}

#[test]
fn an_execution_that_did_not_come_back_spoils_only_its_own_slot() {
    for language in Language::ALL {
        let house = House::with_places(2);
        let function = house.call(language, counting(language)).deploy();
        let call = |event: &str| house.call_component(&function).event(format!("{event:?}"));
        let exited = if language == Python { Outcome::Exited } else { Outcome::Failed };
        for _ in 0..5 {
            let before = house.runtime.places().discarded;
            assert_eq!(call("trap").report().outcome, exited);
            assert_eq!(call("loop").timeout_ms(50).report().outcome, Outcome::TimedOut);
            assert_eq!(call("loop").fuel(10_000_000).report().outcome, Outcome::OutOfFuel);
            let running = call("loop").start();
            running.cancel();
            assert_eq!(running.report().outcome, Outcome::Canceled);
            let deep = call("deep").report();
            assert!([Outcome::StackOverflow, Outcome::Failed].contains(&deep.outcome), "{:?}", deep.outcome);
            assert_eq!(call("raise").report().outcome, Outcome::Failed);
            for _ in 0..4 {
                assert_eq!(value(&call("").report()), 1, "{language:?}");
            }
            assert!(house.runtime.places().discarded >= before + 2, "{:?}", house.runtime.places());
        }
        house.assert_restored();
    }
}

#[test]
fn a_snapshot_moves_to_another_runtime() {
    let there = House::with_places(2);
    for language in Language::ALL {
        let function = house().call(language, counting(language)).deploy();
        let bytes = function.snapshot().unwrap().to_bytes();
        let resumed = there.guest(language).resume(&bytes).unwrap();
        assert_eq!(resumed.digest(), function.digest());
        for round in 0..10 {
            let (here, moved) = (run(house(), &function, "print"), run(&there, &resumed, "print"));
            assert_eq!((value(&here), value(&moved)), (1.into(), 1.into()), "{language:?} {round}");
            assert_eq!(here.logs.stdout, moved.logs.stdout);
        }
        assert_eq!(resumed.snapshot().unwrap().to_bytes(), bytes, "{language:?}: stored again, it is the same");
        let other = Language::ALL.into_iter().find(|other| *other != language).unwrap();
        let error = there.guest(other).resume(&bytes).err().expect("refused").to_string();
        assert!(error.contains("another component"), "{error}");
    }
    there.assert_alive();
}

#[test]
fn damaged_snapshots_are_refused() {
    let function = house().call(JavaScript, counting(JavaScript)).deploy();
    let bytes = function.snapshot().unwrap().to_bytes();
    let guest = house().guest(JavaScript);
    for length in [0, 1, 8, 12, 43, bytes.len() / 2, bytes.len() - 1] {
        guest.resume(&bytes[..length]).err().expect("refused");
    }
    for at in (0..bytes.len()).step_by(bytes.len() / 60).chain([8, 9, 10, 11, 12, bytes.len() - 1]) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x10;
        let error = guest.resume(&damaged).err().expect("refused").to_string();
        assert!(error.contains("cannot be used"), "{error}");
    }
    assert_eq!(value(&run(house(), &guest.resume(&bytes).unwrap(), "")), 1);
}

#[test]
fn a_function_behind_its_top_level_takes_no_source() {
    let function = house().call(Python, counting(Python)).deploy();
    let mut attempt = house().call_component(&function).attempt();
    attempt.code = Some("def handler(event): return 'other'".into());
    let error = house().call_component(&function).start_attempt(attempt, ()).end().unwrap_err();
    assert!(error.to_string().starts_with("code: "), "{error}");
}
