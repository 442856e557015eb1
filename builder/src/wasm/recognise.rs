use super::error::{Denied, Shown};
use super::offer::are_compatible;
use super::scan::{Module, Scan, scan};
use super::{Bounds, Error, Kind, Reason, World, foreign};

/// The module name of WASI 0.1.
pub(super) const WASIP1: &str = "wasi_snapshot_preview1";
const MAGIC: &[u8; 4] = b"\0asm";

/// Says what the bytes are: valid for the engine, within `bounds`, and something that can be called.
///
/// # Errors
/// Not WebAssembly, damaged, too large, built for another host, or without anything to call.
pub fn recognise(bytes: &[u8], bounds: &Bounds) -> Result<Kind, Error> {
    check_magic(bytes)?;
    let scan = scan(bytes, bounds)?;
    if scan.is_component {
        return world_of(&scan).map(Kind::Component);
    }
    match scan.modules.first() {
        Some(module) => kind_of(module),
        None => Err(Error::Damaged("it has no module".into())),
    }
}

fn check_magic(bytes: &[u8]) -> Result<(), Error> {
    if bytes.starts_with(MAGIC) {
        return Ok(());
    }
    let reason = if bytes.is_empty() {
        "an empty file"
    } else if MAGIC.starts_with(bytes) {
        "it ends too early, in its first bytes; send it again, or build it again"
    } else if is_wat(bytes) {
        "the text form of WebAssembly (WAT); make it binary with `wasm-tools parse` or `wat2wasm`"
    } else if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(&[0x1f, 0x8b]) {
        "an archive, not a WebAssembly file; send the .wasm that is in it"
    } else if bytes.starts_with(b"\x7fELF") || bytes.starts_with(b"MZ") || bytes.starts_with(b"!<arch>") {
        "machine code, not WebAssembly; build it for wasm32-wasip1 or wasm32-wasip2"
    } else if str::from_utf8(&bytes[..bytes.len().min(256)]).is_ok() {
        "text, not WebAssembly; deploy it as a source file, or build it for wasm32-wasip1 or wasm32-wasip2"
    } else {
        "not WebAssembly: it does not begin with \\0asm"
    };
    Err(Error::Damaged(reason.into()))
}

fn is_wat(bytes: &[u8]) -> bool {
    let mut rest = bytes.trim_ascii_start();
    while rest.starts_with(b";;") {
        let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
        rest = rest[end..].trim_ascii_start();
    }
    [&b"(module"[..], b"(component", b"(;"].iter().any(|start| rest.starts_with(start))
}

/// The one interface of a component that can be called.
pub(super) fn world_of(scan: &Scan<'_>) -> Result<World, Error> {
    scan.modules.iter().try_for_each(foreign::check_go)?;
    let is_exported = |world: &World| scan.exports.iter().any(|export| is_of(export, *world));
    let mut worlds = World::ALL.into_iter().filter(is_exported);
    match (worlds.next(), worlds.next()) {
        (Some(world), None) => Ok(world),
        // Toolchains of servers let them be tried on the command line.
        (Some(World::HttpProxy), Some(World::Command)) => Ok(World::HttpProxy),
        (Some(one), Some(other)) => Err(Error::Exports(format!(
            "it is {one} and {other}; export one of the two, so that it is clear what to call"
        ))),
        (None, _) => Err(Error::Exports(nothing_to_call(scan))),
    }
}

fn is_of(export: &str, world: World) -> bool {
    let (name, version) = export.split_once('@').unwrap_or((export, ""));
    name == world.interface() && are_compatible(version, world.version())
}

fn nothing_to_call(scan: &Scan<'_>) -> String {
    let unversioned = |export: &str| export.split('@').next().map(str::to_owned);
    for world in World::ALL {
        let near = |export: &&&str| unversioned(export).as_deref() == Some(world.interface());
        if let Some(export) = scan.exports.iter().find(near) {
            let offered = format!("{}@{}", world.interface(), world.version());
            return format!(
                "it exports {}, but what is called here is {offered}; build it with that version",
                Shown(export)
            );
        }
    }
    let wanted = "export hks:function/handler@0.1.0, wasi:http/incoming-handler@0.2 or wasi:cli/run@0.2";
    if scan.exports.is_empty() {
        return format!("it exports nothing; {wanted}");
    }
    let mut exports: Vec<String> = scan.exports.iter().take(5).map(|export| Shown(export).to_string()).collect();
    if scan.exports.len() > exports.len() {
        exports.push("…".into());
    }
    format!("it exports nothing that can be called, only {}; {wanted}", exports.join(", "))
}

fn kind_of(module: &Module<'_>) -> Result<Kind, Error> {
    foreign::check(module)?;
    let uses_wasip1 = module.imports.iter().any(|import| import.module == WASIP1);
    let kind = match (module.exports.contains(&"_start"), uses_wasip1) {
        (true, _) => Kind::Command,
        (false, _) if !exports_by_wit(module) => return Err(Error::Exports(no_exports(uses_wasip1))),
        (false, true) => Kind::Reactor,
        (false, false) => Kind::Core,
    };
    check_imports(module)?;
    Ok(kind)
}

fn exports_by_wit(module: &Module<'_>) -> bool {
    module.has_component_type() || module.exports.iter().any(|export| is_handler(export))
}

/// The names of `handler.handle` in core modules, in the two ways in which WIT is spelled there.
pub(super) fn is_handler(export: &str) -> bool {
    export == "hks:function/handler@0.1.0#handle" || export == "cm32p2|hks:function/handler@0.1|handle"
}

fn no_exports(uses_wasip1: bool) -> String {
    let why = if uses_wasip1 { "a library for WASI 0.1" } else { "a core module" };
    format!(
        "it is {why} that exports neither _start nor hks:function/handler@0.1.0#handle; build a command, or export \
         the interface of our WIT world"
    )
}

/// Imports of core modules that no adapter and no WIT world can satisfy.
fn check_imports(module: &Module<'_>) -> Result<(), Error> {
    let wasip1 = super::componentize::wasip1_functions();
    let mut denied = Vec::new();
    for import in &module.imports {
        let is_known = match import.module {
            WASIP1 => wasip1.contains(&import.name),
            "$root" | "__main_module__" => module.has_component_type(),
            name => name.contains(':') || (module.has_component_type() && name.starts_with("[export]")),
        };
        let name = format!("{}.{}", import.module, import.name);
        if !is_known && !denied.iter().any(|denied: &Denied| denied.import == name) {
            denied.push(Denied { import: name, reason: Reason::Unknown });
        }
    }
    if denied.is_empty() { Ok(()) } else { Err(Error::Imports(denied)) }
}
