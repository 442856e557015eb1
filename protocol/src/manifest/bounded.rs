//! Numbers, durations and lists that carry their bounds in their type, so that a value outside of them cannot exist and
//! the schema shows them.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::time::Duration;

use serde::de::{Deserializer, Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use crate::{Error, Seconds};

/// A whole number from `MIN` to `MAX`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Whole<const MIN: u64, const MAX: u64>(u64);

impl<const MIN: u64, const MAX: u64> Whole<MIN, MAX> {
    /// `None` when `number` lies outside of the bounds.
    #[must_use]
    pub const fn new(number: u64) -> Option<Self> {
        if MIN <= number && number <= MAX { Some(Self(number)) } else { None }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl<'de, const MIN: u64, const MAX: u64> Deserialize<'de> for Whole<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = u64::deserialize(deserializer)?;
        Self::new(number).ok_or_else(|| D::Error::custom(format!("{number} is not between {MIN} and {MAX}")))
    }
}

/// A duration from `MIN_MS` to `MAX_MS` milliseconds. It is written as seconds or as a text such as `500ms`, `30s`, `15m`,
/// `2h`, and kept in whole milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Period<const MIN_MS: u64, const MAX_MS: u64>(Duration);

impl<const MIN_MS: u64, const MAX_MS: u64> Period<MIN_MS, MAX_MS> {
    /// `None` when that many seconds lie outside of the bounds.
    #[must_use]
    pub const fn from_secs(seconds: u64) -> Option<Self> {
        match seconds.checked_mul(1000) {
            Some(ms) if MIN_MS <= ms && ms <= MAX_MS => Some(Self(Duration::from_millis(ms))),
            _ => None,
        }
    }

    /// The duration.
    #[must_use]
    pub const fn get(self) -> Duration {
        self.0
    }
}

impl<const MIN_MS: u64, const MAX_MS: u64> Serialize for Period<MIN_MS, MAX_MS> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0.as_secs_f64())
    }
}

impl<'de, const MIN_MS: u64, const MAX_MS: u64> Deserialize<'de> for Period<MIN_MS, MAX_MS> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (min, max) = (Duration::from_millis(MIN_MS), Duration::from_millis(MAX_MS));
        let seconds = Seconds::deserialize(deserializer)?;
        seconds.within("duration", min, max).map(Self).map_err(|error| D::Error::custom(error.reason()))
    }
}

/// A list of `MIN` to `MAX` entries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct List<T, const MIN: usize, const MAX: usize>(Vec<T>);

impl<T, const MAX: usize> Default for List<T, 0, MAX> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T, const MIN: usize, const MAX: usize> Deref for List<T, MIN, MAX> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T, const MIN: usize, const MAX: usize> TryFrom<Vec<T>> for List<T, MIN, MAX> {
    type Error = Error;

    fn try_from(list: Vec<T>) -> Result<Self, Error> {
        match list.len() {
            len if len > MAX => Err(Error::new("list", format!("more than {MAX} entries"))),
            len if len < MIN => Err(Error::new("list", format!("at least {MIN} must be given"))),
            _ => Ok(Self(list)),
        }
    }
}

impl<T, const MIN: usize, const MAX: usize> From<List<T, MIN, MAX>> for Vec<T> {
    fn from(list: List<T, MIN, MAX>) -> Self {
        list.0
    }
}

impl<'de, T: Deserialize<'de>, const MIN: usize, const MAX: usize> Deserialize<'de> for List<T, MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ListVisitor::<T, MIN, MAX>(PhantomData))
    }
}

pub(super) struct ListVisitor<T, const MIN: usize, const MAX: usize>(pub(super) PhantomData<T>);

impl<'de, T: Deserialize<'de>, const MIN: usize, const MAX: usize> Visitor<'de> for ListVisitor<T, MIN, MAX> {
    type Value = List<T, MIN, MAX>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::new();
        // One more than allowed is read to know that there is one; the rest is not.
        while list.len() <= MAX
            && let Some(entry) = entries.next_element()?
        {
            list.push(entry);
        }
        List::try_from(list).map_err(|error| A::Error::custom(error.reason()))
    }
}

#[cfg(test)]
mod schema {
    use std::borrow::Cow;

    use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

    use super::{List, Period, Whole};

    impl<const MIN: u64, const MAX: u64> JsonSchema for Whole<MIN, MAX> {
        fn inline_schema() -> bool {
            true
        }

        fn schema_name() -> Cow<'static, str> {
            format!("Whole{MIN}to{MAX}").into()
        }

        fn json_schema(_: &mut SchemaGenerator) -> Schema {
            json_schema!({ "type": "integer", "minimum": MIN, "maximum": MAX })
        }
    }

    impl<const MIN_MS: u64, const MAX_MS: u64> JsonSchema for Period<MIN_MS, MAX_MS> {
        fn inline_schema() -> bool {
            true
        }

        fn schema_name() -> Cow<'static, str> {
            format!("Period{MIN_MS}to{MAX_MS}").into()
        }

        fn json_schema(_: &mut SchemaGenerator) -> Schema {
            json_schema!({
                "type": ["number", "string"],
                "minimum": MIN_MS.div_ceil(1000),
                "maximum": MAX_MS / 1000,
                "pattern": "^[0-9]+(ms|s|m|h)$",
            })
        }
    }

    impl<T: JsonSchema, const MIN: usize, const MAX: usize> JsonSchema for List<T, MIN, MAX> {
        fn inline_schema() -> bool {
            true
        }

        fn schema_name() -> Cow<'static, str> {
            format!("List{MIN}to{MAX}of{}", T::schema_name()).into()
        }

        fn json_schema(generator: &mut SchemaGenerator) -> Schema {
            let mut schema = Vec::<T>::json_schema(generator);
            schema.insert("maxItems".into(), MAX.into());
            if MIN > 0 {
                schema.insert("minItems".into(), MIN.into());
            }
            schema
        }
    }
}
