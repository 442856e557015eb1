use std::sync::OnceLock;

use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME as ADAPTER, WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER as COMMAND,
    WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER as REACTOR,
};
use wasmparser::{Parser, Payload};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};

use super::packages::Uses;
use super::recognise::is_handler;
use super::scan::{scan, scan_types};
use super::{Bounds, Error, Kind, exit, go, guarded, recognise, signature};

/// Makes a component of a core module that [`recognise`] knows.
///
/// Commands get WASI's command adapter, and exit codes that are told; all others the reactor adapter, of the pinned Wasmtime. A
/// module that exports our handler without saying so in WIT gets our world `function`. A Go program gets room for its adapter.
///
/// # Errors
/// What [`recognise`] refuses, a component, or a module that does not do what its WIT says.
pub fn componentize(module: &[u8], bounds: &Bounds) -> Result<Vec<u8>, Error> {
    let kind = recognise(module, bounds)?;
    let roomy;
    let module = if kind == Kind::Command && is_go(module, bounds)? {
        roomy = go::make_room(module)?;
        &roomy
    } else {
        module
    };
    let (adapter, described) = match kind {
        Kind::Component(_) => return Err(Error::Damaged("it is a component already".into())),
        Kind::Command => (COMMAND, exit::with_codes(module)?),
        Kind::Reactor | Kind::Core => (REACTOR, describe(module, bounds)?),
    };
    check_types(described.as_deref().unwrap_or(module), adapter, bounds)?;
    guarded("the module is not what its types say", || {
        let encoder = ComponentEncoder::default().module(described.as_deref().unwrap_or(module))?;
        // Validated by us afterwards, with the proposals of our engine instead of all.
        encoder.validate(false).adapter(ADAPTER, adapter)?.encode()
    })
}

fn is_go(module: &[u8], bounds: &Bounds) -> Result<bool, Error> {
    Ok(scan(module, bounds)?.modules.first().is_some_and(|module| module.is_go))
}

/// The module with our world written into it, if it follows that without saying so.
fn describe(module: &[u8], bounds: &Bounds) -> Result<Option<Vec<u8>>, Error> {
    let scan = scan(module, bounds)?;
    let follows = |module: &super::scan::Module<'_>| {
        !module.has_component_type() && module.exports.iter().any(|export| is_handler(export))
    };
    if !scan.modules.first().is_some_and(follows) {
        return Ok(None);
    }
    let wit = signature::ours();
    let mut described = module.to_vec();
    guarded("our world", || {
        embed_component_metadata(&mut described, &wit.resolve, wit.function, StringEncoding::UTF8)
    })?;
    Ok(Some(described))
}

/// Types that say what a module follows come from the sender too, and are merged with those of the adapter.
fn check_types(module: &[u8], adapter: &[u8], bounds: &Bounds) -> Result<(), Error> {
    let mut uses = Uses::default();
    for scan in [scan(module, bounds)?, scan(adapter, bounds)?] {
        for types in scan.modules.iter().flat_map(|module| &module.component_types) {
            if !types.starts_with(b"\0asm") {
                let reason = "its WIT is embedded in an old form; build it with a current wit-bindgen";
                return Err(Error::Foreign(reason.into()));
            }
            scan_types(types, bounds, &mut uses)?;
        }
    }
    uses.check()
}

/// Functions of WASI 0.1 that the adapters have.
pub(super) fn wasip1_functions() -> &'static [&'static str] {
    static FUNCTIONS: OnceLock<Vec<&'static str>> = OnceLock::new();
    FUNCTIONS.get_or_init(|| {
        let payloads = Parser::new(0).parse_all(REACTOR).filter_map(Result::ok);
        let sections = payloads.filter_map(|payload| match payload {
            Payload::ExportSection(exports) => Some(exports),
            _ => None,
        });
        sections.flatten().filter_map(Result::ok).map(|export| export.name).collect()
    })
}
