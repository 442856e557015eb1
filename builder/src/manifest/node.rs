//! A text as a tree in which every value knows its place.

use std::fmt;

use hks_protocol::manifest::{Path, Step};

/// A place in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// Counted from 1.
    pub(super) line: usize,
    /// In characters, counted from 1.
    pub(super) column: usize,
}

impl Place {
    pub(super) const START: Self = Self { line: 1, column: 1 };

    /// The place right behind `text`, if it starts at the start.
    pub(super) fn after(text: &str) -> Self {
        let last = text.rsplit('\n').next().unwrap_or_default();
        Self { line: text.matches('\n').count() + 1, column: last.chars().count() + 1 }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) value: Value,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Null,
    Bool(bool),
    /// As JSON writes it.
    Number(String),
    Text(String),
    List(List),
    Map(Map),
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct List {
    pub(super) items: Vec<Item>,
    /// How many were taken out.
    pub(super) lost: usize,
}

/// An entry of a list. It knows its index, because others may have been taken out.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Item {
    pub(super) index: usize,
    pub(super) node: Node,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Map {
    pub(super) entries: Vec<Entry>,
    /// Keys whose values were taken out.
    pub(super) lost: Vec<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) place: Place,
    pub(super) node: Node,
}

impl Node {
    /// Removes the value that is at `path`, by the indices of the text. False when there is none, or when it is the root.
    pub(super) fn take_out(&mut self, path: &Path) -> bool {
        let Some((last, parents)) = path.0.split_last() else { return false };
        let parent = parents.iter().try_fold(self, |node, step| node.child_mut(step));
        match (parent.map(|node| &mut node.value), last) {
            (Some(Value::List(list)), Step::Index(index)) => {
                let item = take(&mut list.items, |item| item.index == *index);
                item.map(|_| list.lost += 1).is_some()
            }
            (Some(Value::Map(map)), Step::Key(key)) => {
                let entry = take(&mut map.entries, |entry| entry.key == *key);
                entry.map(|entry| map.lost.push(entry.key)).is_some()
            }
            _ => false,
        }
    }

    /// What is at `path`, by the indices of the text.
    pub(super) fn at(&self, path: &Path) -> Option<&Self> {
        path.0.iter().try_fold(self, |node, step| node.child(step))
    }

    /// The place of what is at `path`, or of the last value on the way to it. `path` counts what is left in a list; the one
    /// that is returned has the indices of the text.
    pub(super) fn locate(&self, path: &Path) -> (Place, Path) {
        let mut node = Some(self);
        let mut place = self.place;
        let mut shown = Path::default();
        for step in &path.0 {
            let found = node.and_then(|node| node.nth(step));
            shown = shown.then(found.as_ref().map_or_else(|| step.clone(), |(step, _)| step.clone()));
            node = found.map(|(_, node)| node);
            place = node.map_or(place, |node| node.place);
        }
        (place, shown)
    }

    fn nth(&self, step: &Step) -> Option<(Step, &Self)> {
        match (&self.value, step) {
            (Value::List(list), Step::Index(nth)) => {
                list.items.get(*nth).map(|item| (Step::Index(item.index), &item.node))
            }
            _ => self.child(step).map(|node| (step.clone(), node)),
        }
    }

    fn child(&self, step: &Step) -> Option<&Self> {
        match (&self.value, step) {
            (Value::List(list), Step::Index(index)) => list.items.iter().find(|i| i.index == *index).map(|i| &i.node),
            (Value::Map(map), Step::Key(key)) => map.entries.iter().find(|e| e.key == *key).map(|e| &e.node),
            _ => None,
        }
    }

    fn child_mut(&mut self, step: &Step) -> Option<&mut Self> {
        match (&mut self.value, step) {
            (Value::List(list), Step::Index(index)) => {
                list.items.iter_mut().find(|i| i.index == *index).map(|i| &mut i.node)
            }
            (Value::Map(map), Step::Key(key)) => map.entries.iter_mut().find(|e| e.key == *key).map(|e| &mut e.node),
            _ => None,
        }
    }

    /// The value as JSON. Numbers are as they were written, so that big ones survive.
    pub(super) fn to_json(&self) -> String {
        let mut json = String::new();
        self.write_json(&mut json);
        json
    }

    fn write_json(&self, json: &mut String) {
        match &self.value {
            Value::Null => json.push_str("null"),
            Value::Bool(value) => json.push_str(if *value { "true" } else { "false" }),
            Value::Number(number) => json.push_str(number),
            Value::Text(text) => json.push_str(&quoted(text)),
            Value::List(list) => {
                write_all(json, ['[', ']'], &list.items, |json, item| item.node.write_json(json));
            }
            Value::Map(map) => write_all(json, ['{', '}'], &map.entries, |json, entry| {
                json.push_str(&quoted(&entry.key));
                json.push(':');
                entry.node.write_json(json);
            }),
        }
    }
}

fn take<T>(list: &mut Vec<T>, is_it: impl Fn(&T) -> bool) -> Option<T> {
    list.iter().position(is_it).map(|index| list.remove(index))
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn write_all<T>(json: &mut String, around: [char; 2], parts: &[T], write: impl Fn(&mut String, &T)) {
    json.push(around[0]);
    for (index, part) in parts.iter().enumerate() {
        json.push_str(if index == 0 { "" } else { "," });
        write(json, part);
    }
    json.push(around[1]);
}
