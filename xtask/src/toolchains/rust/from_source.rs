//! The target's standard library from Debian's sources, where rustup's server cannot be reached.
//!
//! Debian has a compiler with its sources, and the C library of WASI; the linker comes with rustup's toolchain. What is compiled is
//! put together as a sysroot like any other, once: a function's build compiles nothing of it again.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use super::{Description, TARGET};
use crate::hash::Key;
use crate::workspace::Workspace;
use crate::{cache, child, system_package, ui};

/// Changes when the sysroot is put together in another way.
const VERSION: &str = "rust sysroot 1";

/// Debian's packages, and what of them is used.
const PACKAGES: [(&str, &str); 3] = [("rustc-web", COMPILER), ("rust-web-src", SOURCES), ("wasi-libc", LIBC)];
const COMPILER: &str = "/usr/bin/rustc";
const SOURCES: &str = "/usr/lib/rustlib/src/rust/library/std/Cargo.toml";
const LIBC: &str = "/usr/lib/wasm32-wasi/libc.a";

/// What of the C library goes into every program.
const SELF_CONTAINED: [&str; 3] = ["libc.a", "crt1-command.o", "crt1-reactor.o"];

/// A package of nothing: only its standard library is of interest.
const MANIFEST: &str = "[package]\nname = \"empty\"\nedition = \"2021\"\n[lib]\npath = \"empty.rs\"\n[workspace]\n";

/// Compiles it unless that was done. `own` is the sysroot of rustup's toolchain.
pub(super) fn provide(workspace: &Workspace, own: &Path) -> Result<Description> {
    let other_way =
        || format!("functions in Rust need the target {TARGET}: `rustup target add {TARGET}` provides it, or this:");
    for (package, file) in PACKAGES {
        if !Path::new(file).exists() {
            system_package::install(workspace, package, "the standard library for WebAssembly is compiled from source")
                .with_context(other_way)?;
        }
    }
    let version = child::capture(workspace.command(COMPILER).arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc -vV names no host")?;
    let linkers = own.join("lib/rustlib").join(host).join("bin");
    if !linkers.join("wasm-component-ld").is_file() {
        bail!("{} has no wasm-component-ld: install Rust with rustup, which brings it", linkers.display());
    }
    let key = Key::new(VERSION).bytes("compiler", version.as_bytes()).bytes("linkers", linkers.as_os_str().as_bytes());
    let folder = workspace.cached(format!("rust-sysroot-{}", key.finish()));
    cache::folder(&folder, |folder| {
        ui::step(&format!("compile the standard library for {TARGET} (once, two minutes)"), || {
            let libraries = compile(workspace, folder)?;
            assemble(&libraries, &folder.join("sysroot"), host, &linkers)?;
            cache::remove(&folder.join("empty"))
        })
    })?;
    let sysroot = folder.join("sysroot");
    let compiler = sysroot.join("bin/rustc").to_str().context("the cache's path is not UTF-8")?.to_owned();
    Ok(Description {
        name: "rust-wasm",
        program: own.join("bin/cargo"),
        arguments: Vec::new(),
        environment: BTreeMap::from([("RUSTC".to_owned(), compiler)]),
        readable: vec![sysroot, own.to_path_buf()],
    })
}

/// The folder with the compiled libraries.
fn compile(workspace: &Workspace, folder: &Path) -> Result<PathBuf> {
    let package = folder.join("empty");
    fs::create_dir_all(&package)?;
    fs::write(package.join("Cargo.toml"), MANIFEST)?;
    fs::write(package.join("empty.rs"), "")?;
    let mut cargo = workspace.cargo("build");
    cargo.args(["--release", "--target", TARGET, "-Zbuild-std=std,panic_abort"]).current_dir(&package);
    // The compiler's own features are what a standard library is made of.
    cargo.env("RUSTC", COMPILER).env("RUSTC_BOOTSTRAP", "1").env("CARGO_TARGET_DIR", package.join("target"));
    workspace.run("rust-std", &mut cargo)?;
    Ok(package.join("target").join(TARGET).join("release/deps"))
}

/// Folders as compilers look for them: of the host Debian's libraries and rustup's linkers, of the target ours.
fn assemble(libraries: &Path, sysroot: &Path, host: &str, linkers: &Path) -> Result<()> {
    let of_target = sysroot.join("lib/rustlib").join(TARGET).join("lib");
    fs::create_dir_all(of_target.join("self-contained"))?;
    let mut copied = 0;
    for entry in fs::read_dir(libraries)? {
        let file = entry?.path();
        let name = file.file_name().unwrap_or_default();
        if file.extension().is_some_and(|end| end == "rlib") && !name.to_string_lossy().starts_with("libempty-") {
            fs::copy(&file, of_target.join(name))?;
            copied += 1;
        }
    }
    ensure!(copied > 0, "cargo left no libraries in {}", libraries.display());
    let libc = Path::new(LIBC).parent().context("a library lies in a folder")?;
    for name in SELF_CONTAINED {
        fs::copy(libc.join(name), of_target.join("self-contained").join(name))?;
    }
    let of_host = sysroot.join("lib/rustlib").join(host);
    fs::create_dir_all(of_host.join("bin"))?;
    symlink(Path::new("/usr/lib/rustlib").join(host).join("lib"), of_host.join("lib"))?;
    for (name, from) in
        [("wasm-component-ld", "wasm-component-ld"), ("rust-lld", "rust-lld"), ("wasm-ld", "gcc-ld/wasm-ld")]
    {
        symlink(linkers.join(from), of_host.join("bin").join(name))?;
    }
    let wrapper = sysroot.join("bin/rustc");
    fs::create_dir_all(sysroot.join("bin"))?;
    // A compiler finds its libraries by where it lies; this one's are here.
    fs::write(&wrapper, format!("#!/bin/sh\nexec {COMPILER} --sysroot \"$(dirname \"$(dirname \"$0\")\")\" \"$@\"\n"))?;
    fs::set_permissions(&wrapper, fs::Permissions::from_mode(0o755))?;
    Ok(())
}
