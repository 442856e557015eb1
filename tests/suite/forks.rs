//! Instances that are kept between calls, and others that start where they are.

use std::time::Instant;

use hks_protocol::Outcome;
use hks_runtime::{Error, Session};
use serde_json::json;

use crate::harness::Language::{JavaScript, Python};
use crate::harness::{Handler, House, Language, alone, assert_ended, call, fork, house, value, wait};

/// Appends its event to a list, and returns the list.
fn collecting(language: Language) -> &'static str {
    match language {
        Python => "seen = []\ndef handler(event):\n    seen.append(event)\n    return seen",
        JavaScript => "const seen = [];\nexports.handler = async (event) => { seen.push(event); return seen; };",
    }
}

#[track_caller]
fn ask(session: &mut Session, event: &str) -> serde_json::Value {
    value(&house().call(Python, "").event(event).ask(session))
}

#[test]
fn calls_of_a_session_follow_one_another() {
    for language in Language::ALL {
        let mut session = call(language, collecting(language)).session();
        for last in 1..=20 {
            assert_eq!(ask(&mut session, &last.to_string()), json!((1..=last).collect::<Vec<_>>()), "{language:?}");
        }
        assert!(session.is_live());
    }
}

#[test]
fn a_session_lives_on_after_an_exception_and_ends_with_a_trap() {
    let source = "seen = []
def handler(event):
    seen.append(event)
    if event == 'raise': raise ValueError('as asked')
    while event == 'loop': pass
    return len(seen)";
    let mut session = call(Python, source).session();
    assert_eq!(ask(&mut session, "1"), 1);
    let kept = fork(&mut session);
    assert_ended(&call(Python, "").event(r#""raise""#).ask(&mut session), Outcome::Failed, "ValueError");
    assert_eq!(ask(&mut session, "3"), 3);
    let ended = call(Python, "").event(r#""loop""#).timeout_ms(100).ask(&mut session);
    assert_ended(&ended, Outcome::TimedOut, "TimeoutExceeded");
    assert!(!session.is_live());
    let attempt = house().call_component(&kept).attempt();
    assert!(matches!(wait(session.call(attempt, ())), Err(Error::Host(_))));
    assert!(matches!(wait(session.fork()), Err(Error::Host(_))));
    assert_eq!(
        value(&house().call_component(&kept).event("4").report()),
        2,
        "what was forked before is none the worse"
    );
}

/// What is refused before it reaches the instance does not end the session.
#[test]
fn a_call_that_is_turned_away_does_not_end_the_session() {
    let house = House::with_places(1);
    let mut session = house.call(Python, collecting(Python)).session();
    let ask = |session: &mut Session, event: &str| value(&house.call(Python, "").event(event).ask(session));
    assert_eq!(ask(&mut session, "1"), json!([1]));

    let mut large = house.call(Python, "").attempt();
    large.code = None;
    large.input = hks_protocol::Json::parse("event", format!("\"{}\"", "x".repeat(7 << 20))).unwrap();
    assert!(matches!(wait(session.call(large, ())), Err(Error::Invalid(_))));
    assert_eq!(ask(&mut session, "2"), json!([1, 2]));

    let taken = house.call(Python, Python.saying_hello(&Python.endless())).timeout_ms(60_000).start_and_hear();
    let mut late = house.call(Python, "").timeout_ms(50).attempt();
    late.code = None;
    assert!(matches!(wait(session.call(late, ())), Err(Error::Overloaded { .. })));
    taken.cancel();
    drop(taken.report());
    assert_eq!(ask(&mut session, "3"), json!([1, 2, 3]));
}

#[test]
fn both_sides_of_a_fork_go_on_by_themselves() {
    for language in Language::ALL {
        let mut session = call(language, collecting(language)).session();
        ask(&mut session, "1");
        let one = fork(&mut session);
        assert_eq!(ask(&mut session, "2"), json!([1, 2]));
        let two = fork(&mut session);
        assert_eq!(ask(&mut session, "3"), json!([1, 2, 3]));
        for _ in 0..5 {
            assert_eq!(value(&house().call_component(&one).event("9").report()), json!([1, 9]), "{language:?}");
            assert_eq!(value(&house().call_component(&two).event("9").report()), json!([1, 2, 9]), "{language:?}");
            let before = value(&house().call(language, "").event("4").ask(&mut session));
            assert_eq!(before[3], 4);
        }
        house().assert_restored();
    }
}

/// A session of a fork: loading a function that is behind its top level calls it once.
#[test]
fn a_fork_can_be_forked() {
    for language in Language::ALL {
        let first = call(language, collecting(language)).deploy();
        let mut second = house().call_component(&first).event("1").session();
        ask(&mut second, "2");
        let second = fork(&mut second);
        let mut third = house().call_component(&second).event("3").session();
        let forked = fork(&mut third);
        assert_eq!(ask(&mut third, "4"), json!([1, 2, 3, 4]), "{language:?}");
        assert_eq!(value(&house().call_component(&forked).event("5").report()), json!([1, 2, 3, 5]));
        assert_eq!(value(&house().call_component(&second).event("6").report()), json!([1, 2, 6]));
        assert_eq!(value(&house().call_component(&first).event("7").report()), json!([7]));
    }
}

/// A fork outlives what it was forked from.
#[test]
fn a_fork_needs_nothing_of_its_origin() {
    for language in Language::ALL {
        let mut session = call(language, collecting(language)).session();
        ask(&mut session, "1");
        let forked = fork(&mut session);
        drop(session);
        assert_eq!(value(&house().call_component(&forked).event("2").report()), json!([1, 2]));
    }
}

/// `/tmp` belongs to the instance, not to the snapshot.
#[test]
fn files_stay_with_the_session() {
    let source = "
def handler(event):
    import os
    if event == 'write':
        with open('/tmp/note', 'w') as file: file.write('kept')
    return [os.listdir('/tmp'), os.path.exists('note')]";
    let mut session = call(Python, source).session();
    let forked = fork(&mut session);
    assert_eq!(ask(&mut session, r#""write""#), json!([["note"], true]));
    assert_eq!(ask(&mut session, "null"), json!([["note"], true]), "a session keeps its files");
    for _ in 0..3 {
        assert_eq!(value(&house().call_component(&forked).report()), json!([[], false]));
    }
}

/// Every byte of 50 MiB is where it was, in the session, in its forks and after they were changed.
#[test]
fn large_live_data_is_forked() {
    let source = "
import hashlib
blocks = [bytes([n % 251]) * (512 << 10) for n in range(100)]
table = {f'key {n}': [n, str(n) * 3, {'n': n}] for n in range(20_000)}
def digest():
    of = hashlib.blake2b(digest_size=16)
    for block in blocks: of.update(block)
    for key, value in table.items(): of.update(f'{key}={value}'.encode())
    return of.hexdigest()
before = digest()
def handler(event):
    if event == 'change':
        blocks[50] = b'changed' * 1000; table['key 7'][0] = 'changed'; table['new'] = 1
    return [digest(), before, len(blocks), len(table)]";
    alone();
    let began = Instant::now();
    let mut session = call(Python, source).memory_mb(512).timeout_ms(100_000).session();
    let loaded = began.elapsed();
    let ask = |session: &mut Session, event: &str| value(&call(Python, "").memory_mb(512).event(event).ask(session));
    let began = Instant::now();
    let forked = fork(&mut session);
    let (taken, own) = (began.elapsed(), forked.snapshot().unwrap().own_bytes());
    assert!((50 << 20..128 << 20).contains(&own), "{own}");
    let changed = ask(&mut session, r#""change""#);
    assert_ne!(changed[0], changed[1]);
    let run = |event: &str| house().call_component(&forked).memory_mb(512).event(event).report();
    let mut starts = Vec::new();
    for round in 0..6 {
        let report = run(if round % 2 == 0 { "null" } else { r#""change""# });
        let seen = value(&report);
        assert_eq!(seen[0] == seen[1], round % 2 == 0, "{seen}");
        assert_eq!((&seen[1], &seen[2]), (&changed[1], &json!(100)), "round {round}");
        starts.push(report.usage.start_us);
    }
    let changed_later = fork(&mut session);
    assert_eq!(value(&house().call_component(&changed_later).memory_mb(512).report()), changed);
    println!("{own} bytes of its own; load {loaded:?}, fork {taken:?}, starts {starts:?} µs");
    house().assert_restored();
}

/// A hand-made component counts in a global and in memory, which only a snapshot of both has.
#[test]
fn memory_and_globals_are_forked_together() {
    let body = "
        (global.set $count (i32.add (global.get $count) (i32.const 1)))
        (i32.store8 (i32.const 70000) (i32.add (i32.load8_u (i32.const 70000)) (i32.const 1)))
        (i32.store8 (i32.const 0) (i32.add (global.get $count) (i32.const 0x30)))
        (i32.store8 (i32.const 1) (i32.load8_u (i32.const 70000)))
        (i32.store8 (i32.const 1) (i32.add (i32.load8_u (i32.const 1)) (i32.const 0x30)))
        (call $ok (i32.const 0) (i32.const 2))";
    let counting = Handler::new(body).with("(global $count (mut i32) (i32.const 0))").text();
    let component = house().component(&counting);
    let run = |prepared| value(&house().call_component(prepared).report());
    assert_eq!(run(&component), 11);
    let mut session = house().call_component(&component).session();
    assert_eq!(ask(&mut session, "null"), 22);
    let forked = fork(&mut session);
    assert_eq!(ask(&mut session, "null"), 33);
    assert_eq!((run(&forked), run(&forked), run(&component)), (33.into(), 33.into(), 11.into()));
    let bytes = forked.snapshot().unwrap().to_bytes();
    assert_eq!(run(&component.resume(&bytes).unwrap()), 33);
}
