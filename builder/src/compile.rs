//! Makes machine code of a component where a hostile one can do no harm: in a process with limits.
//!
//! Cranelift cannot be stopped, and what it needs grows with what it is given. So it runs as one more [limited
//! child](crate::child), a program of ours that reads a component and writes what it compiled; we seal that. In a
//! program that cannot start itself again it runs in this process, with nothing but the bounds on the component.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use hks_engine::{Compiled, Engine, EngineConfig};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use crate::child::{Network, Tool};
use crate::{Error, Workshop};

/// Where components are compiled.
#[derive(Debug, Clone)]
pub enum Compiler {
    /// In this process. For those who trust what they compile.
    InProcess,
    /// By this program, with these arguments before ours, which must end in [`compile_command`].
    Child {
        /// Absolute path.
        program: PathBuf,
        /// Such as the name of a hidden subcommand.
        arguments: Vec<String>,
    },
}

/// What the child is asked for, as one argument.
#[derive(Debug, Serialize, Deserialize)]
struct Order {
    engine: EngineConfig,
    component: PathBuf,
    compiled: PathBuf,
    /// Digits of the engine that will run it.
    fingerprint: String,
}

impl Compiler {
    /// Compiles `component` for `engine`.
    pub(crate) fn compile(
        &self,
        engine: &Engine,
        component: &[u8],
        workshop: &mut Workshop<'_>,
    ) -> Result<Compiled, Error> {
        match self {
            Self::InProcess => Ok(Compiled::new(engine, component)?),
            Self::Child { program, arguments } => {
                // A tool of the same build may have left anything under a name that it could guess.
                let own = TempDir::new_in(workshop.folder()).map_err(Error::host("make a folder"))?;
                let folder = own.path();
                let order = Order {
                    engine: *engine.config(),
                    component: folder.join("component.wasm"),
                    compiled: folder.join("compiled"),
                    fingerprint: hex(engine.fingerprint()),
                };
                fs::write(&order.component, component).map_err(Error::host("write the component"))?;
                let text = serde_json::to_string(&order).map_err(Error::host("name the component"))?;
                let tool = Tool::new(program, folder).arguments(arguments).arguments([text]).readable(program);
                workshop.run("machine code", &tool, Network::Denied)?;
                read(&order.compiled)
            }
        }
    }
}

fn read(file: &Path) -> Result<Compiled, Error> {
    let bytes = fs::read(file).map_err(Error::host("read the machine code"))?;
    Ok(Compiled::from_bytes(&bytes)?)
}

/// The other side of [`Compiler::Child`]: what the program does with its last argument. What is wrong with the component goes
/// to stderr.
#[must_use]
pub fn compile_command(argument: &OsString) -> ExitCode {
    match carry_out(argument) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn carry_out(argument: &OsString) -> Result<(), Error> {
    let text = argument.to_str().ok_or_else(|| Error::Host("the order is not UTF-8".into()))?;
    let order: Order = serde_json::from_str(text).map_err(Error::host("read the order"))?;
    let engine = Engine::new(&order.engine)?;
    if hex(engine.fingerprint()) != order.fingerprint {
        return Err(Error::Host("this program is of another version than the one that asks".into()));
    }
    let component = fs::read(&order.component).map_err(Error::host("read the component"))?;
    let compiled = Compiled::new(&engine, &component)?;
    fs::write(&order.compiled, compiled.to_bytes()).map_err(Error::host("write the machine code"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
