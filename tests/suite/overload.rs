//! More attempts than places: they wait, and are turned away when they waited for as long as they might have run.

use hks_protocol::Outcome;
use hks_runtime::Error;

use crate::harness::{House, Language, assert_ended, value};

#[test]
fn who_waits_in_vain_is_told_so() {
    for places in [1, 2] {
        let house = House::with_places(places);
        let endless = Language::Python.saying_hello(&Language::Python.endless());
        let taken: Vec<_> = (0..places)
            .map(|_| house.call(Language::Python, endless.clone()).timeout_ms(60_000).start_and_hear())
            .collect();
        let error = house.call(Language::JavaScript, Language::JavaScript.doubling()).timeout_ms(200).error();
        match error {
            Error::Overloaded { places: told, waited_ms } => {
                assert_eq!(told, places);
                assert!((200..60_000).contains(&waited_ms), "{waited_ms}");
            }
            other => panic!("{other}"),
        }
        for running in taken {
            running.cancel();
            assert_ended(&running.report(), Outcome::Canceled, "Canceled");
        }
        house.assert_alive();
    }
}

#[test]
fn who_waits_long_enough_is_served() {
    let house = House::with_places(1);
    let endless = Language::Python.saying_hello(&Language::Python.endless());
    let first = house.call(Language::Python, endless).timeout_ms(300).start_and_hear();
    let waiting: Vec<_> = (0..10)
        .map(|number| {
            let language = Language::ALL[number % 2];
            house.call(language, language.doubling()).event(number.to_string()).timeout_ms(60_000).start()
        })
        .collect();
    assert_ended(&first.report(), Outcome::TimedOut, "TimeoutExceeded");
    for (number, running) in waiting.into_iter().enumerate() {
        assert_eq!(value(&running.report()), 2 * number);
    }
}

#[test]
fn a_sleeping_function_keeps_its_place_but_no_thread() {
    let house = House::with_places(8);
    let sleeping: Vec<_> = (0..6)
        .map(|number| {
            let language = Language::ALL[number % 2];
            house.call(language, language.sleeping()).timeout_ms(60_000).start()
        })
        .collect();
    house.assert_alive();
    assert!(sleeping.iter().all(|running| running.is_running()));
    for running in sleeping {
        running.cancel();
        assert_ended(&running.report(), Outcome::Canceled, "Canceled");
    }
}
