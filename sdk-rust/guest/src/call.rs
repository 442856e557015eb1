//! From the texts of the host to the handler.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::__private::Failure;
use crate::Context;
use crate::failure::failure;

/// Reads the event and the context, and calls.
///
/// # Errors
/// An event that does not fit, or what `handler` returns.
pub fn call<T: DeserializeOwned>(
    event: &str,
    context: &str,
    handler: impl FnOnce(T, Context) -> Result<String, Failure>,
) -> Result<String, Failure> {
    crate::panic::announce();
    let context = read(context).map_err(|reason| failure("InvalidContextError", reason))?;
    let event = read(event).map_err(|reason| failure("InvalidEventError", reason))?;
    handler(event, context)
}

/// As serde says it, with the path to what does not fit.
fn read<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let mut reader = serde_json::Deserializer::from_str(text);
    serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let reason = without_place(&error.into_inner().to_string()).to_owned();
        if path == "." { reason } else { format!("{path}: {reason}") }
    })
}

/// The host writes the event in one line, which nobody has seen: columns of it say nothing.
fn without_place(reason: &str) -> &str {
    reason.rfind(" at line ").map_or(reason, |end| &reason[..end])
}

/// Says at the user's own type that it cannot be an event.
pub fn is_event<T: DeserializeOwned>() {}

/// Says at the user's own type that it cannot be a value.
pub fn is_value<T: Serialize>() {}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const CONTEXT: &str = r#"{"execution_id": "exe_1", "attempt": 1, "trigger": "api"}"#;

    fn refusal<T: DeserializeOwned>(event: &str) -> String {
        let refused = call(event, CONTEXT, |_: T, _| Ok(String::new())).unwrap_err();
        assert_eq!(refused.name, "InvalidEventError");
        refused.value
    }

    #[test]
    fn an_event_that_fits_is_handed_over() {
        let called = call("[1, 2]", CONTEXT, |event: Vec<u8>, context| {
            assert_eq!(context.execution_id, "exe_1");
            Ok(format!("{event:?}"))
        });
        assert_eq!(called.unwrap(), "[1, 2]");
    }

    #[test]
    fn an_event_that_does_not_fit_says_where() {
        let event = r#"{"items": [{"price": 1}, {"price": "two"}]}"#;
        let text = refusal::<BTreeMap<String, Vec<BTreeMap<String, u32>>>>(event);
        assert_eq!(text, r#"items[1].price: invalid type: string "two", expected u32"#);
        assert_eq!(refusal::<u32>("null"), "invalid type: null, expected u32");
    }

    #[test]
    fn a_handler_without_an_event_takes_any() {
        let called = call(r#"{"a": [1]}"#, CONTEXT, |_: crate::__private::Ignored, _| Ok("1".into()));
        assert_eq!(called.unwrap(), "1");
    }
}
