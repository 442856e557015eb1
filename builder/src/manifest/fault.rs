//! What serde says about a value, in words for the person who wrote it, and with the place that serde does not know.

use std::fmt;

use hks_protocol::manifest::{Path, Step};
use serde::de::{Expected, Unexpected};

use super::error::Mistake;
use super::node::Place;
use super::suggest;

/// One mistake. Its path grows from the inside out, as serde comes back from the value.
#[derive(Debug)]
pub(super) struct Fault {
    steps: Vec<Step>,
    place: Option<Place>,
    reason: String,
    missing: Option<&'static str>,
}

impl Fault {
    fn new(reason: String) -> Self {
        Self { steps: Vec::new(), place: None, reason, missing: None }
    }

    /// The value that the fault is in was reached by `step`, and stands at `place`.
    pub(super) fn inside(mut self, step: Step, place: Place) -> Self {
        self.steps.push(step);
        self.place.get_or_insert(place);
        self
    }

    /// The key that a map lacks; then the path is the map's.
    pub(super) fn missing(&self) -> Option<&'static str> {
        self.missing
    }

    pub(super) fn path(&self) -> Path {
        Path(self.steps.iter().rev().cloned().collect())
    }

    pub(super) fn mistake(&self) -> Mistake {
        let path = self.missing.iter().fold(self.path(), |path, key| path.child(*key));
        Mistake::new(self.place.unwrap_or(Place::START), path, self.bare_reason())
    }

    /// A checked type names its field, as it has to where there are no paths. Here the path has that name already.
    fn bare_reason(&self) -> &str {
        let keys = self.steps.iter().filter_map(|step| match step {
            Step::Key(key) => Some(key),
            Step::Index(_) => None,
        });
        let mut bare = keys.filter_map(|key| self.reason.strip_prefix(key.as_str())?.strip_prefix(": "));
        bare.next().unwrap_or(&self.reason)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for Fault {}

impl serde::de::Error for Fault {
    fn custom<T: fmt::Display>(reason: T) -> Self {
        Self::new(reason.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let expected = in_plain_words(&expected.to_string()).to_string();
        let advice = advice(&expected, &found);
        Self::new(format!("expected {expected}, found {}{advice}", shown(&expected, &found)))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(found, expected)
    }

    fn unknown_field(field: &str, known: &'static [&'static str]) -> Self {
        Self::new(match suggest::closest(field, known) {
            Some(name) => format!("unknown key; did you mean {name}?"),
            None => format!("unknown key; known are {}", known.join(", ")),
        })
    }

    fn unknown_variant(variant: &str, known: &'static [&'static str]) -> Self {
        let meant = suggest::closest(variant, known).map_or_else(String::new, |name| format!("; did you mean {name}?"));
        Self::new(format!("{:?} is not one of {}{meant}", clip(variant), known.join(", ")))
    }

    fn missing_field(field: &'static str) -> Self {
        Self { missing: Some(field), ..Self::new("is required".into()) }
    }
}

/// The words of serde's own visitors, as one would say them.
fn in_plain_words(expected: &str) -> &str {
    match expected {
        "a string" => "a text",
        "a boolean" => "true or false",
        "u64" => "a whole number",
        "a sequence" => "a list",
        "a map" => "keys and values",
        _ if expected.starts_with("struct ") => "keys and values",
        _ => expected,
    }
}

/// A value may be a secret that lacks its quotes or its key, so it is shown only where no secret could be meant.
fn shown(expected: &str, found: &Unexpected<'_>) -> String {
    match found {
        Unexpected::Bool(value) => value.to_string(),
        Unexpected::Signed(..0) => "a negative number".into(),
        Unexpected::Unsigned(_) | Unexpected::Signed(_) => "a whole number".into(),
        Unexpected::Float(_) => "a number with a fraction".into(),
        Unexpected::Str(text) if ["true or false", "a whole number"].contains(&expected) => {
            format!("the text {:?}", clip(text))
        }
        Unexpected::Str(_) => "a text".into(),
        Unexpected::Unit => "nothing".into(),
        Unexpected::Seq => "a list".into(),
        Unexpected::Map => "keys and values".into(),
        other => other.to_string(),
    }
}

fn advice(expected: &str, found: &Unexpected<'_>) -> &'static str {
    match (expected, found) {
        ("a text", Unexpected::Bool(_) | Unexpected::Unsigned(_) | Unexpected::Signed(_) | Unexpected::Float(_)) => {
            "; put it in quotes if it is a text"
        }
        ("a text", Unexpected::Unit) => "; write \"\" for an empty one",
        ("a list", Unexpected::Str(_)) => "; write [a, b], or each entry on a line after a dash",
        _ => "",
    }
}

fn clip(text: &str) -> &str {
    text.char_indices().nth(64).map_or(text, |(end, _)| &text[..end])
}
