//! From the events of the YAML parser to a [`Node`]. What a manifest may not use is refused here.

use std::collections::HashMap;

use granit_parser::{Event, Marker, Options, Parser, ScalarStyle, Span, StrInput, Tag};
use hks_protocol::manifest::{Path, Step};

use super::error::Mistake;
use super::node::{Entry, Item, List, Map, Node, Place, Value};
use super::{MISTAKES_MAX, scalar};

/// A manifest nests five levels deep, the input of a schedule perhaps some more. Bounds the recursion of all that walks
/// a tree.
const DEPTH_MAX: usize = 64;

/// The tree of the one document in `text`. `None` when its end could not be reached.
pub(super) fn parse(text: &str, mistakes: &mut Vec<Mistake>) -> Option<Node> {
    let parser = Parser::new_from_str_with_options(text, options());
    Builder { parser, mistakes, path: Path::default() }.document()
}

fn options() -> Options {
    granit_parser::options! {
        disallow_directives: true,
        // Reported by us, in the same words as aliases that lead somewhere.
        emit_unresolved_aliases: true,
        flow_nesting_limit: DEPTH_MAX,
        block_nesting_limit: DEPTH_MAX,
    }
}

struct Builder<'a> {
    parser: Parser<'a, StrInput<'a>>,
    mistakes: &'a mut Vec<Mistake>,
    /// Where the parser is.
    path: Path,
}

impl<'a> Builder<'a> {
    fn document(mut self) -> Option<Node> {
        let root = loop {
            match self.next()? {
                (Event::StreamStart | Event::DocumentStart(..), _) => {}
                (Event::StreamEnd, _) => {
                    self.refuse(Place::START, "is empty; a manifest has at least a name");
                    return None;
                }
                (event, span) => break self.node(event, span)?,
            }
        };
        loop {
            match self.next()? {
                (Event::StreamEnd, _) => return Some(root),
                (Event::DocumentStart(..), span) => {
                    self.refuse(place(span.start), "a second document starts here; a manifest is one");
                    return Some(root);
                }
                _ => {}
            }
        }
    }

    /// The next event; `None` when the text is not YAML.
    fn next(&mut self) -> Option<(Event<'a>, Span)> {
        match self.parser.next_event()? {
            Ok(event) => Some(event),
            Err(error) => {
                let reason = format!("not YAML: {}", error.kind());
                self.mistakes.push(Mistake::new(place(*error.marker()), Path::default(), &reason));
                None
            }
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span) -> Option<Node> {
        let place = place(span.start);
        if self.path.0.len() >= DEPTH_MAX {
            self.refuse(place, &format!("nested deeper than {DEPTH_MAX} levels"));
            return None;
        }
        let value = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain && self.check_properties(&span, anchor, tag.as_deref());
                if plain { self.plain(&text, place) } else { Value::Text(text.into_owned()) }
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.check_properties(&span, anchor, tag.as_deref());
                self.list()?
            }
            Event::MappingStart(_, anchor, tag) => {
                self.check_properties(&span, anchor, tag.as_deref());
                self.map()?
            }
            // What is left are aliases.
            _ => {
                self.refuse(place, "aliases (*) are not supported; write the value out");
                Value::Null
            }
        };
        Some(Node { place, value })
    }

    fn plain(&mut self, text: &str, place: Place) -> Value {
        scalar::value(text).unwrap_or_else(|reason| {
            self.refuse(place, &reason);
            Value::Null
        })
    }

    /// Whether there are none.
    fn check_properties(&mut self, span: &Span, anchor: usize, tag: Option<&Tag>) -> bool {
        if anchor != 0 {
            self.refuse(place(span.start), "anchors (&) are not supported; write the value out where it is needed");
        }
        if tag.is_some() {
            let start = span.tag_start().unwrap_or(span.start);
            self.refuse(place(start), "tags (!) are not supported; a text is put in quotes");
        }
        anchor == 0 && tag.is_none()
    }

    fn list(&mut self) -> Option<Value> {
        let mut items = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::SequenceEnd) {
                return Some(Value::List(List { items, lost: 0 }));
            }
            let index = items.len();
            let node = self.inside(Step::Index(index), |this| this.node(event, span))?;
            items.push(Item { index, node });
        }
    }

    fn map(&mut self) -> Option<Value> {
        let mut entries = Vec::new();
        let mut places = HashMap::new();
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                return Some(Value::Map(Map { entries, lost: Vec::new() }));
            }
            let start = place(span.start);
            let Some(key) = self.key(event, span)? else {
                self.skip()?;
                continue;
            };
            let (event, span) = self.next()?;
            let node = self.inside(Step::Key(key.clone()), |this| this.node(event, span))?;
            match places.get(&key) {
                Some(first) => self.refuse_again(&key, start, *first),
                None => {
                    places.insert(key.clone(), start);
                    entries.push(Entry { key, place: start, node });
                }
            }
        }
    }

    /// A key is the text that was written, whatever a value of that look would mean. `None` inside for one that is refused.
    fn key(&mut self, event: Event<'a>, span: Span) -> Option<Option<String>> {
        let start = place(span.start);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                if text == "<<" && style == ScalarStyle::Plain {
                    self.refuse(start, "merge keys (<<) are not supported; write the values out");
                    return Some(None);
                }
                self.check_properties(&span, anchor, tag.as_deref());
                Some(Some(text.into_owned()))
            }
            event => {
                self.refuse(start, "a key must be a text");
                self.node(event, span)?;
                Some(None)
            }
        }
    }

    /// Passes over the value of a key that is refused, and over what is wrong with it.
    fn skip(&mut self) -> Option<()> {
        let known = self.mistakes.len();
        let (event, span) = self.next()?;
        self.node(event, span)?;
        self.mistakes.truncate(known);
        Some(())
    }

    fn inside<T>(&mut self, step: Step, act: impl FnOnce(&mut Self) -> T) -> T {
        self.path.0.push(step);
        let result = act(self);
        self.path.0.pop();
        result
    }

    fn refuse_again(&mut self, key: &str, place: Place, first: Place) {
        let key = Step::Key(key.into());
        self.inside(key, |this| this.refuse(place, &format!("given twice; the first is at {first}")));
    }

    fn refuse(&mut self, place: Place, reason: &str) {
        if self.mistakes.len() < MISTAKES_MAX {
            self.mistakes.push(Mistake::new(place, self.path.clone(), reason));
        }
    }
}

fn place(marker: Marker) -> Place {
    Place { line: marker.line(), column: marker.col() + 1 }
}
