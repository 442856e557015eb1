//! Functions that are components themselves: what they return, how they break, and what their calls cost.

use hks_protocol::Outcome;

use crate::harness::{Handler, MIB, assert_ended, assert_says, house, take_turn, value};

const ECHO: &str = "(call $ok (local.get $event) (local.get $event_len))";

#[test]
fn a_component_is_called_with_its_event_and_returns_a_value() {
    let echo = house().component(&Handler::new(ECHO).text());
    assert!(!echo.is_interpreter());
    let event = r#"{"n":123456789012345678901234567890,"text":"ä€😀"}"#;
    let report = house().call_component(&echo).event(event).report();
    assert_eq!(report.value.as_str(), event);
    assert!(report.usage.fuel < 10_000, "no interpreter runs: {:?}", report.usage);
    assert!(report.usage.memory_peak_bytes <= MIB, "{:?}", report.usage);
}

#[test]
fn a_component_gets_the_context() {
    let context = house().component(&Handler::new("(call $ok (local.get $context) (local.get $context_len))").text());
    let report = house().call_component(&context).memory_mb(64).report();
    let seen = value(&report);
    assert_eq!(seen["execution_id"], report.execution_id.to_string());
    assert_eq!((&seen["attempt"], &seen["memory_limit_mb"]), (&1.into(), &64.into()));
    assert_eq!((&seen["trigger"], &seen["project"]), (&"api".into(), &"default".into()));
    assert!(seen["deadline_ms"].as_u64().unwrap() > 1_700_000_000_000);
}

#[test]
fn a_failure_of_its_own_is_reported_as_it_is() {
    let failing = Handler::new("(call $err (i32.const 0) (i32.const 6))").with(r#"(data (i32.const 0) "Broken")"#);
    let report = house().call_component(&house().component(&failing.text())).attack();
    assert_ended(&report, Outcome::Failed, "Broken");
    assert_says(&report, &["Broken"]);
}

#[test]
fn traps_are_outcomes() {
    let traps = [
        ("unreachable", "unreachable"),
        ("division by zero", "(i32.div_u (i32.const 1) (i32.const 0))"),
        ("memory beyond the end", "(i32.load (i32.const 0xffff0000))"),
        ("a number that does not fit", "(i32.trunc_f32_u (f32.const nan))"),
        ("a call through an empty entry", "(call_indirect (result i32) (i32.const 3))"),
        ("a call through an entry that is not there", "(call_indirect (result i32) (i32.const 99))"),
    ];
    for (what, body) in traps {
        let component = house().component(&Handler::new(body).with("(table 10 funcref)").text());
        let report = house().call_component(&component).attack();
        assert_ended(&report, Outcome::Trapped, "Trap");
        assert!(!report.error.unwrap().value.is_empty(), "{what} has words of its own");
    }
}

#[test]
fn endless_recursion_is_a_stack_overflow() {
    let recursion = Handler::new("(call $deeper (i32.const 0))")
        .with("(func $deeper (param i32) (result i32) (i32.add (call $deeper (local.get 0)) (i32.const 1)))");
    let report = house().call_component(&house().component(&recursion.text())).attack();
    assert_ended(&report, Outcome::StackOverflow, "StackOverflow");
}

#[test]
fn results_that_lie_about_themselves_end_only_the_function() {
    let lies = [
        ("an address outside the memory", "(call $ok (i32.const 0x7fff0000) (i32.const 10))"),
        ("a length beyond the end", "(call $ok (i32.const 0) (i32.const 0x7fffffff))"),
        ("text that is no UTF-8", "(i32.store (i32.const 0) (i32.const -1)) (call $ok (i32.const 0) (i32.const 4))"),
        ("a result outside the memory", "(i32.const -4)"),
        ("a result that is not aligned", "(i32.const 1025)"),
        ("a variant that does not exist", "(i32.store8 (i32.const 1024) (i32.const 7)) (i32.const 1024)"),
    ];
    for (what, body) in lies {
        let component = house().component(&Handler::new(body).text());
        let report = house().call_component(&component).attack();
        let outcomes = [Outcome::Trapped, Outcome::OutputTooLarge];
        assert!(outcomes.contains(&report.outcome), "{what}: {:?} {:?}", report.outcome, report.error);
    }
}

#[test]
fn a_result_that_is_no_json_is_refused() {
    let component = house().component(
        &Handler::new("(call $ok (i32.const 0) (i32.const 4))").with(r#"(data (i32.const 0) "nope")"#).text(),
    );
    let report = house().call_component(&component).attack();
    assert_ended(&report, Outcome::Failed, "InvalidResultError");
}

#[test]
fn exit_ends_the_function_only() {
    for status in [0, 1] {
        let exit = Handler::new(format!("(call $exit (i32.const {status})) unreachable")).import("exit");
        let report = house().call_component(&house().component(&exit.text())).attack();
        assert_ended(&report, Outcome::Exited, "ProcessExit");
        assert_says(&report, &[&status.to_string()]);
    }
}

#[test]
fn more_randomness_than_a_call_gives_is_a_trap() {
    let random = |length: u32| {
        let body =
            format!("(call $random_bytes (i32.const {length}) (i32.const 0)) (call $ok (i32.const 8) (i32.const 2))");
        let component = Handler::new(body).with(r#"(data (i32.const 8) "42")"#).import("random_bytes");
        house().call_component(&house().component(&component.text())).attack()
    };
    assert_eq!(random(65_536).value.as_str(), "42");
    for length in [65_537, u32::MAX] {
        let report = random(length);
        assert_ended(&report, Outcome::Trapped, "Trap");
        assert_says(&report, &["65536"]);
    }
}

#[test]
fn a_sleep_of_centuries_ends_at_the_deadline() {
    let sleep = Handler::new("(call $sleep (i64.const -1)) (call $ok (i32.const 0) (i32.const 0))").import("sleep");
    let report = house().call_component(&house().component(&sleep.text())).timeout_ms(100).attack();
    assert_ended(&report, Outcome::TimedOut, "TimeoutExceeded");
}

#[test]
fn a_start_function_is_guest_code_like_any_other() {
    take_turn();
    let start = |body: &str| {
        let fields = format!("(func $start {body}) (start $start)");
        house().component(&Handler::new(ECHO).with(&fields).text())
    };
    let endless = start("(loop $again (br $again))");
    let report = house().call_component(&endless).timeout_ms(200).attack();
    assert_ended(&report, Outcome::TimedOut, "TimeoutExceeded");
    let report = house().call_component(&endless).fuel(1_000_000).attack();
    assert_ended(&report, Outcome::OutOfFuel, "FuelExhausted");
    let report = house().call_component(&start("unreachable")).attack();
    assert_ended(&report, Outcome::Trapped, "Trap");
    let report = house().call_component(&start("(call $start)")).attack();
    assert_ended(&report, Outcome::StackOverflow, "StackOverflow");
}
