//! Nothing but its manifest: the wheel depends on it, so that a build of the wheel alone asks the same features of shared
//! dependencies as a build of the whole workspace. Otherwise Wasmtime would be compiled once for each (see ADR 0009).
//! `cargo xtask test` compares the two and says what is missing here.
