//! C and C++: files of a tree become a command for WASI 0.1, compiled and linked by one call of `zig cc`, or of another clang that
//! has a WASI sysroot.
//!
//! The header `hks.h` is here, and found by `#include "hks.h"`. A `Makefile` is not run: a tree is its `.c`, `.cc`, `.cpp` and `.cxx`
//! files, below `src/` if there are any, and headers beside them, in `include/` or at the top. C++ has its library, without exceptions:
//! the engine has no exceptions of WebAssembly.

#[cfg(test)]
mod tests;

use std::fs;
use std::path::Path;

use hks_protocol::Manifest;

use super::Product;
use super::compiled::{OUTPUT, SOURCE, lay_beside, lay_out, take_output, write_files};
use crate::child::{Network, Tool};
use crate::source::SourceTree;
use crate::toolchain::{CACHE, Toolchain, warm};
use crate::{Error, Workshop};

const HEADER: (&str, &str) = ("hks.h", include_str!("../../../../guests/c/hks.h"));
/// Where it lies, beside the source.
const INCLUDE: &str = "hks";

/// Command lines end somewhere, and larger programs have a build system of their own: those send the `.wasm`.
const FILES_MAX: usize = 1000;

const FLAGS: [&str; 8] = [
    "-target",
    "wasm32-wasi",
    "-O2",
    "-g0",
    "-fno-exceptions",
    // Times and paths of a build would make each differ.
    "-Werror=date-time",
    // A program begins with all of its stack: 1 MiB, of which an event's recursion takes little, instead of zig's 16.
    "-Wl,-z,stack-size=1048576",
    "-s",
];

/// Compiles a function.
///
/// # Errors
/// Source that the compiler refuses, with file and line; no file to compile; no compiler.
pub(crate) fn build(source: &SourceTree, manifest: &Manifest, workshop: &mut Workshop<'_>) -> Result<Product, Error> {
    let files = files(source, manifest)?;
    let compiler = Compiler(workshop.toolchains().require("clang")?);
    lay_out(source, workshop)?;
    lay_beside(workshop, INCLUDE, &[HEADER])?;
    compiler.warm(workshop)?;
    let tool = compiler.tool(workshop.folder(), &workshop.folder().join(".zig"));
    let include = ["-I../hks", "-I.", "-Iinclude"];
    let tool = tool.starts_in(SOURCE).arguments(include).arguments(&files);
    let tool = tool.arguments(libraries(&files)).arguments(["-o".to_owned(), format!("../{OUTPUT}")]);
    workshop.run("compile", &tool, Network::Denied)?;
    Ok(Product::Wasm { wasm: take_output(workshop)?, lock: None })
}

/// The files to compile, in order: all in the folder of the manifest's handler, all below `src/`, or all.
fn files(source: &SourceTree, manifest: &Manifest) -> Result<Vec<String>, Error> {
    let all: Vec<&str> = source.iter().map(|(path, _)| path.as_str()).filter(|path| is_source(path)).collect();
    let folder = match manifest.handler() {
        Some(handler) if handler.function().is_some() => {
            let reason = format!("handler: {}: a program in C begins at main(); name the file alone", handler.as_str());
            return Err(Error::Refused(reason));
        }
        Some(handler) if !all.contains(&handler.file()) => {
            return Err(Error::Refused(format!("handler: there is no C or C++ file {:?}", handler.file())));
        }
        Some(handler) => handler.file().rsplit_once('/').map_or("", |(folder, _)| folder),
        None if all.iter().any(|path| path.starts_with("src/")) => "src",
        None => "",
    };
    let below = |path: &&str| folder.is_empty() || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
    let files: Vec<String> = all.into_iter().filter(below).map(plain).collect();
    match files.len() {
        0 => Err(Error::Refused("there is no C or C++ file; add a main.c with `int main(void)`".into())),
        count if count > FILES_MAX => Err(Error::Refused(format!(
            "there are {count} C and C++ files, and at most {FILES_MAX} are compiled here; build it yourself, and deploy the .wasm"
        ))),
        _ => Ok(files),
    }
}

/// A name that the compiler cannot take for an option or a list of them.
fn plain(path: &str) -> String {
    if path.starts_with(['-', '@']) { format!("./{path}") } else { path.to_owned() }
}

fn is_source(path: &str) -> bool {
    path.ends_with(".c") || is_cpp(path)
}

fn is_cpp(path: &str) -> bool {
    [".cc", ".cpp", ".cxx"].iter().any(|end| path.ends_with(end))
}

/// What C++ is linked with.
fn libraries(files: &[String]) -> &'static [&'static str] {
    if files.iter().any(|file| is_cpp(file)) { &["-lc++", "-lc++abi"] } else { &[] }
}

/// `zig`, or a clang.
struct Compiler(Toolchain);

impl Compiler {
    /// It works in `folder`, with its cache in another.
    fn tool(&self, folder: &Path, cache: &Path) -> Tool {
        let tool = self.0.tool(folder);
        let tool = if self.is_zig() { tool.arguments(["cc"]) } else { tool };
        let caches = ["ZIG_GLOBAL_CACHE_DIR", "ZIG_LOCAL_CACHE_DIR"];
        caches.iter().fold(tool, |tool, name| tool.environment(name, cache)).arguments(FLAGS)
    }

    /// The one program that is a C compiler among other things.
    fn is_zig(&self) -> bool {
        self.0.arguments.is_empty() && self.0.program.file_stem().is_some_and(|name| name == "zig")
    }

    /// Puts the libraries of C and C++, which zig has as source, into the build's cache. Others bring them compiled.
    fn warm(&self, workshop: &mut Workshop<'_>) -> Result<(), Error> {
        if !self.is_zig() {
            return Ok(());
        }
        let cache = workshop.folder().join(".zig");
        warm(workshop, &self.0, &FLAGS, &cache, |workshop, folder| {
            write_files(folder, &WARMING)?;
            for (file, _) in WARMING {
                let files = [file.to_owned()];
                let tool = self.tool(folder, &folder.join(CACHE)).arguments(&files).arguments(libraries(&files));
                let tool = tool.arguments(["-o", "warm.wasm"]);
                workshop.run("compile the libraries of C and C++", &tool, Network::Denied)?;
            }
            prune(&folder.join(CACHE)).map_err(Error::host("tidy a compiler's cache"))
        })
    }
}

/// Programs that need all libraries.
const WARMING: [(&str, &str); 2] = [
    ("warm.c", "#include <stdio.h>\nint main(void) { return puts(\"warm\") < 0; }\n"),
    ("warm.cc", "#include <iostream>\nint main() { std::cout << \"warm\\n\"; }\n"),
];

/// Leaves the libraries, and the hashes by which they are found: 7 of 58 MB. The rest is what they were made of.
fn prune(cache: &Path) -> std::io::Result<()> {
    for name in ["z", "tmp"] {
        fs::remove_dir_all(cache.join(name)).or_else(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Ok(()),
            _ => Err(error),
        })?;
    }
    for folder in fs::read_dir(cache.join("o"))? {
        let folder = folder?.path();
        for file in fs::read_dir(&folder)? {
            let file = file?.path();
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            if name.ends_with(".o") && !name.starts_with("crt1") {
                fs::remove_file(&file)?;
            }
        }
        // Fails if something is left, as it should.
        let _kept = fs::remove_dir(&folder);
    }
    Ok(())
}
