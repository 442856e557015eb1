//! What tests ask of a report.

use hks_protocol::{Outcome, Report};

/// The value of a function that succeeded.
#[track_caller]
pub(crate) fn value(report: &Report) -> serde_json::Value {
    assert_eq!(report.outcome, Outcome::Succeeded, "{}", shown(report));
    serde_json::from_str(report.value.as_str()).unwrap()
}

/// Panics unless it ended so, with an error of this name.
#[track_caller]
pub(crate) fn assert_ended(report: &Report, outcome: Outcome, name: &str) {
    let error = report.error.as_ref().map_or("", |error| error.name.as_str());
    assert_eq!((report.outcome, error), (outcome, name), "{}", shown(report));
    assert_eq!(report.status, outcome.status());
    assert_eq!(report.value.as_str(), "null", "what did not succeed has no value");
}

/// Panics unless it ended in one of these ways.
#[track_caller]
pub(crate) fn assert_ended_in(report: &Report, outcomes: &[Outcome], what: &str) {
    assert!(outcomes.contains(&report.outcome), "{what}: {}", shown(report));
    assert_eq!(report.error.is_some(), report.outcome != Outcome::Succeeded, "{what}: {}", shown(report));
}

/// Panics unless the error's message has all of these words.
#[track_caller]
pub(crate) fn assert_says(report: &Report, words: &[&str]) {
    let value = report.error.as_ref().map_or("", |error| error.value.as_str());
    for word in words {
        assert!(value.contains(word), "{word:?} is missing: {}", shown(report));
    }
}

/// A report in a few lines, whatever is in it.
fn shown(report: &Report) -> String {
    let cut = |text: &str| text.chars().take(600).collect::<String>();
    let error = report.error.as_ref().map(|error| (&error.name, cut(&error.value), cut(&error.traceback)));
    let logs = report.logs.stderr.iter().take(5).map(|line| cut(line)).collect::<Vec<_>>();
    let value = cut(report.value.as_str());
    format!("{:?}, value {value}, error {error:?}, stderr {logs:?}, usage {:?}", report.outcome, report.usage)
}
