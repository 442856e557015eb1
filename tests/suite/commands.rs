//! Commands: the event on stdin, the value on stdout, the exit code; and what those meet that break a limit or a promise.

use std::collections::BTreeMap;

use hks_protocol::{Outcome, Report};
use hks_runtime::Error;

use crate::harness::{
    Call, Command, MIB, alone, assert_ended, assert_says, house, peak_rss_bytes, reset_peak_rss, take_turn, value, wait,
};

fn command(command: &Command) -> Call<'static> {
    house().call_component(&house().wasm(&command.wasm()))
}

/// A command that has a text at address 0.
fn with_text(body: &str, text: &[u8]) -> Call<'static> {
    command(&Command::new(body).with_text(text))
}

fn printing(stdout: &[u8]) -> Call<'static> {
    with_text("(call $out (i32.const 0) (global.get $len))", stdout)
}

/// What is at 8,192 when it was read.
const ECHO: &str = "(call $out (i32.const 8192) (call $read))";

#[test]
fn the_event_is_on_stdin_and_stdout_is_the_value() {
    let echo = command(&Command::new(ECHO));
    for event in ["null", "\"ä€😀\"", "[1, 2.50, 123456789012345678901234567890]", r#"{"n": {"a": []}}"#] {
        let report = echo.clone().event(event).report();
        assert_eq!((report.outcome, report.value.as_str()), (Outcome::Succeeded, event));
        assert!(report.logs.stdout.is_empty() && report.logs.stderr.is_empty(), "{:?}", report.logs);
    }
    let large = format!("\"{}\"", "x".repeat(150_000));
    assert_eq!(echo.event(large.clone()).report().value.as_str(), large);
    house().assert_restored();
}

#[test]
fn what_is_no_json_is_a_text() {
    let cases: [(&[u8], &str); 5] =
        [(b"", "null"), (b"\n \n", "null"), (b" 42\n", "42"), (b" hello\nyou\n", "\" hello\\nyou\""), (b"{", "\"{\"")];
    for (stdout, expected) in cases {
        assert_eq!(printing(stdout).report().value.as_str(), expected, "{stdout:?}");
    }
}

#[test]
fn bytes_that_are_no_text_are_refused_with_words() {
    let report = printing(b"ab\xff").attack();
    assert_ended(&report, Outcome::Failed, "InvalidResultError");
    assert_says(&report, &["not UTF-8", "byte 2", "base64"]);
}

/// Prints what `fill(array, text)` puts at 16,384 after its sizes are at 0 and 4.
fn listing(sizes: &str, fill: &str) -> Call<'static> {
    command(&Command::new(format!(
        "(drop (call ${sizes} (i32.const 0) (i32.const 4)))
         (drop (call ${fill} (i32.const 8192) (i32.const 16384)))
         (call $out (i32.const 16384) (i32.load (i32.const 4)))"
    )))
}

fn lines_of(report: &Report) -> Vec<String> {
    let value = value(report);
    value.as_str().unwrap().split_terminator('\0').map(str::to_owned).collect()
}

#[test]
fn its_environment_is_its_own_and_has_the_context() {
    let report = listing("environ_sizes", "environ").variable("COLOUR", "blue").memory_mb(64).report();
    let seen: BTreeMap<String, String> =
        lines_of(&report).iter().map(|line| line.split_once('=').unwrap()).map(|(a, b)| (a.into(), b.into())).collect();
    let names: Vec<_> = seen.keys().map(String::as_str).collect();
    let expected =
        ["COLOUR", "HKS_CONTEXT", "HKS_EXECUTION_ID", "HKS_FUNCTION_NAME", "HKS_FUNCTION_VERSION", "HKS_PROJECT_NAME"];
    assert_eq!(names, expected);
    let context: serde_json::Value = serde_json::from_str(&seen["HKS_CONTEXT"]).unwrap();
    assert_eq!(context["execution_id"], report.execution_id.to_string());
    assert_eq!((&context["attempt"], &context["memory_limit_mb"]), (&1.into(), &64.into()));
    assert!(context["deadline_ms"].as_u64().unwrap() > 1_700_000_000_000);
}

#[test]
fn its_name_is_its_only_argument() {
    let report = listing("args_sizes", "args").report();
    assert_eq!(lines_of(&report), ["execute"]);
}

