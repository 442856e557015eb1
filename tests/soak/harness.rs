//! What the suite has already: interpreters, and components that look for canaries.

#[path = "../suite/harness/canaries.rs"]
pub(crate) mod canaries;
#[path = "../suite/harness/component.rs"]
mod component;
#[path = "../suite/harness/language.rs"]
mod language;

pub(crate) use component::Handler;
pub(crate) use language::{Language, dedent};
