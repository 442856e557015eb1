//! Go: a module, or loose files, becomes a command for WASI 0.1.
//!
//! The package `hks` is here, as source: it is put beside the function's module, which requires it under a name that no proxy
//! serves. Dependencies are fetched in a step of their own, with the network and without compiling anything; the step that compiles has
//! no network. Code of the function never runs: cgo is off, `go generate` is not called, and Go has no other hooks.
//!
//! `go.work` and `toolchain` lines count for nothing. A folder `vendor` is used as it is, `hks` included.

mod module;
#[cfg(test)]
mod tests;

use std::path::Path;

use hks_protocol::Manifest;

use super::Product;
use super::compiled::{OUTPUT, SOURCE, lay_beside, lay_out, take_output, write_files};
use crate::child::{Network, Tool};
use crate::source::SourceTree;
use crate::toolchain::{CACHE, Toolchain, warm};
use crate::{Error, Workshop};

/// The module that functions import. Without a point in its name, so that it is never fetched from anywhere.
const HELPER: &str = "hks";
const HELPER_FILES: [(&str, &str); 6] = [
    ("go.mod", include_str!("../../../../guests/go/go.mod")),
    ("doc.go", include_str!("../../../../guests/go/doc.go")),
    ("handle.go", include_str!("../../../../guests/go/handle.go")),
    ("context.go", include_str!("../../../../guests/go/context.go")),
    ("failure.go", include_str!("../../../../guests/go/failure.go")),
    ("http.go", include_str!("../../../../guests/go/http.go")),
];

/// The oldest that compiles for WASI as we need it.
const OLDEST_MINOR: u32 = 24;

/// Packages of the library that functions use, and all that those use: 77 MB in a cache. All of the library would be
/// 134 MB, which each build copies.
const WARMED: &str = "archive/zip bufio bytes cmp compress/gzip container/heap context crypto/hmac crypto/rand crypto/sha256 \
    crypto/sha512 embed encoding/base64 encoding/binary encoding/csv encoding/hex encoding/json encoding/xml errors fmt hash/crc32 \
    html/template io io/fs iter log log/slog maps math math/big math/bits math/rand math/rand/v2 net/http net/mail net/url os path \
    path/filepath reflect regexp runtime/debug slices sort strconv strings sync sync/atomic text/tabwriter text/template time unicode \
    unicode/utf8";

/// Flags that decide what is compiled, and so where the cache has it.
const COMPILE_FLAGS: [&str; 2] = ["-trimpath", "-buildvcs=false"];

/// Compiles a function.
///
/// # Errors
/// Source that Go refuses, with file and line; dependencies that cannot be had; no Go, or one that is too old.
pub(crate) fn build(source: &SourceTree, manifest: &Manifest, workshop: &mut Workshop<'_>) -> Result<Product, Error> {
    let package = package(source, manifest)?;
    let go = Go::find(workshop)?;
    lay_out(source, workshop)?;
    let vendored = source.get("go.mod").is_some() && source.get("vendor/modules.txt").is_some();
    let lock = if vendored {
        None
    } else {
        lay_beside(workshop, HELPER, &HELPER_FILES)?;
        module::prepare(source, manifest, &go, workshop)?
    };
    go.warm(workshop)?;
    let mode = if vendored { "-mod=vendor" } else { "-mod=readonly" };
    let output = format!("../{OUTPUT}");
    let tool = go
        .tool(workshop.folder())
        .starts_in(SOURCE)
        .environment("GOPROXY", "off")
        .arguments(["build"])
        .arguments(COMPILE_FLAGS)
        .arguments([mode, "-ldflags=-s -w -buildid=", "-o", &output, &package]);
    workshop.run("compile", &tool, Network::Denied).map_err(explained)?;
    let wasm = take_output(workshop)?;
    if !wasm.starts_with(b"\0asm") {
        let reason = format!("{package} is a library: a function is a program, with `package main` and `func main()`");
        return Err(Error::Refused(reason));
    }
    Ok(Product::Wasm { wasm, lock })
}

/// The package that is the program, as Go names it: the folder of the manifest's handler, or the top.
fn package(source: &SourceTree, manifest: &Manifest) -> Result<String, Error> {
    let Some(handler) = manifest.handler() else {
        let at_top = |name: &str| name.ends_with(".go") && !name.contains('/');
        if source.iter().any(|(path, _)| at_top(path.as_str())) {
            return Ok(".".into());
        }
        let reason = "there is no Go file at the top; name the program's file in function.yaml, as in `handler: cmd/report/main.go`";
        return Err(Error::Refused(reason.into()));
    };
    if let Some(function) = handler.function() {
        let reason = format!(
            "handler: {}: a program in Go begins at main(), which calls hks.Handle({function}); name the file alone",
            handler.as_str()
        );
        return Err(Error::Refused(reason));
    }
    let file = handler.file();
    if !file.ends_with(".go") || source.get(file).is_none() {
        return Err(Error::Refused(format!("handler: there is no Go file {file:?}")));
    }
    Ok(file.rsplit_once('/').map_or_else(|| ".".into(), |(folder, _)| format!("./{folder}")))
}

