//! What one attempt left in the memory, tables and globals of a place is never there for the next.
//!
//! The component of these tests looks at every byte that it has been given, then fills all of it with a canary and ends
//! in one of several ways. With two places, the next attempt is in the same place before long.

use hks_engine::{Allocation, EngineConfig};
use hks_protocol::Outcome;

use crate::harness::{Handler, House, MIB, value};

/// Returns `1` if it found a canary and `0` if not; then ends as the first character of the event says.
fn canary() -> String {
    let body = r#"
        (local $at i32) (local $end i32) (local $found i32)
        ;; Pages that the component gets only now must be empty as well.
        (drop (memory.grow (i32.const 60)))
        (local.set $end (i32.shl (memory.size) (i32.const 16)))
        ;; What lies below was written by this very call: its arguments and results.
        (local.set $at (i32.const 16384))
        (loop $look
          (if (i64.ne (i64.load (local.get $at)) (i64.const 0)) (then (local.set $found (i32.const 1))))
          (i64.store (local.get $at) (i64.const 0x59524e4143594e41))
          (br_if $look (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 8))) (local.get $end))))
        (if (i64.ne (global.get $global) (i64.const 0)) (then (local.set $found (i32.const 2))))
        (global.set $global (i64.const 0x59524e4143594e41))
        (drop (table.grow $table (ref.null func) (i32.const 100)))
        (local.set $at (i32.const 0))
        (loop $look
          (if (i32.eqz (ref.is_null (table.get $table (local.get $at)))) (then (local.set $found (i32.const 3))))
          (table.set $table (local.get $at) (ref.func $canary))
          (br_if $look (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 1))) (i32.const 150))))
        (if (i32.eq (i32.load8_u (local.get $event)) (i32.const 0x31)) (then unreachable))
        (if (i32.eq (i32.load8_u (local.get $event)) (i32.const 0x32)) (then (loop $again (br $again))))
        (i32.store8 (i32.const 0) (i32.add (local.get $found) (i32.const 0x30)))
        (call $ok (i32.const 0) (i32.const 1))"#;
    let fields =
        "(global $global (mut i64) (i64.const 0)) (table $table 50 funcref) (func $canary) (elem declare func $canary)";
    Handler::new(body).with(fields).pages(4).text()
}

fn hunt(house: &House) {
    let component = house.component(&canary());
    for round in 0..120 {
        let report = house.call_component(&component).event("0").report();
        assert_eq!(value(&report), 0, "round {round}: a canary of an earlier attempt was found");
        assert_eq!(report.usage.memory_peak_bytes / MIB, 4);
        let trap = house.call_component(&component).event("1").report();
        assert_eq!(trap.outcome, Outcome::Trapped);
        if round % 10 == 0 {
            let endless = house.call_component(&component).event("2").timeout_ms(20).report();
            assert_eq!(endless.outcome, Outcome::TimedOut);
            let thirsty = house.call_component(&component).event("2").fuel(20_000_000).report();
            assert_eq!(thirsty.outcome, Outcome::OutOfFuel);
            let canceled = house.call_component(&component).event("2").start();
            canceled.cancel();
            assert_eq!(canceled.report().outcome, Outcome::Canceled);
        }
    }
}

#[test]
fn no_canary_survives_in_a_pool() {
    hunt(&House::with_places(2));
}

#[test]
fn no_canary_survives_without_a_pool() {
    hunt(&House::new(&EngineConfig { allocation: Allocation::OnDemand, ..EngineConfig::default() }));
}

/// Attempts that run at the same time have memories of their own.
#[test]
fn no_canary_is_seen_by_a_neighbour() {
    let house = House::with_places(4);
    let component = house.component(&canary());
    let neighbours: Vec<_> =
        (0..3).map(|_| house.call_component(&component).event("2").timeout_ms(60_000).start()).collect();
    for _ in 0..30 {
        assert_eq!(value(&house.call_component(&component).event("0").report()), 0);
    }
    for neighbour in neighbours {
        neighbour.cancel();
        assert_eq!(neighbour.report().outcome, Outcome::Canceled);
    }
}
