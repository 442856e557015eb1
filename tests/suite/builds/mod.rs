//! Functions from their source to their answers: what is built, what is refused and how, and that a build is the same wherever
//! it is made. With the real tools, which `cargo xtask toolchains` provides.

mod components;
mod failures;
mod interpreted;
mod mistakes;
mod remembered;
mod templates;