/// A Go that is new enough.
struct Go {
    toolchain: Toolchain,
    version: String,
}

impl Go {
    fn find(workshop: &mut Workshop<'_>) -> Result<Self, Error> {
        let toolchain = workshop.toolchains().require("go")?;
        let mut go = Self { toolchain, version: String::new() };
        let tool = go.tool(workshop.folder()).arguments(["env", "GOVERSION"]);
        go.version = workshop.capture("look for Go", &tool, Network::Denied)?.trim().to_owned();
        if is_new_enough(&go.version) {
            return Ok(go);
        }
        Err(Error::Host(format!(
            "the Go on this machine ({}) is {:?}, and functions need go1.{OLDEST_MINOR} or newer; install that",
            go.toolchain.program.display(),
            go.version
        )))
    }

    /// It works in `folder`, on nothing but what is there: with its own caches, and deaf to configuration.
    fn tool(&self, folder: &Path) -> Tool {
        let below = |name: &str| folder.join(".go").join(name);
        let tool = self.toolchain.tool(folder);
        let paths = [("GOCACHE", "cache"), ("GOMODCACHE", "modules"), ("GOPATH", "path")];
        let tool = paths.iter().fold(tool, |tool, (name, path)| tool.environment(name, below(path)));
        let settings = [
            ("GOOS", "wasip1"),
            ("GOARCH", "wasm"),
            ("CGO_ENABLED", "0"),
            ("GO111MODULE", "on"),
            ("GOENV", "off"),
            ("GOWORK", "off"),
            // What is there to be deleted afterwards must be writable.
            ("GOFLAGS", "-modcacherw"),
            // Neither another Go nor a version control system is fetched or started for a line in go.mod.
            ("GOTOOLCHAIN", "local"),
            ("GOVCS", "*:off"),
        ];
        settings.iter().fold(tool, |tool, (name, value)| tool.environment(name, value))
    }

    /// Puts Go's own library into the build's cache.
    fn warm(&self, workshop: &mut Workshop<'_>) -> Result<(), Error> {
        let cache = workshop.folder().join(".go/cache");
        let about = [&self.version, WARMED];
        warm(workshop, &self.toolchain, &about, &cache, |workshop, folder| {
            write_files(folder, &[("go.mod", "module warm\n\ngo 1.21\n")])?;
            let tool = self
                .tool(folder)
                .environment("GOCACHE", folder.join(CACHE))
                .environment("GOPROXY", "off")
                .arguments(["build"])
                .arguments(COMPILE_FLAGS)
                .arguments(WARMED.split_ascii_whitespace());
            workshop.run("compile Go's library", &tool, Network::Denied)
        })
    }
}

/// As in `go1.24.3`, `go1.27rc1` or `devel go1.28-0123456 …`.
fn is_new_enough(version: &str) -> bool {
    let minor = version.split_ascii_whitespace().find_map(|word| word.strip_prefix("go1.")).and_then(|rest| {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).map_or(rest, |end| &rest[..end]);
        digits.parse::<u32>().ok()
    });
    minor.is_some_and(|minor| minor >= OLDEST_MINOR)
}

/// Go says what is wrong, and for some mistakes not why.
fn explained(error: Error) -> Error {
    const HINTS: [(&str, &str); 3] = [
        (
            "build constraints exclude all Go files",
            "files with `import \"C\"` are left out, because there is no cgo for WebAssembly; so are files for other systems",
        ),
        (
            "module lookup disabled by GOPROXY=off",
            "only what go.mod and go.sum name is fetched; run `go mod tidy`, and send both files",
        ),
        ("missing go.sum entry", "go.sum is not complete; run `go mod tidy`, and send it again"),
    ];
    let Error::Tool(mut failure) = error else { return error };
    let found = HINTS.iter().filter(|(symptom, _)| failure.tail.iter().any(|line| line.contains(symptom)));
    let hints: Vec<String> = found.map(|(_, hint)| format!("hint: {hint}")).collect();
    failure.tail.extend(hints);
    Error::Tool(failure)
}
