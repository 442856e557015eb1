//! What a command's end means: its stdout is its value, its exit code says whether it succeeded.
//!
//! A command that wants its failure to have a name says so at the end of its last line on stderr: [`FAILURE`] and a JSON object with `name`,
//! `value` and `traceback`, as the packages for Go and C write it. Who forges one says nothing but that it failed.

use crate::bindings::hks::function::types::Failure;
use crate::bounded::{TooLarge, json};
use crate::host::{Guest, Kept, exit_code};

/// The name of the failure of a command that ended with another code than 0.
pub(crate) const EXIT_ERROR: &str = "ExitError";

const FAILURE: &str = "hks-failure: ";

/// How much of its stderr a failure has as its traceback, when that is all that is known.
pub(crate) const LAST_LINES: usize = 20;
pub(crate) const LAST_BYTES: usize = 8 << 10;

/// What `wasi:cli/run` returned, or how it ended its process.
pub(crate) type Run = wasmtime::Result<Result<(), ()>>;

/// Whether a command ended by itself, in whichever way, and not by a trap.
pub(crate) fn ended_itself(run: &Run) -> bool {
    run.as_ref().map_or_else(|error| exit_code(error).is_some(), |_| true)
}

/// The result of a command that ended so. An error is a trap or the like.
pub(crate) fn result(run: Run, guest: &Guest, bytes_max: u64) -> wasmtime::Result<Result<String, Failure>> {
    let code = match run {
        Ok(Ok(())) => 0,
        Ok(Err(())) => 1,
        Err(error) => exit_code(&error).ok_or(error)?,
    };
    if code != 0 {
        if let Some(failure) = guest.output.take_after(FAILURE).and_then(|text| named(&text)) {
            return Ok(Err(failure));
        }
        let traceback = guest.output.last_lines(LAST_LINES, LAST_BYTES);
        return Ok(Err(Failure { name: EXIT_ERROR.into(), value: format!("exit code {code}"), traceback }));
    }
    let stdout = guest.stdout.as_ref().map(Kept::take).unwrap_or_default();
    Ok(value(&stdout, bytes_max)?)
}

/// A failure that a command told by itself; nothing if it did so wrongly.
fn named(line: &str) -> Option<Failure> {
    #[derive(serde::Deserialize)]
    struct Told {
        name: String,
        value: String,
        #[serde(default)]
        traceback: String,
    }
    let Told { name, value, traceback } = serde_json::from_str(line).ok()?;
    (!name.is_empty()).then_some(Failure { name, value, traceback })
}

/// What was printed, as JSON: a JSON text as it is, nothing as `null`, any other text as a JSON string.
fn value(stdout: &[u8], bytes_max: u64) -> Result<Result<String, Failure>, TooLarge> {
    let text = match std::str::from_utf8(stdout) {
        Ok(text) => text,
        Err(error) => {
            let value = format!(
                "what the command wrote to stdout is not UTF-8 (byte {}), so it cannot be its value; print text, or encode the \
                 bytes in base64",
                error.valid_up_to()
            );
            return Ok(Err(Failure { name: "InvalidResultError".into(), value, traceback: String::new() }));
        }
    };
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return Ok(Ok("null".into()));
    }
    if serde_json::from_str::<&serde_json::value::RawValue>(trimmed).is_ok() {
        return Ok(Ok(trimmed.to_owned()));
    }
    let line = text.strip_suffix('\n').unwrap_or(text);
    json(&line.strip_suffix('\r').unwrap_or(line), bytes_max).map(Ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(stdout: &[u8]) -> String {
        match value(stdout, 1000) {
            Ok(Ok(value)) => value,
            Ok(Err(failure)) => failure.name,
            Err(TooLarge) => "too large".into(),
        }
    }

    #[test]
    fn json_is_taken_as_it_is_and_text_as_a_string() {
        let cases: [(&[u8], &str); 12] = [
            (b"{\"n\": 123456789012345678901234567890}\n", "{\"n\": 123456789012345678901234567890}"),
            (b"\n  [1,\n2]  \r\n", "[1,\n2]"),
            (b"42", "42"),
            (b"\"x\"", "\"x\""),
            (b"", "null"),
            (b" \n\n", "null"),
            (b"hello\n", "\"hello\""),
            (b"  two\nlines\r\n", "\"  two\\nlines\""),
            (b"hello\n\n", "\"hello\\n\""),
            (b"{} {}", "\"{} {}\""),
            (b"NaN", "\"NaN\""),
            (b"a\xff", "InvalidResultError"),
        ];
        for (stdout, expected) in cases {
            assert_eq!(shown(stdout), expected, "{stdout:?}");
        }
    }

    #[test]
    fn a_text_may_be_too_large_only_as_json() {
        assert_eq!(value(&[1; 100], 100).err(), Some(TooLarge));
    }

    #[test]
    fn a_failure_needs_a_name() {
        let told = named(r#"{"name": "OutOfStock", "value": "only 2 left"}"#).unwrap();
        assert_eq!(
            (told.name.as_str(), told.value.as_str(), told.traceback.as_str()),
            ("OutOfStock", "only 2 left", "")
        );
        for line in ["", "{}", "[]", r#"{"name": "", "value": ""}"#, r#"{"name": "X"}"#] {
            assert!(named(line).is_none(), "{line}");
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_printed_becomes_json(stdout in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..80)) {
            if let Ok(Ok(text)) = value(&stdout, 1000) {
                serde_json::from_str::<serde_json::Value>(&text).unwrap();
            }
        }
    }
}
