//! Turns any `.wasm` that comes in into a component that the runtime can load, or says why not, before anything runs.
//!
//! [`recognise`] says what the bytes are, [`componentize`] makes a component of a core module, and [`validate`] compares
//! the component with what is [offered](Offer) and granted. [`accept`] does all three.
//!
//! Senders are hostile. Every byte goes through the validator with the engine's own set of proposals, in one pass that
//! also counts what compilers spend time on ([`Bounds`]). Only what passed is given to `wit-component` and `wit-parser`,
//! whose panics become errors. Not covered: how often a module is instantiated in a component, and whether an interface
//! of WASI has the functions that are imported from it; the runtime refuses those when it loads the component.
//!
//! Everything here blocks, for up to a second with the largest files.

mod bounds;
mod componentize;
mod error;
mod exit;
mod features;
mod foreign;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod go;
mod offer;
mod packages;
mod recognise;
mod scan;
mod signature;
#[cfg(test)]
mod tests;
mod validate;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use hks_protocol::Limits;
use hks_protocol::manifest::Grants;

pub use bounds::Bounds;
pub use componentize::componentize;
pub use error::{Denied, Error, Reason};
pub use offer::{Interface, Offer, Standing};
pub use recognise::recognise;
pub use validate::{Shape, validate};

use error::Shown;

/// What a `.wasm` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A component, ready to be validated.
    Component(World),
    /// A core module with `_start`, for WASI 0.1.
    Command,
    /// A core module that exports functions by WIT, and imports WASI 0.1.
    Reactor,
    /// A core module that exports functions by WIT, and imports nothing of WASI 0.1.
    Core,
}

/// What of a component is called, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum World {
    /// `hks:function/handler`: a function.
    Function,
    /// `hks:function/interpret`: a language runtime.
    Interpreter,
    /// `wasi:http/incoming-handler`: a server of HTTP requests.
    HttpProxy,
    /// `wasi:cli/run`: a program that reads stdin and writes stdout.
    Command,
}

impl World {
    const ALL: [Self; 4] = [Self::Function, Self::Interpreter, Self::HttpProxy, Self::Command];

    /// The interface that is called, without its version.
    fn interface(self) -> &'static str {
        match self {
            Self::Function => "hks:function/handler",
            Self::Interpreter => "hks:function/interpret",
            Self::HttpProxy => "wasi:http/incoming-handler",
            Self::Command => "wasi:cli/run",
        }
    }

    /// A version that exports must be compatible with.
    fn version(self) -> &'static str {
        match self {
            Self::Function | Self::Interpreter => offer::OURS,
            Self::HttpProxy | Self::Command => "0.2.0",
        }
    }
}

impl fmt::Display for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Function => "a function (hks:function/handler)",
            Self::Interpreter => "a language runtime (hks:function/interpret)",
            Self::HttpProxy => "an HTTP server (wasi:http/incoming-handler)",
            Self::Command => "a command (wasi:cli/run)",
        })
    }
}

/// A component that the runtime can load, of whatever came in, and its shape.
///
/// # Errors
/// Why not, and what to do about it.
pub fn accept(wasm: Vec<u8>, offer: &Offer, grants: &Grants, limits: &Limits) -> Result<(Vec<u8>, Shape), Error> {
    let component = match recognise(&wasm, &offer.bounds)? {
        Kind::Component(_) => wasm,
        Kind::Command | Kind::Reactor | Kind::Core => componentize(&wasm, &offer.bounds)?,
    };
    let shape = validate(&component, offer, grants, limits)?;
    Ok((component, shape))
}

/// Calls a library that was not written for hostile input. Its panics are errors of the input.
fn guarded<T, E: fmt::Display>(action: &str, call: impl FnOnce() -> Result<T, E>) -> Result<T, Error> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(Error::Damaged(format!("{action}: {}", Shown(&format!("{error:#}"))))),
        Err(_) => Err(Error::Damaged(format!("{action}: its types contradict themselves"))),
    }
}
