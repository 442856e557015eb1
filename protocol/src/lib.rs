//! The words that every part of HKS Functions shares.
//!
//! What one part hands to another is defined here once: ids, [`Limits`], an [`Attempt`] to run and the [`Report`] that
//! comes back. Everything is plain data with serde, because the executor may live in another process or on another
//! machine.
//!
//! There is no I/O here, no async runtime and no WebAssembly: a crate that only wants to talk about executions must
//! not have to link them.

mod attempt;
mod error;
mod id;
mod json;
mod limits;
pub mod lines;
mod log;
pub mod manifest;
mod outcome;
mod report;
mod unit;

pub use attempt::{Attempt, Environment, FunctionRef, Trigger};
pub use error::Error;
pub use id::{ApplicationId, ExecutionId, FunctionId, FunctionName, ProjectName, ScheduleName};
pub use json::Json;
pub use limits::{Bytes, Limits, LimitsSpec, Seconds};
pub use lines::LineTable;
pub use log::{LogLine, LogSink, Logs, Stream};
pub use manifest::Manifest;
pub use outcome::{Outcome, Status};
pub use report::{Artifact, Failure, Formats, Report, Usage};
pub use unit::{ByteSize, parse_bytes, parse_duration};
