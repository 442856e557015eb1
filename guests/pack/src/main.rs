//! The command line around the library: [`arguments`] says from where to where.
//!
//! ```text
//! hks-guest-pack --module js.wasm --wit wit --world interpreter --output javascript.wasm
//! hks-guest-pack fuse --input linked.wasm --output fused.wasm
//! hks-guest-pack quiet --input fused.wasm --output python.wasm
//! ```

mod arguments;

use std::{fs, path::Path, process::ExitCode};

use anyhow::{Context as _, Result};
use hks_guest_pack::{component, snapshot};

use crate::arguments::{Command, Files, Pack};

fn main() -> ExitCode {
    match Command::parse(std::env::args_os().skip(1)).and_then(|command| run(&command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hks-guest-pack: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: &Command) -> Result<()> {
    match command {
        Command::Pack(arguments) => pack(arguments),
        Command::Fuse(files) => fuse(files),
        Command::Quiet(files) => quiet(files),
    }
}

fn pack(arguments: &Pack) -> Result<()> {
    let initialised = snapshot::take(&read(&arguments.module)?)?;
    let component = component::encode(initialised, &arguments.wit, &arguments.world)?;
    write_atomically(&arguments.output, &component)
}

fn fuse(files: &Files) -> Result<()> {
    let fused = hks_guest_pack::fuse(&read(&files.input)?)
        .with_context(|| format!("cannot fuse the modules of {}", files.input.display()))?;
    write_atomically(&files.output, &fused)
}

fn quiet(files: &Files) -> Result<()> {
    let (component, done) = hks_guest_pack::quiet(read(&files.input)?)
        .with_context(|| format!("cannot rest the memory of {}", files.input.display()))?;
    println!("{done}");
    write_atomically(&files.output, &component)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Readers of `path` see the old content or the new one, never a part.
fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let write = || {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        let partial = path.with_extension("partial");
        fs::write(&partial, bytes)?;
        fs::rename(&partial, path)
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A module of the smallest world that has an import and an export.
    const MODULE: &str = r#"(module
        (import "hks:test/host" "twice" (func $twice (param i32) (result i32)))
        (memory (export "memory") 1)
        (func (export "wizer-initialize") (i32.store (i32.const 8) (i32.const 21)))
        (func (export "answer") (result i32) (call $twice (i32.load (i32.const 8)))))"#;

    const WIT: &str = "package hks:test;
        interface host { twice: func(value: u32) -> u32; }
        world guest { import host; export answer: func() -> u32; }";

    #[test]
    fn a_module_becomes_a_component_file() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("wit")).unwrap();
        fs::write(folder.path().join("wit/test.wit"), WIT).unwrap();
        fs::write(folder.path().join("guest.wasm"), wat::parse_str(MODULE).unwrap()).unwrap();
        let output = folder.path().join("new/component.wasm");
        pack(&Pack {
            module: folder.path().join("guest.wasm"),
            wit: folder.path().join("wit"),
            world: "guest".to_owned(),
            output: output.clone(),
        })
        .unwrap();
        let engine = wasmtime::Engine::default();
        wasmtime::component::Component::new(&engine, fs::read(&output).unwrap()).unwrap();
        assert_eq!(fs::read_dir(output.parent().unwrap()).unwrap().count(), 1, "no partial file is left");
    }
}
