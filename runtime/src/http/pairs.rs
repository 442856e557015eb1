//! Names with their values, as events have them for headers and queries: `{"a": "1", "b": ["2", "3"]}`. Bounded while they are
//! read, because a list of empty texts takes far more memory than its JSON.

use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// More than servers take of either.
const PAIRS_MAX: usize = 256;

/// Pairs of a name and a value; names may be repeated.
#[derive(Debug, Default)]
pub(super) struct Pairs(Vec<(String, String)>);

impl Pairs {
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    fn push<E: Error>(&mut self, name: &str, value: String) -> Result<(), E> {
        if self.0.len() == PAIRS_MAX {
            return Err(E::custom(format!("more than {PAIRS_MAX} headers or parameters")));
        }
        self.0.push((name.to_owned(), value));
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PairsVisitor)
    }
}

struct PairsVisitor;

impl<'de> Visitor<'de> for PairsVisitor {
    type Value = Pairs;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("names with their values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
        let mut pairs = Pairs::default();
        while let Some(name) = map.next_key::<String>()? {
            map.next_value_seed(Values { name: &name, pairs: &mut pairs })?;
        }
        Ok(pairs)
    }
}

/// The values of one name.
struct Values<'a> {
    name: &'a str,
    pairs: &'a mut Pairs,
}

impl<'de> DeserializeSeed<'de> for Values<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Values<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a list of texts")
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        self.pairs.push(self.name, value.to_owned())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<(), A::Error> {
        while let Some(value) = values.next_element()? {
            self.pairs.push(self.name, value)?;
        }
        Ok(())
    }
}
