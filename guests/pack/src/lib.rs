//! Makes guests fast to start.
//!
//! A guest that is a core module becomes a component that starts from its initialised memory: [`snapshot`] runs the
//! module's initialisation and keeps what its memory holds then, [`component`] wraps the result for a world of our WIT
//! package. A guest that has its memory already, but links many modules, becomes a component with one: [`fuse()`].
//! The memory of a CPython that was fused is changed so that executions write to less of it: [`quiet()`].
//!
//! A build tool: it is not part of what runs functions. Nobody tells one failure from another, so errors are texts that
//! name the thing which was in the way.

pub mod component;
mod fuse;
mod quiet;
pub mod snapshot;

pub use fuse::fuse;
pub use quiet::{Done, quiet};
