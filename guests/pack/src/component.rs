//! Wraps a core module as a component of a world.
//!
//! The module names its imports and exports as the canonical ABI has them, so that nothing has to be adapted: what the
//! world does not offer is an error here and not at run time.

use std::path::Path;

use anyhow::{Context as _, Result};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// The component of a core module for a world of the WIT package in the folder `wit`, validated.
///
/// # Errors
/// There is no such package or world, or the module does not implement it; the error names what is missing.
pub fn encode(mut module: Vec<u8>, wit: &Path, world: &str) -> Result<Vec<u8>> {
    let mut resolve = Resolve::default();
    let (package, _) =
        resolve.push_dir(wit).with_context(|| format!("cannot read the WIT package {}", wit.display()))?;
    let id = resolve.select_world(&[package], Some(world))?;
    embed_component_metadata(&mut module, &resolve, id, StringEncoding::UTF8)?;
    ComponentEncoder::default()
        .validate(true)
        .module(&module)
        .and_then(|mut encoder| encoder.encode())
        .with_context(|| format!("the module does not implement the world `{world}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encode_text(module: &str, world: &str) -> Result<Vec<u8>> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(
            folder.path().join("test.wit"),
            "package hks:test; world guest { export answer: func() -> u32; }",
        )
        .unwrap();
        encode(wat::parse_str(module).unwrap(), folder.path(), world)
    }

    #[test]
    fn a_missing_export_is_an_error_that_names_it() {
        let error = format!("{:#}", encode_text("(module)", "guest").unwrap_err());
        assert!(error.contains("world `guest`") && error.contains("answer"), "{error}");
    }

    #[test]
    fn an_import_that_the_world_lacks_is_an_error_that_names_it() {
        let module = r#"(module
            (import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))
            (func (export "answer") (result i32) (i32.const 42)))"#;
        let error = format!("{:#}", encode_text(module, "guest").unwrap_err());
        assert!(error.contains("wasi_snapshot_preview1"), "{error}");
    }

    #[test]
    fn an_unknown_world_is_an_error() {
        assert!(encode_text("(module)", "nowhere").is_err());
    }
}
