//! What a text without quotes means: the core schema of YAML 1.2 (<https://yaml.org/spec/1.2.2/#103-core-schema>),
//! without the parts that JSON cannot hold or that older parsers read differently. `no` and `on` are texts, as they are
//! there.

use super::node::Value;

/// The value of a plain scalar.
///
/// # Errors
/// Says why a number is refused.
pub(super) fn value(text: &str) -> Result<Value, String> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Ok(Value::Null),
        "true" | "True" | "TRUE" => Ok(Value::Bool(true)),
        "false" | "False" | "FALSE" => Ok(Value::Bool(false)),
        _ => match number(text) {
            None => Ok(Value::Text(text.into())),
            Some(number) => number.map(Value::Number),
        },
    }
}

/// `None` for what is no number.
fn number(text: &str) -> Option<Result<String, String>> {
    if let Some(digits) = text.strip_prefix("0x") {
        return radix(text, digits, 16);
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return radix(text, digits, 8);
    }
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    if [".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN"].contains(&rest) {
        return Some(Err(format!("{text} is not a finite number; put it in quotes if it is a text")));
    }
    decimal(text, sign, rest)
}

fn radix(text: &str, digits: &str, radix: u32) -> Option<Result<String, String>> {
    let are_digits = !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
    are_digits.then(|| match u64::from_str_radix(digits, radix) {
        Ok(number) => Ok(number.to_string()),
        Err(_) => Err(format!("{text} does not fit into 64 bits")),
    })
}

fn decimal(text: &str, sign: &str, rest: &str) -> Option<Result<String, String>> {
    let (whole, rest) = digits(rest);
    let (fraction, rest) = rest.strip_prefix('.').map_or((None, rest), |rest| {
        let (fraction, rest) = digits(rest);
        (Some(fraction), rest)
    });
    let exponent = exponent(rest)?;
    if whole.is_empty() && fraction.is_none_or(str::is_empty) {
        return None;
    }
    if whole.len() > 1 && whole.starts_with('0') {
        let reason =
            "starts with a zero, which some read as octal; leave the zero out, or put it in quotes if it is a text";
        return Some(Err(reason.into()));
    }
    let whole = if whole.is_empty() { "0" } else { whole };
    let fraction =
        fraction.map_or_else(String::new, |digits| format!(".{}", if digits.is_empty() { "0" } else { digits }));
    let json = format!("{sign}{whole}{fraction}{exponent}");
    let finite = json.parse().is_ok_and(f64::is_finite);
    Some(if finite || (fraction.is_empty() && exponent.is_empty()) {
        Ok(json)
    } else {
        Err(format!("{text} is too large"))
    })
}

/// The exponent at the end of a number; `None` when what is there is none.
fn exponent(text: &str) -> Option<String> {
    if text.is_empty() {
        return Some(String::new());
    }
    let unsigned = text.strip_prefix(['e', 'E'])?;
    let (sign, rest) = match unsigned.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", unsigned.strip_prefix('+').unwrap_or(unsigned)),
    };
    let (number, rest) = digits(rest);
    (!number.is_empty() && rest.is_empty()).then(|| format!("e{sign}{number}"))
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.bytes().take_while(u8::is_ascii_digit).count())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_are_those_of_the_core_schema() {
        let cases = [
            ("0", "0"),
            ("-7", "-7"),
            ("+7", "7"),
            ("1.50", "1.50"),
            (".5", "0.5"),
            ("5.", "5.0"),
            ("1e3", "1e3"),
            ("-1.5E+3", "-1.5e3"),
            ("0x1F", "31"),
            ("0o17", "15"),
            ("123456789012345678901234567890", "123456789012345678901234567890"),
        ];
        for (text, json) in cases {
            assert_eq!(value(text), Ok(Value::Number(json.into())), "{text}");
        }
    }

    #[test]
    fn everything_else_is_a_text() {
        for text in [
            "no",
            "yes",
            "on",
            "off",
            "y",
            "1_000",
            "12:30",
            "1.2.3",
            "2026-01-01",
            ".",
            "-",
            "e5",
            "1e",
            "0b1",
            "0x",
            "0o9",
            "٣",
        ] {
            assert_eq!(value(text), Ok(Value::Text(text.into())), "{text}");
        }
    }

    #[test]
    fn numbers_that_others_read_differently_are_refused() {
        for text in ["007", "-01", "00.5", ".inf", "-.INF", ".nan", "1e999", "0xFFFFFFFFFFFFFFFFF"] {
            assert!(value(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_number_is_json(text in "[-+.0-9eExo]{1,12}") {
            if let Ok(Value::Number(json)) = value(&text) {
                prop_assert!(serde_json::from_str::<serde_json::Value>(&json).is_ok(), "{} {}", text, json);
            }
        }
    }
}
