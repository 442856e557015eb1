//! Exit codes of commands. WASI's own adapter makes success or failure of them, because WASI 0.2 had no more in the beginning; so
//! `proc_exit` goes to `exit-with-code` of 0.2.12 instead, whose core function has the same type.

use std::sync::OnceLock;

use wasm_encoder::{EntityType, ImportSection, Module, RawSection};
use wasmparser::{ImportSectionReader, Parser, Payload};
use wit_component::{StringEncoding, embed_component_metadata};
use wit_parser::{Resolve, WorldId};

use super::recognise::WASIP1;
use super::{Error, guarded};

const PROC_EXIT: &str = "proc_exit";
const INTERFACE: &str = "wasi:cli/exit@0.2.12";
const FUNCTION: &str = "exit-with-code";

/// As the adapter has the interface, with which it is merged.
const WIT: &str = "package hks:codes;
    package wasi:cli@0.2.12 {
        interface exit { exit: func(status: result); exit-with-code: func(status-code: u8); }
    }
    world codes { import wasi:cli/exit@0.2.12; }";

type Broken = Box<dyn std::error::Error>;

/// The module with `proc_exit` replaced, if it imports that.
pub(super) fn with_codes(module: &[u8]) -> Result<Option<Vec<u8>>, Error> {
    let replaced = guarded("its imports cannot be read", || replace(module))?;
    let Some(mut replaced) = replaced else { return Ok(None) };
    let (resolve, world) = codes();
    guarded("exit codes", || embed_component_metadata(&mut replaced, resolve, *world, StringEncoding::UTF8))?;
    Ok(Some(replaced))
}

fn codes() -> &'static (Resolve, WorldId) {
    static CODES: OnceLock<(Resolve, WorldId)> = OnceLock::new();
    CODES.get_or_init(|| {
        let mut resolve = Resolve::default();
        let package = resolve.push_str("codes.wit", WIT).expect("this WIT is valid");
        let world = resolve.select_world(&[package], Some("codes")).expect("it has that world");
        (resolve, world)
    })
}

/// All sections as they are, but for the imports.
fn replace(module: &[u8]) -> Result<Option<Vec<u8>>, Broken> {
    let (mut copy, mut is_replaced) = (Module::new(), false);
    for payload in Parser::new(0).parse_all(module) {
        let payload = payload?;
        if let Payload::ImportSection(imports) = &payload {
            let (section, has_exit) = replaced_imports(imports)?;
            is_replaced |= has_exit;
            copy.section(&section);
        } else if let Some((id, range)) = payload.as_section() {
            copy.section(&RawSection { id, data: &module[range] });
        }
    }
    Ok(is_replaced.then(|| copy.finish()))
}

fn replaced_imports(imports: &ImportSectionReader<'_>) -> Result<(ImportSection, bool), Broken> {
    let (mut section, mut has_exit) = (ImportSection::new(), false);
    for import in imports.clone().into_imports() {
        let import = import?;
        let is_exit = import.module == WASIP1 && import.name == PROC_EXIT;
        let (module, name) = if is_exit { (INTERFACE, FUNCTION) } else { (import.module, import.name) };
        section.import(module, name, EntityType::try_from(import.ty)?);
        has_exit |= is_exit;
    }
    Ok((section, has_exit))
}
