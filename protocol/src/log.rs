//! What a function prints, line by line.

use serde::{Deserialize, Serialize};

/// One of the two logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    /// What the function prints.
    Stdout,
    /// Warnings and errors.
    Stderr,
}

/// One line, without its line feed. A line of more than 64 KiB arrives in pieces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// Where it was printed.
    pub stream: Stream,
    /// Its text, always UTF-8.
    pub text: String,
}

/// Takes the lines of a running attempt.
///
/// It is called on the guest's own thread, so it must return at once: hand the line to a queue. The log limit of the
/// attempt bounds all that such a queue can hold.
pub trait LogSink: Send + Sync + 'static {
    /// Takes one line.
    fn line(&self, line: LogLine);
}

/// Drops every line; the report still has them.
impl LogSink for () {
    fn line(&self, _: LogLine) {}
}

impl<F: Fn(LogLine) + Send + Sync + 'static> LogSink for F {
    fn line(&self, line: LogLine) {
        self(line);
    }
}

/// All lines of an attempt up to its log limit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Logs {
    /// Lines of stdout, in order.
    pub stdout: Vec<String>,
    /// Lines of stderr, in order.
    pub stderr: Vec<String>,
}

impl Logs {
    /// Appends a line.
    pub fn push(&mut self, line: LogLine) {
        match line.stream {
            Stream::Stdout => self.stdout.push(line.text),
            Stream::Stderr => self.stderr.push(line.text),
        }
    }
}
