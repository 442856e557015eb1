//! What cannot become a snapshot says why, and runs all the same.

use hks_protocol::Outcome;
use serde_json::json;

use crate::harness::Language::Python;
use crate::harness::{Handler, call, fork, fork_refused, house, value};

/// Top levels of Python that leave something open with the host. The interpreter opens `/tmp` itself when a path is first
/// looked at, and keeps it: so a limit is that a top level which has touched the filesystem at all, even if it closed
/// everything, has no snapshot.
#[test]
fn a_top_level_that_used_the_filesystem_has_no_snapshot() {
    let tops = [
        ("open", "file = open('/tmp/kept', 'w'); file.write('x'); file.flush()"),
        ("closed", "with open('/tmp/closed', 'w') as file: file.write('x')"),
        ("listed", "import os; seen = os.listdir('/tmp')"),
        ("asked for", "import os; there = os.path.exists('/tmp/nothing')"),
        ("moved to", "import os; os.makedirs('/tmp/a/b'); os.chdir('/tmp/a')"),
        ("walked", "import os; folder = os.scandir('/tmp')"),
        // Parts of the library that look at paths: for programs that could tell, for the file that a line is from, for data
        // of the system.
        ("the network card", "import uuid; node = uuid.getnode()"),
        // The parser that finds the part of a line to underline looks for a file of the name that it is given.
        ("a traceback", "import traceback\ntry: 1 / 0\nexcept ZeroDivisionError: text = traceback.format_exc()"),
        ("types of files", "import mimetypes; kind = mimetypes.guess_type('a.html')"),
        ("a database", "import sqlite3; db = sqlite3.connect('/tmp/data.db'); db.execute('create table t (n)')"),
    ];
    for (what, top) in tops {
        let source = format!("{top}\ncalls = 0\ndef handler(event):\n    global calls; calls += 1; return calls");
        let mut session = call(Python, source.as_str()).session();
        let reason = fork_refused(&mut session);
        println!("{what}: {reason}");
        assert!(reason.contains("open handle"), "{what}: {reason}");
        assert!(session.is_live(), "{what}");
        for calls in 1..3 {
            assert_eq!(value(&call(Python, "").ask(&mut session)), calls, "{what}: the session goes on");
        }
        for _ in 0..3 {
            assert_eq!(value(&call(Python, source.as_str()).report()), 1, "{what}: it runs without a snapshot");
        }
    }
}

/// What a top level does without opening anything.
#[test]
fn what_needs_no_handle_can_be_stored() {
    let tops = [
        (
            "a database in memory",
            "import sqlite3; db = sqlite3.connect(':memory:'); db.execute('create table t (n)'); db.execute('insert into t values (7)'); kept = lambda: db.execute('select n from t').fetchone()[0]",
        ),
        (
            "a file in memory",
            "import io; file = io.StringIO(); file.write('x' * 7); kept = lambda: len(file.getvalue())",
        ),
        ("a generator", "steps = (n for n in range(7, 100)); kept = lambda: next(steps)"),
        ("the working folder", "import os; kept = lambda: 7 if os.getcwd() == '/tmp' else os.getcwd()"),
        ("the clocks", "import time; time.sleep(0.001); kept = lambda: 7"),
        ("a time zone", "import zoneinfo; zone = zoneinfo.ZoneInfo('Europe/Berlin'); kept = lambda: 7"),
        ("output", "import sys; sys.stdout.write('a'); sys.stderr.write('b'); kept = lambda: 7"),
        ("an event loop", "import asyncio; asyncio.run(asyncio.sleep(0.001)); kept = lambda: 7"),
    ];
    for (what, top) in tops {
        let function = call(Python, format!("{top}\ndef handler(event): return kept()")).deploy();
        for _ in 0..3 {
            assert_eq!(value(&house().call_component(&function).report()), 7, "{what}");
        }
    }
}

/// Returns the digit that it counts in memory: 1 in every instance of its own.
const COUNTING: &str = "
    (i32.store8 (i32.const 70000) (i32.add (i32.load8_u (i32.const 70000)) (i32.const 1)))
    (i32.store8 (i32.const 0) (i32.add (i32.load8_u (i32.const 70000)) (i32.const 0x30)))
    (call $ok (i32.const 0) (i32.const 1))";

#[test]
fn components_with_other_state_run_and_are_not_stored() {
    let tables = "(table $table 10 funcref) (elem declare func $ok)";
    let set = format!("(table.set $table (i32.const 1) (ref.func $ok)) {COUNTING}");
    let grow = format!("(drop (table.grow $table (ref.null func) (i32.const 1))) {COUNTING}");
    let drops = format!("(data.drop $data) {COUNTING}");
    let vector = format!("(global.set $wide (v128.const i64x2 1 1)) {COUNTING}");
    let owner = Handler::new(COUNTING).text().replacen(
        "(component",
        "(component (type $own (resource (rep i32))) (core func $make (canon resource.new $own))",
        1,
    );
    let cases = [
        ("tables", Handler::new(set).with(tables).text()),
        ("tables", Handler::new(grow).with(tables).text()),
        ("segments", Handler::new(drops).with(r#"(data $data "x")"#).text()),
        ("when it is instantiated", Handler::new(COUNTING).with("(func $begin) (start $begin)").text()),
        ("vectors", Handler::new(vector).with("(global $wide (mut v128) (v128.const i64x2 0 0))").text()),
        ("resources", owner),
    ];
    for (reason, text) in cases {
        let component = house().component(&text);
        for _ in 0..5 {
            assert_eq!(value(&house().call_component(&component).report()), 1, "{reason}");
        }
        let mut session = house().call_component(&component).session();
        let told = fork_refused(&mut session);
        assert!(told.contains(reason), "{reason}: {told}");
        let report = house().call_component(&component).ask(&mut session);
        assert_eq!(value(&report), 2, "{reason}: the session goes on");
    }
    let mut session = house().call_component(&house().component(&Handler::new(COUNTING).text())).session();
    assert_eq!(value(&house().call_component(&fork(&mut session)).report()), 2, "and without them, it is stored");
    house().assert_restored();
}

/// A start function that writes runs anew in every instance, also in a slot that served before.
#[test]
fn a_start_function_runs_in_every_instance() {
    let start = "(func $begin (i32.store8 (i32.const 70000)
        (i32.add (i32.load8_u (i32.const 70000)) (i32.const 4)))) (start $begin)";
    let component = house().component(&Handler::new(COUNTING).with(start).text());
    for _ in 0..20 {
        let report = house().call_component(&component).report();
        assert_eq!((report.outcome, value(&report)), (Outcome::Succeeded, json!(5)));
    }
}
