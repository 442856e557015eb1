//! What a built function consists of: a document that names its parts by their digests.
//!
//! The document's own digest is the artifact's. It depends on the function's source and its dependencies, on the
//! interpreter that it is for, and on nothing else: not on who built it, where, or when. Machine code is no part of it, since
//! each machine makes that for itself.

mod layer;

use bytes::Bytes;
use hks_engine::Digest;
use hks_protocol::manifest::Runtime;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::wasm::World;

pub(crate) use layer::{Layer, Root};

/// Changes when a reader of before could not make sense of a document.
pub(crate) const FORMAT: u32 = 1;

/// The parts of a function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Parts {
    format: u32,
    /// What it is written in.
    pub runtime: Runtime,
    /// What is called in its component, and how.
    pub world: World,
    /// The component: its own, or the interpreter's.
    pub component: Digest,
    /// What the component imports, sorted; nothing is said of an interpreter.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub imports: Vec<String>,
    /// For an interpreter: the text that it executes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Digest>,
    /// What that very interpreter made of the text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compiled: Option<Digest>,
    /// Its modules and packages.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<Digest>,
    /// Where its executions start.
    pub start: Start,
    /// Which lines of the user's files those of the text are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lines: Option<Digest>,
    /// Its dependencies as they were resolved, with hashes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock: Option<Digest>,
}

/// Where executions start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Start {
    /// From what the component begins with, or the interpreter: the function's top level runs in each of them.
    Top {
        /// Why not further on, for people.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// Behind the function's top level, which ran once: a snapshot.
    Snapshot(Digest),
}

impl Parts {
    pub(crate) fn new(runtime: Runtime, world: World, component: Digest) -> Self {
        let (imports, layers, start) = (Vec::new(), Vec::new(), Start::Top { reason: None });
        let (source, compiled, lines, lock) = (None, None, None, None);
        Self { format: FORMAT, runtime, world, component, imports, source, compiled, layers, start, lines, lock }
    }

    /// The digests of all parts.
    #[must_use]
    pub fn references(&self) -> Vec<Digest> {
        let snapshot = match self.start {
            Start::Snapshot(digest) => Some(digest),
            Start::Top { .. } => None,
        };
        let single = [Some(self.component), self.source, self.compiled, snapshot, self.lines, self.lock];
        single.into_iter().flatten().chain(self.layers.iter().copied()).collect()
    }

    /// The document. The same parts give the same bytes.
    pub(crate) fn to_bytes(&self) -> Bytes {
        serde_json::to_vec(self).expect("all keys are strings").into()
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        #[derive(Deserialize)]
        struct Version {
            format: u32,
        }
        let unreadable = |error: &dyn std::fmt::Display| Error::Host(format!("an artifact's document: {error}"));
        let Version { format } = serde_json::from_slice(bytes).map_err(|error| unreadable(&error))?;
        if format != FORMAT {
            return Err(unreadable(&format_args!("its format is {format}, and this version reads {FORMAT}")));
        }
        serde_json::from_slice(bytes).map_err(|error| unreadable(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts() -> Parts {
        let mut parts = Parts::new(Runtime::Python, World::Interpreter, Digest::of(b"interpreter"));
        parts.source = Some(Digest::of(b"source"));
        parts.layers = vec![Digest::of(b"code"), Digest::of(b"packages")];
        parts.start = Start::Snapshot(Digest::of(b"snapshot"));
        parts
    }

    #[test]
    fn a_document_is_read_back_and_names_all_its_parts() {
        let parts = parts();
        assert_eq!(Parts::from_bytes(&parts.to_bytes()).unwrap(), parts);
        assert_eq!(parts.references().len(), 5);
    }

    #[test]
    fn other_formats_and_unknown_fields_are_refused() {
        let text = String::from_utf8(parts().to_bytes().to_vec()).unwrap();
        let newer = text.replacen("\"format\":1", "\"format\":2", 1);
        assert!(Parts::from_bytes(newer.as_bytes()).unwrap_err().to_string().contains("its format is 2"));
        let longer = text.replacen('{', "{\"more\":1,", 1);
        assert!(Parts::from_bytes(longer.as_bytes()).unwrap_err().to_string().contains("more"));
    }
}
