//! What compiling a component gives, before it is sealed: machine code, the pages that memory begins with, and their shape.
//!
//! It can be handed from one process of ours to another, so that a hostile component is compiled where time and memory are
//! limited. It says nothing of where it came from: whoever seals it vouches for that.

use serde::{Deserialize, Serialize};

use crate::split::{self, PAGE_BYTES};
use crate::{Engine, Error, Result};

/// A compiled component that is not sealed yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compiled {
    /// Machine code up to a page's border, pages, shape (JSON), one after the other.
    #[serde(skip)]
    pub(crate) content: Vec<u8>,
    pub(crate) code_bytes: u64,
    pub(crate) pages_bytes: u64,
    pub(crate) shape_bytes: u64,
}

impl Compiled {
    /// Compiles a component, on all cores. Takes time and memory in proportion to the component, and cannot be stopped.
    ///
    /// # Errors
    /// [`Error::InvalidComponent`].
    pub fn new(engine: &Engine, wasm: &[u8]) -> Result<Self> {
        let split = split::split(wasm)?;
        let mut content = engine
            .wasmtime()
            .precompile_component(&split.component)
            .map_err(|error| Error::InvalidComponent(format!("{error:#}")))?;
        let code_bytes = content.len() as u64;
        content.resize(content.len().next_multiple_of(PAGE_BYTES), 0);
        content.extend_from_slice(&split.pages);
        let shape = serde_json::to_vec(&split.shape).expect("a shape has only string keys");
        content.extend_from_slice(&shape);
        Ok(Self { content, code_bytes, pages_bytes: split.pages.len() as u64, shape_bytes: shape.len() as u64 })
    }

    /// As bytes, for another process: a line of JSON, then the content.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec(self).expect("numbers only");
        bytes.push(b'\n');
        bytes.extend_from_slice(&self.content);
        bytes
    }

    /// What [`to_bytes`](Self::to_bytes) gave.
    ///
    /// # Errors
    /// The bytes are cut off, or none of ours.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let damaged = || Error::InvalidComponent("what the compiler left is damaged".into());
        let end = bytes.iter().position(|byte| *byte == b'\n').ok_or_else(damaged)?;
        let sizes: Self = serde_json::from_slice(&bytes[..end]).map_err(|_| damaged())?;
        let content = &bytes[end + 1..];
        let code_end = sizes.code_bytes.checked_next_multiple_of(PAGE_BYTES as u64);
        let parts = [Some(sizes.pages_bytes), Some(sizes.shape_bytes)];
        let whole = parts.into_iter().try_fold(code_end, |sum, part| Some(sum?.checked_add(part?)));
        if whole.flatten() != Some(content.len() as u64) {
            return Err(damaged());
        }
        Ok(Self { content: content.to_vec(), ..sizes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EngineConfig;

    #[test]
    fn bytes_are_read_back_and_cut_ones_refused() {
        let engine = Engine::new(&EngineConfig::default()).unwrap();
        let compiled = Compiled::new(&engine, &wat::parse_str("(component)").unwrap()).unwrap();
        let bytes = compiled.to_bytes();
        assert_eq!(Compiled::from_bytes(&bytes).unwrap(), compiled);
        for length in [0, 1, bytes.len() / 2, bytes.len() - 1] {
            assert!(Compiled::from_bytes(&bytes[..length]).is_err(), "{length}");
        }
        let huge = br#"{"code_bytes":18446744073709551615,"pages_bytes":1,"shape_bytes":1}"#;
        assert!(Compiled::from_bytes(&[&huge[..], b"\nab"].concat()).is_err());
    }
}
