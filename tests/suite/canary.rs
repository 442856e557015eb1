//! What one attempt left in the memory, tables and globals of a place is never there for the next.
//!
//! The component of these tests looks at every byte that it has been given, then fills all of it with a canary and ends
//! in one of several ways. With two places, the next attempt is in the same place before long.

use hks_engine::EngineConfig;
use hks_protocol::Outcome;

use crate::harness::{House, Language, MIB, canaries, dedent, fork, value};

fn hunt(house: &House) {
    let component = house.component(&canaries::anywhere());
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
fn no_canary_survives_in_a_slot() {
    hunt(&House::with_places(2));
}

#[test]
fn no_canary_survives_where_the_kernel_cannot_tell_written_pages() {
    hunt(&House::with(&EngineConfig::default(), |runtime| runtime.places.scan = false));
}

/// Attempts that run at the same time have memories of their own.
#[test]
fn no_canary_is_seen_by_a_neighbour() {
    let house = House::with_places(4);
    let component = house.component(&canaries::anywhere());
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

/// The snapshot is found again byte by byte, by one tenant after another did its worst in the same slot.
fn hunt_behind_a_snapshot(house: &House) {
    let component = house.component(&canaries::behind_a_pattern());
    let function = house.call_component(&component).deploy();
    let moved = component.resume(&function.snapshot().unwrap().to_bytes()).unwrap();
    for round in 0..120 {
        let (project, function) = if round % 3 == 0 { ("one", &moved) } else { ("two", &function) };
        let call = |event: &str| house.call_component(function).project(project).event(event);
        assert_eq!(value(&call("0").report()), 0, "round {round}: not as the snapshot has it");
        if round % 4 == 0 {
            assert_eq!(call("1").report().outcome, Outcome::Trapped);
            assert_eq!(call("2").timeout_ms(20).report().outcome, Outcome::TimedOut);
            assert_eq!(call("2").fuel(20_000_000).report().outcome, Outcome::OutOfFuel);
        }
    }
    assert_eq!(value(&house.call_component(&component).report()), 0, "the component itself is as ever");
    house.assert_restored();
}

#[test]
fn every_byte_of_a_snapshot_is_there_again() {
    hunt_behind_a_snapshot(&House::with_places(2));
    hunt_behind_a_snapshot(&House::with(&EngineConfig::default(), |runtime| runtime.places.scan = false));
}

/// Slots that keep almost nothing, and slots that keep everything, are put back in other ways.
#[test]
fn every_byte_is_there_again_however_many_pages_a_slot_keeps() {
    for kept_pages_max in [0, 1, 100_000] {
        let house = House::with(&EngineConfig::default(), |runtime| runtime.places.kept_pages_max = kept_pages_max);
        hunt(&house);
        hunt_behind_a_snapshot(&house);
    }
}

/// Puts the environment's canary wherever the interpreter puts anything: heap, globals, deep frames, files, grown memory;
/// then frees half of it, so that it lies in free memory, which nothing of the language can read.
const PYTHON_LEAVES: &str = "
    import os, sys, json, builtins
    canary = os.environ['CANARY']
    builtins.canary = canary; sys.modules['canary'] = canary
    kept = [canary + str(n) for n in range(2000)]
    freed = [bytearray(canary.encode() * 50) for n in range(400)]
    large = bytearray(canary.encode() * 500_000)
    def deep(text, n): return deep(text + canary, n - 1) if n else len(text)
    deep(canary, 60)
    json.dumps(kept)
    with open('/tmp/' + canary, 'w') as file: file.write(canary * 100)
    print(canary)
    builtins.kept = kept
    del freed, large
    if event == 1: raise ValueError(canary)
    if event == 2: return [canary] * 3
    return 0";

const JAVASCRIPT_LEAVES: &str = "
    const canary = process.env.CANARY;
    globalThis.canary = canary;
    globalThis.kept = Array.from({ length: 2000 }, (_, n) => canary + n);
    let freed = Array.from({ length: 400 }, () => new TextEncoder().encode(canary.repeat(50)));
    let large = new TextEncoder().encode(canary.repeat(400_000));
    const deep = (text, n) => n ? deep(text + canary, n - 1) : text.length;
    deep(canary, 60);
    JSON.stringify(globalThis.kept);
    console.log(canary);
    freed = large = null;
    if (event === 1) throw new Error(canary);
    if (event === 2) return [canary, canary];
    return 0;";

/// What the next tenant's instance has in all of its memory: a snapshot of it holds every page that is not the
/// interpreter's own, whether anything of the language can reach it or not.
fn memory_of_the_next_tenant(house: &House, language: Language) -> Vec<u8> {
    let mut session = house.call(language, language.doubling()).project("next").session();
    fork(&mut session).snapshot().unwrap().to_bytes()
}

fn hunt_in_raw_memory(language: Language, leaves: &str) {
    const CANARY: &str = "C4N4RY-of-an-earlier-tenant";
    let house = House::with_places(1);
    let source = language.handler(leaves);
    let found = |memory: &[u8]| memory.windows(CANARY.len()).any(|window| window == CANARY.as_bytes());
    let leave = |event: &str| {
        let call = house.call(language, source.as_str()).project("earlier").variable("CANARY", CANARY);
        call.event(event).memory_mb(512).report()
    };
    let loaded = house.call(language, source.as_str()).variable("CANARY", CANARY).session();
    drop(loaded);
    for round in 0..12 {
        for event in ["0", "1", "2"] {
            let report = leave(event);
            let ended = if event == "1" { Outcome::Failed } else { Outcome::Succeeded };
            assert_eq!(report.outcome, ended, "{:?}", report.error);
        }
        let reused = house.runtime.places().reused;
        assert!(!found(&memory_of_the_next_tenant(&house, language)), "{language:?} round {round}");
        assert!(house.runtime.places().reused > reused, "it was the same slot");
    }
    let kept = format!("import os\nkept = os.environ['CANARY']\n{}", language.doubling());
    if language == Language::Python {
        let memory = house.call(language, kept).variable("CANARY", CANARY).deploy().snapshot().unwrap().to_bytes();
        assert!(found(&memory), "it would be found");
    }
    house.assert_restored();
}

#[test]
fn no_canary_is_anywhere_in_the_memory_of_the_next_python_function() {
    hunt_in_raw_memory(Language::Python, PYTHON_LEAVES);
}

#[test]
fn no_canary_is_anywhere_in_the_memory_of_the_next_javascript_function() {
    hunt_in_raw_memory(Language::JavaScript, JAVASCRIPT_LEAVES);
}

/// The same between executions of one function, which share a snapshot: the canary of one is not in a session of the next.
#[test]
fn executions_of_one_function_do_not_see_each_other() {
    for (language, leaves, looks) in [
        (
            Language::Python,
            PYTHON_LEAVES,
            "
    import builtins, sys, os
    if event == 'look':
        return [name for name in ('canary', 'kept') if hasattr(builtins, name)] + os.listdir('/tmp') + (
            ['modules'] if 'canary' in sys.modules else [])",
        ),
        (
            Language::JavaScript,
            JAVASCRIPT_LEAVES,
            "if (event === 'look') return ['canary', 'kept'].filter((name) => name in globalThis);",
        ),
    ] {
        let house = House::with_places(1);
        let source = language.handler(&format!("{}\n{}", dedent(looks), dedent(leaves)));
        let function = house.call(language, source).deploy();
        for round in 0..15 {
            let call = |event: &str| house.call_component(&function).variable("CANARY", "C4N4RY").event(event);
            let left = call(if round % 2 == 0 { "0" } else { "1" }).memory_mb(512).report();
            assert!([Outcome::Succeeded, Outcome::Failed].contains(&left.outcome));
            assert_eq!(value(&call(r#""look""#).report()), serde_json::json!([]), "{language:?} {round}");
        }
        house.assert_restored();
    }
}
