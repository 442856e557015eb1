//! Names of things: one newtype each, so that a function's id cannot be passed where an execution's is wanted.
//!
//! An id is a prefix that says what it names and a ULID in lower case (26 characters, Crockford base 32), which sorts by
//! the millisecond of its making. See <https://github.com/ulid/spec>.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use ulid::Ulid;

use crate::Error;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Ulid);

        impl $name {
            /// What every id of this kind starts with.
            pub const PREFIX: &'static str = $prefix;

            /// A new id, later than all that this process made in earlier milliseconds.
            #[must_use]
            pub fn generate() -> Self {
                Self(Ulid::generate())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}{}", $prefix, self.0.to_string().to_ascii_lowercase())
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self, Error> {
                parse(text, $prefix).map(Self)
            }
        }

        impl TryFrom<String> for $name {
            type Error = Error;

            fn try_from(text: String) -> Result<Self, Error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }
    };
}

id!(
    /// What a caller asked for: one call of one function with one input, however many attempts it takes.
    ExecutionId,
    "exe_"
);
id!(
    /// A deployed function, across all its versions.
    FunctionId,
    "fn_"
);
id!(
    /// A schedule and what it starts.
    ApplicationId,
    "app_"
);

fn parse(text: &str, prefix: &'static str) -> Result<Ulid, Error> {
    text.strip_prefix(prefix)
        .filter(|rest| rest.bytes().all(|byte| !byte.is_ascii_uppercase()))
        .and_then(|rest| Ulid::from_string(rest).ok())
        .ok_or_else(|| Error::new("id", format!("{:?} is not an id of the form {prefix}<26 characters>", clip(text))))
}

/// Keeps a hostile text from filling an error message.
pub(crate) fn clip(text: &str) -> &str {
    text.char_indices().nth(64).map_or(text, |(end, _)| &text[..end])
}

macro_rules! label {
    ($(#[$doc:meta])* $name:ident, $field:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(test, derive(schemars::JsonSchema))]
        #[serde(try_from = "String", into = "String")]
        #[cfg_attr(test, schemars(extend("pattern" = "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")))]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = Error;

            fn try_from(text: String) -> Result<Self, Error> {
                check_label($field, &text)?;
                Ok(Self(text))
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }
    };
}

label!(
    /// The name of a project (a tenant): 1 to 63 lower-case letters, digits and inner dashes, as in a DNS label (RFC 1123).
    ProjectName,
    "project"
);
label!(
    /// The name of a function, unique in its project: 1 to 63 lower-case letters, digits and inner dashes, as in a DNS label
    /// (RFC 1123), because it is part of the function's address.
    FunctionName,
    "name"
);
label!(
    /// The name of a schedule, unique in its function: 1 to 63 lower-case letters, digits and inner dashes, as in a DNS label
    /// (RFC 1123).
    ScheduleName,
    "name"
);

impl Default for ProjectName {
    /// The project that exists from the start.
    fn default() -> Self {
        Self("default".into())
    }
}

fn check_label(field: &'static str, text: &str) -> Result<(), Error> {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let good =
        (1..=63).contains(&text.len()) && text.bytes().all(inner) && !text.starts_with('-') && !text.ends_with('-');
    if good {
        return Ok(());
    }
    let shown = clip(text);
    Err(Error::new(field, format!("{shown:?} is not 1 to 63 lower-case letters, digits and inner dashes")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_id_reads_back_and_sorts_by_time() {
        let first = ExecutionId::generate();
        std::thread::sleep(std::time::Duration::from_millis(2));
        let second = ExecutionId::generate();
        assert_eq!(first.to_string().parse(), Ok(first));
        assert!(first.to_string() < second.to_string());
        assert!(first.to_string().starts_with("exe_"));
    }

    #[test]
    fn an_id_of_another_kind_is_refused_with_its_text() {
        let error = FunctionId::generate().to_string().parse::<ExecutionId>().unwrap_err();
        assert!(error.to_string().contains("exe_"), "{error}");
    }

    #[test]
    fn upper_case_is_refused_so_that_an_id_has_one_spelling() {
        let text = ExecutionId::generate().to_string().to_ascii_uppercase();
        assert!(text.replace("EXE_", "exe_").parse::<ExecutionId>().is_err());
    }

    #[test]
    fn project_names_are_dns_labels() {
        for good in ["default", "a", "team-7"] {
            assert!(ProjectName::try_from(good.to_string()).is_ok(), "{good}");
        }
        for bad in ["", "-a", "a-", "Ä", "A", "a/b", "..", &"x".repeat(64)] {
            assert!(ProjectName::try_from(bad.to_string()).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics_and_errors_stay_short(text in ".{0,300}") {
            if let Err(error) = text.parse::<ExecutionId>() {
                prop_assert!(error.to_string().len() < 1000);
            }
            let _ = ProjectName::try_from(text);
        }
    }
}
