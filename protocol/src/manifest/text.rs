//! What the short texts of a manifest have in common: a newtype each, a greatest length, and a check of the form.

/// Defines a newtype over a checked `String`. `check` says what is wrong with a text, or nothing.
macro_rules! text {
    (
        $(#[$doc:meta])*
        $name:ident { field: $field:literal, bytes_max: $max:expr, check: $check:expr $(, pattern: $pattern:literal)? }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[cfg_attr(test, derive(schemars::JsonSchema))]
        #[serde(try_from = "String", into = "String")]
        #[cfg_attr(test, schemars(extend("minLength" = 1, "maxLength" = $max $(, "pattern" = $pattern)?)))]
        pub struct $name(String);

        impl $name {
            /// The longest text, in bytes.
            pub const BYTES_MAX: usize = $max;

            /// As it was written.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = crate::Error;

            fn try_from(text: String) -> Result<Self, crate::Error> {
                $crate::manifest::text::check_length($field, &text, Self::BYTES_MAX)?;
                let check: fn(&str) -> Result<(), String> = $check;
                check(&text).map_err(|reason| crate::Error::new($field, reason))?;
                Ok(Self(text))
            }
        }

        impl From<$name> for String {
            fn from(text: $name) -> Self {
                text.0
            }
        }
    };
}

pub(super) use text;

use crate::Error;

pub(super) fn check_length(field: &'static str, text: &str, max: usize) -> Result<(), Error> {
    match text.len() {
        0 => Err(Error::new(field, "must not be empty")),
        bytes if bytes > max => Err(Error::new(field, format!("{bytes} bytes are more than the maximum of {max}"))),
        _ => Ok(()),
    }
}

/// Characters that cannot be seen do not belong in a name, a command or a log.
pub(super) fn check_visible(text: &str) -> Result<(), String> {
    if text.contains(char::is_control) {
        return Err("holds a control character".into());
    }
    if text.trim() != text {
        return Err("starts or ends with a space".into());
    }
    Ok(())
}
