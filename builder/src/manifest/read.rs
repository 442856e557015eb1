//! A [`Node`] for serde. Whatever goes wrong gets the place of the value, or of the key, that it went wrong at.

use std::slice;

use hks_protocol::Json;
use hks_protocol::manifest::Step;
use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IntoDeserializer, MapAccess, SeqAccess, Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;

use super::fault::Fault;
use super::node::{Entry, Item, Node, Value};

pub(super) struct Reader<'a> {
    node: &'a Node,
}

impl<'a> Reader<'a> {
    pub(super) fn new(node: &'a Node) -> Self {
        Self { node }
    }
}

impl<'de> Deserializer<'de> for Reader<'de> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.node.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Number(json) => visit_number(json, visitor),
            Value::Text(text) => visitor.visit_borrowed_str(text),
            Value::List(list) => visitor.visit_seq(Items(list.items.iter())),
            Value::Map(map) => visitor.visit_map(Entries { rest: map.entries.iter(), last: None }),
        }
    }

    /// An empty value is as good as an absent one, so that the lines below a key can be comments.
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.node.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Fault> {
        match name {
            Json::NEWTYPE => visitor.visit_string(self.node.to_json()),
            _ => visitor.visit_newtype_struct(self),
        }
    }

    /// Serde would take a list too, by the order of the fields.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match &self.node.value {
            Value::List(_) => Err(Fault::invalid_type(Unexpected::Seq, &visitor)),
            _ => self.deserialize_any(visitor),
        }
    }

    /// All choices of a manifest are words.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        known: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        if let Value::Text(text) = &self.node.value {
            let word: StrDeserializer<'_, Fault> = text.as_str().into_deserializer();
            return visitor.visit_enum(word);
        }
        let expected = format!("one of {}", known.join(", "));
        Err(Fault::invalid_type(kind(&self.node.value), &expected.as_str()))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map identifier ignored_any
    }
}

fn kind(value: &Value) -> Unexpected<'_> {
    match value {
        Value::Null => Unexpected::Unit,
        Value::Bool(value) => Unexpected::Bool(*value),
        Value::Number(_) => Unexpected::Unsigned(0),
        Value::Text(text) => Unexpected::Str(text),
        Value::List(_) => Unexpected::Seq,
        Value::Map(_) => Unexpected::Map,
    }
}

fn visit_number<'de, V: Visitor<'de>>(json: &str, visitor: V) -> Result<V::Value, Fault> {
    if let Ok(number) = json.parse::<u64>() {
        return visitor.visit_u64(number);
    }
    if let Ok(number) = json.parse::<i64>() {
        return visitor.visit_i64(number);
    }
    match json.parse::<f64>() {
        Ok(number) if json.contains(['.', 'e']) => visitor.visit_f64(number),
        _ => Err(Fault::custom("the number does not fit into 64 bits")),
    }
}

struct Items<'a>(slice::Iter<'a, Item>);

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        let Some(Item { index, node }) = self.0.next() else { return Ok(None) };
        seed.deserialize(Reader::new(node)).map(Some).map_err(|fault| fault.inside(Step::Index(*index), node.place))
    }
}

struct Entries<'a> {
    rest: slice::Iter<'a, Entry>,
    /// The one whose key was read and whose value is next.
    last: Option<&'a Entry>,
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        self.last = self.rest.next();
        let Some(entry) = self.last else { return Ok(None) };
        let key: StrDeserializer<'_, Fault> = entry.key.as_str().into_deserializer();
        seed.deserialize(key).map(Some).map_err(|fault| fault.inside(Step::Key(entry.key.clone()), entry.place))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let entry = self.last.take().expect("serde reads a key before its value");
        seed.deserialize(Reader::new(&entry.node)).map_err(|fault| {
            // A key that is missing is nowhere in the map; the map's own key is what a reader looks for.
            let place = if fault.missing().is_some() { entry.place } else { entry.node.place };
            fault.inside(Step::Key(entry.key.clone()), place)
        })
    }
}