#[test]
fn stderr_is_the_log() {
    let report = with_text(
        "(call $err (i32.const 0) (i32.const 6)) (call $out (i32.const 6) (i32.const 2)) (call $err (i32.const 4) (i32.const 1))",
        b"a\nbcd\n42",
    )
    .report();
    assert_eq!(report.value.as_str(), "42");
    assert_eq!((report.logs.stdout.len(), report.logs.stderr), (0, vec!["a".into(), "bcd".into(), "d".into()]));
}

#[test]
fn ending_its_process_with_zero_is_success() {
    let report =
        with_text("(call $out (i32.const 0) (i32.const 2)) (call $exit (i32.const 0)) unreachable", b"42").report();
    assert_eq!((report.outcome, report.value.as_str()), (Outcome::Succeeded, "42"));
}

#[test]
fn another_exit_code_is_a_failure_with_the_end_of_stderr() {
    let body =
        "(call $out (i32.const 0) (i32.const 2)) (call $err (i32.const 2) (i32.sub (global.get $len) (i32.const 2)))
        (call $exit (i32.const 3)) unreachable";
    let lines: Vec<_> = (0..30).map(|line| format!("line {line}")).collect();
    let report = with_text(body, format!("42{}", lines.join("\n")).as_bytes()).attack();
    assert_ended(&report, Outcome::Failed, "ExitError");
    let error = report.error.unwrap();
    assert_eq!((error.value.as_str(), error.traceback), ("exit code 3", lines[10..].join("\n")));
    assert_eq!(report.logs.stdout, ["42"], "what it printed is not lost");
    assert_eq!(report.logs.stderr, lines);
}

/// A component that exports `wasi:cli/run`, whose `run` returns this.
fn run_returning(body: &str) -> String {
    format!(
        r#"(component
          (core module $Main (func (export "run") (result i32) {body}))
          (core instance $main (instantiate $Main))
          (func $run (result (result)) (canon lift (core func $main "run")))
          (instance $exported (export "run" (func $run)))
          (export "wasi:cli/run@0.2.4" (instance $exported)))"#
    )
}

#[test]
fn a_component_says_by_its_result_whether_it_failed() {
    let call = |body| house().call_component(&house().component(&run_returning(body))).report();
    assert_eq!(call("(i32.const 0)").value.as_str(), "null");
    let report = call("(i32.const 1)");
    assert_ended(&report, Outcome::Failed, "ExitError");
    assert_says(&report, &["exit code 1"]);
}

#[test]
fn a_run_of_another_type_is_refused_before_it_is_called() {
    let other = run_returning("(i32.const 0)").replace("(result (result))", "(result u32)");
    let refusal = house().refusal(&other);
    assert!(refusal.contains("run of its wasi:cli/run@0.2.0 has another type"), "{refusal}");
    let newer = run_returning("(i32.const 0)").replace("@0.2.4", "@0.3.0");
    assert!(house().refusal(&newer).contains("nothing that can be called"));
}

#[test]
fn traps_are_outcomes() {
    assert_ended(&command(&Command::new("unreachable")).attack(), Outcome::Trapped, "Trap");
    let deeper = Command::new("(call $deeper)").with("(func $deeper (call $deeper) (drop (memory.size)))");
    assert_ended(&command(&deeper).attack(), Outcome::StackOverflow, "StackOverflow");
}

#[test]
fn a_loop_ends_at_the_deadline_and_keeps_what_it_printed() {
    let report = with_text("(call $out (i32.const 0) (i32.const 2)) (loop $l (br $l))", b"42").timeout_ms(200).attack();
    assert_ended(&report, Outcome::TimedOut, "TimeoutExceeded");
    assert_eq!(report.logs.stdout, ["42"]);
}

#[test]
fn a_sleep_of_centuries_ends_at_the_deadline() {
    // One subscription, all zero but the time: the monotonic clock.
    let body = "(i32.store (i32.const 16) (i32.const 1)) (i64.store (i32.const 24) (i64.const 0x7fffffffffffffff))
        (drop (call $poll (i32.const 0) (i32.const 512) (i32.const 1) (i32.const 1024)))";
    let report = command(&Command::new(body)).timeout_ms(200).attack();
    assert_ended(&report, Outcome::TimedOut, "TimeoutExceeded");
}

#[test]
fn fuel_is_bounded() {
    let report = command(&Command::new("(loop $l (br $l))")).fuel(1_000_000).attack();
    assert_ended(&report, Outcome::OutOfFuel, "FuelExhausted");
}

