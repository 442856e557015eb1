//! An attempt can be canceled at any moment, and its place is free again afterwards.

use std::time::Duration;

use hks_protocol::Outcome;

use crate::harness::{House, Language, Running, assert_ended, call, take_turn};

fn assert_canceled(running: Running) {
    running.cancel();
    let report = running.report();
    assert_ended(&report, Outcome::Canceled, "Canceled");
    assert!(report.usage.wall_ms < 30_000.0, "{:?}", report.usage);
}

#[test]
fn loops_and_sleeps_are_canceled_where_they_are() {
    let house = House::with_places(2);
    for language in Language::ALL {
        let (endless, sleeping) =
            (language.saying_hello(&language.endless()), language.saying_hello(&language.sleeping()));
        assert_canceled(house.call(language, endless).start_and_hear());
        assert_canceled(house.call(language, sleeping).start_and_hear());
        assert_canceled(house.call(language, language.endless()).start());
    }
    house.assert_alive();
}

#[test]
fn what_was_printed_before_is_reported() {
    for language in Language::ALL {
        let running = call(language, language.saying_hello(&language.endless())).start_and_hear();
        running.cancel();
        assert_eq!(running.report().logs.stdout, ["here"]);
    }
}

#[test]
fn what_waits_for_a_place_is_canceled_before_it_starts() {
    let house = House::with_places(1);
    for language in Language::ALL {
        let first = house.call(language, language.saying_hello(&language.endless())).start_and_hear();
        let queued = house.call(language, language.doubling()).event("21").start();
        queued.cancel();
        let report = queued.report();
        assert_ended(&report, Outcome::Canceled, "Canceled");
        assert_eq!((report.usage.fuel, report.usage.memory_peak_bytes), (0, 0), "it never started");
        assert_canceled(first);
    }
    house.assert_alive();
}

#[test]
fn canceling_twice_or_after_the_end_changes_nothing() {
    for language in Language::ALL {
        let running = call(language, language.doubling()).event("21").start();
        while running.is_running() {
            std::thread::yield_now();
        }
        running.cancel();
        running.cancel();
        assert_eq!(running.report().value.as_str(), "42");
        let running = call(language, language.endless()).start();
        running.cancel();
        assert_canceled(running);
    }
}

#[test]
fn dropping_the_future_cancels_and_frees_the_place() {
    take_turn();
    let house = House::with_places(1);
    let tokio = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    for language in [Language::ALL, Language::ALL].concat() {
        for body in [language.endless(), language.sleeping()] {
            let future = house.call(language, body).timeout_ms(60_000).future();
            let ended = tokio.block_on(async { tokio::time::timeout(Duration::from_millis(50), future).await });
            assert!(ended.is_err(), "it cannot have ended");
        }
    }
    // There is one place, so that each of these runs only if none of the above is left.
    house.assert_alive();
}

#[test]
fn a_future_that_is_never_polled_does_nothing() {
    let house = House::with_places(1);
    drop(house.call(Language::Python, Language::Python.endless()).future());
    house.assert_alive();
}

#[test]
fn no_place_is_lost_however_attempts_end() {
    let house = House::with_places(2);
    for round in 0..25 {
        for language in Language::ALL {
            let running = house.call(language, language.endless()).timeout_ms(20_000).start();
            std::thread::sleep(Duration::from_micros(200 * round));
            assert_canceled(running);
            drop(house.call(language, language.sleeping()).timeout_ms(20_000).start());
            let report = house.call(language, language.endless()).timeout_ms(5).report();
            assert_ended(&report, Outcome::TimedOut, "TimeoutExceeded");
            let report = house.call(language, language.endless()).fuel(1_000).report();
            assert_ended(&report, Outcome::OutOfFuel, "FuelExhausted");
        }
    }
    house.assert_alive();
}
