//! Guests that really try to break out, use everything up or look at each other, against the real engine and runtime.
//!
//! One binary, so that guests are mapped once; one module for each promise. A test holds what the caller is told (the
//! typed outcome, the error's name and words, the usage) and that the host works on afterwards. No test asserts tight
//! times: what is bounded by a limit must end within a generous multiple of it.
//!
//! It needs the interpreter guests: run `cargo xtask guests` first.

// The attribute tells the lints that all of this is test code.
#[cfg(test)]
mod harness;

#[cfg(test)]
mod ahead;
#[cfg(test)]
mod artifacts;
#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod builds;
#[cfg(test)]
mod canary;
#[cfg(test)]
mod cancel;
#[cfg(test)]
mod code_cache;
#[cfg(test)]
mod commands;
#[cfg(test)]
mod components;
#[cfg(test)]
mod deadline;
#[cfg(test)]
mod environment;
#[cfg(test)]
mod forks;
#[cfg(test)]
mod fuel;
#[cfg(test)]
mod fused;
#[cfg(test)]
mod http;
#[cfg(test)]
mod isolation;
#[cfg(test)]
mod javascript;
#[cfg(test)]
mod logs;
#[cfg(test)]
mod many;
#[cfg(test)]
mod memory;
#[cfg(test)]
mod nesting;
#[cfg(test)]
mod output;
#[cfg(test)]
mod overload;
#[cfg(test)]
mod python;
#[cfg(test)]
mod refresh;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod scratch;
#[cfg(test)]
mod snapshots;
#[cfg(test)]
mod tampering;
#[cfg(test)]
mod unstorable;
