//! Turns source or a WebAssembly file into a verified artifact.
//!
//! Everything that comes in is foreign: a [`Manifest`](manifest) says what it is, a [`source`] tree holds it, and what a
//! compiler makes of it, or somebody sends, is looked at as [`wasm`] before anything runs. Tools of a build run as limited
//! [children](child), found among the [`Toolchains`] of the machine.

mod ahead;
mod artifact;
mod build;
mod builder;
pub mod child;
mod compile;
mod error;
mod inputs;
mod interpreters;
mod language;
mod load;
mod loaded;
pub mod manifest;
mod network;
mod recall;
pub mod source;
pub mod store;
mod template;
#[cfg(test)]
mod testing;
mod toolchain;
mod upkeep;
pub mod wasm;
mod workshop;

pub use artifact::{Parts, Start};
pub use build::{Built, Phase, Request};
pub use builder::{Builder, BuilderConfig};
pub use child::{Cancel, ChildLimits, Isolation, Stream};
pub use compile::{Compiler, compile_command};
pub use error::{Error, ToolFailure};
pub use language::Language;
pub use network::NetworkAccess;
pub use template::{Template, TemplateKind};
pub use toolchain::{Toolchain, Toolchains};
pub use workshop::Workshop;

/// One line of a build's log. Foreign text: it may hold escapes of a terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// What was being done, as in "compile".
    pub step: &'static str,
    /// Where it was printed.
    pub stream: Stream,
    /// Without its end.
    pub text: String,
}