#[test]
fn memory_is_bounded_whatever_the_command_makes_of_it() {
    let bomb = "(loop $l (br_if $l (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))";
    for end in ["unreachable", "(call $exit (i32.const 2))"] {
        let report = command(&Command::new(format!("{bomb} {end}"))).memory_mb(32).attack();
        assert_ended(&report, Outcome::OutOfMemory, "OutOfMemory");
        assert!(report.usage.memory_peak_bytes <= 32 * MIB, "{:?}", report.usage);
    }
    // Who can do with less succeeds.
    let report = command(&Command::new(bomb)).memory_mb(32).report();
    assert_eq!(report.value.as_str(), "null");
}

#[test]
fn stdout_is_bounded_by_the_output_limit() {
    let all = |bytes: u32| {
        let text = vec![b'7'; bytes as usize];
        with_text("(call $out (i32.const 0) (global.get $len))", &text).output_bytes(1000).report()
    };
    assert_eq!(all(1000).value.len_bytes(), 1000);
    let report = all(1001);
    assert_ended(&report, Outcome::OutputTooLarge, "OutputTooLarge");
    assert_says(&report, &["1000 B"]);
    // As a JSON string it would be too long.
    assert_ended(
        &with_text("(call $out (i32.const 0) (global.get $len))", &[b'x'; 999]).output_bytes(1000).report(),
        Outcome::OutputTooLarge,
        "OutputTooLarge",
    );
}

#[test]
fn a_flood_on_stdout_or_stderr_costs_the_host_nothing() {
    alone();
    house().assert_alive();
    reset_peak_rss();
    let before = peak_rss_bytes();
    let flood = |fd: u32| {
        let body =
            format!("(loop $l (drop (call $print (i32.const {fd}) (i32.const 8192) (i32.const 65536))) (br $l))");
        command(&Command::new(body)).timeout_ms(1_000).report()
    };
    assert_ended(&flood(1), Outcome::OutputTooLarge, "OutputTooLarge");
    let report = flood(2);
    assert_ended(&report, Outcome::TimedOut, "TimeoutExceeded");
    assert!(report.truncated);
    let grown = peak_rss_bytes().saturating_sub(before);
    assert!(grown < 64 * MIB, "{} MiB more", grown / MIB);
    house().assert_alive();
}

#[test]
fn logs_are_bounded() {
    let report = with_text("(call $err (i32.const 0) (global.get $len))", &[b'x'; 5000]).log_bytes(1000).report();
    assert_eq!((report.logs.stderr.concat().len(), report.truncated), (1000, true));
    assert_eq!(report.value.as_str(), "null");
}

/// Says 1 if it sees what an execution before it left in memory.
const CANARY: &str = "(i32.store8 (i32.const 0) (i32.add (i32.const 48) (i32.load (i32.const 100000))))
    (i32.store (i32.const 100000) (i32.const 1)) (call $out (i32.const 0) (i32.const 1))";

#[test]
fn nothing_is_left_in_the_memory_that_the_next_one_gets() {
    take_turn();
    for end in ["", "(call $exit (i32.const 0))", "(call $exit (i32.const 1))", "unreachable"] {
        let canary = command(&Command::new(format!("{CANARY} {end}")));
        for _ in 0..20 {
            let report = canary.report();
            let seen = report.logs.stdout.first().map_or(report.value.as_str(), String::as_str);
            assert_eq!(seen, "0", "after {end:?}");
        }
    }
    house().assert_restored();
}

/// Go ends every program by `proc_exit`: it must not cost a slot.
#[test]
fn a_command_that_ends_itself_leaves_its_slot_to_the_next() {
    let house = crate::harness::House::with_places(1);
    for (end, is_kept) in
        [("(call $exit (i32.const 0))", true), ("(call $exit (i32.const 1))", true), ("unreachable", false)]
    {
        let prepared = house.wasm(&Command::new(format!("{CANARY} {end}")).wasm());
        let before = house.runtime.places();
        for _ in 0..5 {
            house.call_component(&prepared).report();
        }
        let after = house.runtime.places();
        assert_eq!(after.discarded > before.discarded, !is_kept, "{end}: {before:?} {after:?}");
        assert_eq!(after.reused > before.reused, is_kept, "{end}: {before:?} {after:?}");
        house.assert_restored();
    }
}

/// What WASI offers besides, a command has as any function: files in `/tmp` only, no sockets. Here: nothing that waits at the end.
#[test]
fn there_is_nothing_to_load_of_a_command() {
    take_turn();
    let prepared = house().wasm(&Command::new(ECHO).wasm());
    let attempt = house().call_component(&prepared).attempt();
    let loaded = wait(house().runtime.load(&prepared, attempt, ()));
    assert!(matches!(loaded, Err(Error::Unstorable(_))));
}
