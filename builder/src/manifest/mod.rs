//! What a function says of itself: `function.yaml`.
//!
//! [`parse`] goes from text to a [`Manifest`] in three steps: the text becomes a tree whose nodes know their places
//! (`tree`), the tree is read into a [`ManifestSpec`] by serde (`read`), and the spec is checked as a whole, by itself.
//! A mistake in any step is reported with the place of the value in the text, and one does not hide the others.
//!
//! It is a part of YAML 1.2: no anchors, aliases, merge keys or tags, one document. Those make a text mean something
//! else than it shows, or grow without bound. JSON is read too, being a part of YAML.

mod error;
mod fault;
mod node;
mod read;
mod scalar;
mod suggest;
#[cfg(test)]
mod tests;
mod tree;

use hks_protocol::Manifest;
use hks_protocol::manifest::{ManifestSpec, Path};
use serde::Deserialize;

pub use error::{Error, Mistake};
use fault::Fault;
use node::{Node, Place, Value};
use read::Reader;

/// What the file is called in a function's folder.
pub const FILE_NAME: &str = "function.yaml";

/// The longest text. Large manifests have a few KiB, and 128 KiB is what an environment may hold.
pub const BYTES_MAX: usize = 256 << 10;

/// More mistakes than this are one mistake, such as the wrong file.
const MISTAKES_MAX: usize = 20;

/// Reads a manifest. `file` is only what mistakes call it.
///
/// # Errors
/// All mistakes that were found, in the order of the text.
pub fn parse(file: &str, text: &[u8]) -> Result<Manifest, Error> {
    let mut mistakes = Vec::new();
    match read_all(text, &mut mistakes) {
        Some(manifest) if mistakes.is_empty() => Ok(manifest),
        _ => Err(Error::new(file, mistakes)),
    }
}

/// `None` comes with at least one mistake.
fn read_all(text: &[u8], mistakes: &mut Vec<Mistake>) -> Option<Manifest> {
    let text = check_text(text).map_err(|mistake| mistakes.push(mistake)).ok()?;
    let mut root = tree::parse(text, mistakes)?;
    let spec = read_spec(&mut root, mistakes)?;
    let located = |problem: hks_protocol::manifest::Problem| {
        let (place, path) = root.locate(&problem.path);
        Mistake::new(place, path, &problem.reason)
    };
    spec.validate().map_err(|problems| mistakes.extend(problems.into_iter().map(located))).ok()
}

fn check_text(text: &[u8]) -> Result<&str, Mistake> {
    if text.len() > BYTES_MAX {
        let reason = format!("{} bytes are more than the maximum of {BYTES_MAX}", text.len());
        return Err(Mistake::new(Place::START, Path::default(), &reason));
    }
    str::from_utf8(text).map_err(|error| {
        let before = String::from_utf8_lossy(&text[..error.valid_up_to()]);
        Mistake::new(Place::after(&before), Path::default(), "not UTF-8")
    })
}

/// Serde stops at the first mistake. What is wrong is taken out of the tree and the rest is read again, until nothing
/// wrong is left, or until what is left cannot be read without it.
fn read_spec(root: &mut Node, mistakes: &mut Vec<Mistake>) -> Option<ManifestSpec> {
    while mistakes.len() < MISTAKES_MAX {
        let fault = match ManifestSpec::deserialize(Reader::new(root)) {
            Ok(spec) => return Some(spec),
            Err(fault) => fault,
        };
        if !is_aftermath(&fault, root) {
            mistakes.push(fault.mistake());
        }
        if !root.take_out(&fault.path()) {
            break;
        }
    }
    None
}

/// Whether it is only there because of what was taken out: a key that is missing now, or a list that is too short now.
fn is_aftermath(fault: &Fault, root: &Node) -> bool {
    match (root.at(&fault.path()).map(|node| &node.value), fault.missing()) {
        (Some(Value::Map(map)), Some(key)) => map.lost.iter().any(|lost| lost == key),
        (Some(Value::List(list)), None) => list.lost > 0,
        _ => false,
    }
}
