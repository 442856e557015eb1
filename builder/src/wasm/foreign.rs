//! Core modules that were built for another host: known by what they import.

use super::Error;
use super::scan::{Import, Module};

/// A host that is not this one.
struct Host {
    is_known_by: fn(&Import<'_>) -> bool,
    advice: &'static str,
}

/// In this order: an import of Emscripten's may look like one of AssemblyScript's.
const HOSTS: [Host; 6] = [
    Host {
        is_known_by: |import| {
            let module = import.module;
            matches!(module, "wbg" | "__wbindgen_placeholder__" | "__wbindgen_externref_xform__")
                || module.ends_with("_bg.js")
        },
        advice: "made for JavaScript by wasm-bindgen (wasm32-unknown-unknown); build for wasm32-wasip2 without wasm-bindgen: \
                 `rustup target add wasm32-wasip2`, `cargo build --release --target wasm32-wasip2`",
    },
    Host {
        is_known_by: |import| import.module == "gojs" || (import.module == "go" && import.name.contains('.')),
        advice: "made for a browser by Go (GOOS=js); build it with `GOOS=wasip1 GOARCH=wasm go build`",
    },
    Host {
        is_known_by: |import| import.module == "wasi" && import.name == "thread-spawn",
        advice: "it starts threads (wasi-threads), which are off here; build for wasm32-wasip1 or wasm32-wasip2, \
                 without -pthread",
    },
    Host {
        is_known_by: |import| import.module == "wasi_unstable",
        advice: "made for a preview of WASI from before 2020 (wasi_unstable); build it with a current compiler \
                 for wasm32-wasip1 or wasm32-wasip2",
    },
    Host {
        is_known_by: is_emscripten,
        advice: "made for JavaScript by Emscripten; build it with wasi-sdk: `clang --target=wasm32-wasip1`, or with \
                 `emcc -sSTANDALONE_WASM` and without JavaScript libraries",
    },
    Host {
        is_known_by: |import| import.module == "env" && import.name == "abort",
        advice: "made for JavaScript by AssemblyScript (it imports env.abort); build it for WASI: \
                 `npm install --save-dev @assemblyscript/wasi-shim`, then add \
                 `--config ./node_modules/@assemblyscript/wasi-shim/asconfig.json` to asc",
    },
];

fn is_emscripten(import: &Import<'_>) -> bool {
    let starts = ["emscripten_", "_emscripten_", "invoke_", "__syscall_", "__cxa_", "_embind_"];
    import.module == "env" && (starts.iter().any(|start| import.name.starts_with(start)) || import.name == "_abort_js")
}

/// Refuses what was built for another host.
pub(super) fn check(module: &Module<'_>) -> Result<(), Error> {
    let is_of = |host: &&Host| module.imports.iter().any(|import| (host.is_known_by)(import));
    match HOSTS.iter().find(is_of) {
        Some(host) => Err(Error::Foreign(host.advice.into())),
        None => check_go(module),
    }
}

/// Go's libraries trap at their first call: WASI's adapter takes memory through `cabi_realloc`, which is Go code, before
/// Go's runtime is up.
pub(super) fn check_go(module: &Module<'_>) -> Result<(), Error> {
    if module.is_go && module.exports.contains(&"_initialize") {
        let reason = "made by Go with -buildmode=c-shared, which traps at the first call; build a command instead: \
                      `GOOS=wasip1 GOARCH=wasm go build`, which reads the event from stdin and writes the value to stdout";
        return Err(Error::Foreign(reason.into()));
    }
    Ok(())
}
