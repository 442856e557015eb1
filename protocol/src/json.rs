use std::fmt;

use serde::de::{Deserializer, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::Error;

/// A JSON text, checked but kept as it was written.
///
/// Inputs and results pass through unread, so that integers beyond 64 bits, key order and number spelling survive.
#[derive(Clone, Serialize)]
#[serde(transparent)]
pub struct Json(Box<RawValue>);

impl Json {
    /// A deserializer that is asked for a newtype struct of this name may visit a string that holds the JSON text, which
    /// is how formats other than JSON keep a number as it was written.
    pub const NEWTYPE: &'static str = "hks_protocol::Json";

    /// Checks that `text` is exactly one JSON value (RFC 8259).
    ///
    /// # Errors
    /// Names `field` and the line and column where the text stops being JSON.
    pub fn parse(field: &'static str, text: String) -> Result<Self, Error> {
        RawValue::from_string(text).map(Self).map_err(|error| Error::new(field, format!("not JSON: {error}")))
    }

    /// The JSON `null`.
    #[must_use]
    pub fn null() -> Self {
        Self(RawValue::NULL.to_owned())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        self.0.get()
    }

    /// Its length in bytes.
    pub fn len_bytes(&self) -> usize {
        self.as_str().len()
    }
}

impl Default for Json {
    fn default() -> Self {
        Self::null()
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(Self::NEWTYPE, JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        Box::<RawValue>::deserialize(deserializer).map(Json)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Json, E> {
        RawValue::from_string(text.into()).map(Json).map_err(E::custom)
    }
}

/// Equal texts; `1` and `1.0` differ.
impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Json {}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<serde_json::Value> for Json {
    fn from(value: serde_json::Value) -> Self {
        Self(serde_json::value::to_raw_value(&value).expect("a Value has only string keys and finite numbers"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn big_integers_survive() {
        let text = "{\"n\":123456789012345678901234567890}";
        let json = Json::parse("input", text.into()).unwrap();
        assert_eq!(serde_json::to_string(&json).unwrap(), text);
    }

    #[test]
    fn what_is_not_json_is_refused_with_its_place() {
        for text in ["", "NaN", "{'a': 1}", "[1,]", "1 2", "\u{feff}1"] {
            let error = Json::parse("input", text.into()).unwrap_err();
            assert!(error.reason().contains("line"), "{text}: {error}");
        }
    }

    #[test]
    fn deep_nesting_is_text_like_any_other() {
        let text = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(Json::parse("input", text).is_ok());
    }
}
