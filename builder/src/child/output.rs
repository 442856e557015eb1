use std::io::{ErrorKind, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::Sender;

use super::ChildLimits;
use super::run::Event;

/// Where a line was printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Output,
    /// Standard error.
    Error,
}

/// One line of a tool's log. Foreign text: it may hold escapes of a terminal, and secrets of whom it was built for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Where it was printed.
    pub stream: Stream,
    /// Without its end; what was not UTF-8 is U+FFFD.
    pub text: String,
    /// Whether it was longer.
    pub cut: bool,
}

/// What both streams may still put into the log.
///
/// Lines wait in memory for the listener: a slow one must not hold up the tool. This bounds them too.
#[derive(Debug)]
pub(super) struct Budget {
    left: AtomicU64,
    truncated: AtomicBool,
    line_bytes_max: usize,
}

impl Budget {
    /// What a line costs besides its text, so that empty ones are not free.
    const LINE_BYTES: u64 = 16;

    pub(super) fn new(limits: &ChildLimits) -> Self {
        let left = AtomicU64::new(limits.log_bytes_max);
        Self { left, truncated: AtomicBool::new(false), line_bytes_max: limits.line_bytes_max }
    }

    /// Whether lines were dropped or cut.
    pub(super) fn truncated(&self) -> bool {
        self.truncated.load(Ordering::Relaxed)
    }

    fn take(&self, bytes: usize) -> bool {
        let cost = (bytes as u64).saturating_add(Self::LINE_BYTES);
        let taken = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(cost));
        if taken.is_err() {
            // a log has no gaps: what comes after a dropped line is dropped as well
            self.left.store(0, Ordering::Relaxed);
            self.truncated.store(true, Ordering::Relaxed);
        }
        taken.is_ok()
    }
}

/// Reads a pipe to its end, always as fast as it comes.
pub(super) fn read(mut pipe: impl Read, stream: Stream, budget: &Arc<Budget>, events: &Sender<Event>) {
    let mut lines = Lines { stream, budget, events, line: Vec::new(), cut: false };
    let mut buffer = vec![0; 32 << 10];
    loop {
        match pipe.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => lines.push(&buffer[..length]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    if !lines.line.is_empty() {
        lines.finish();
    }
    let _gone = events.send(Event::Closed);
}

struct Lines<'a> {
    stream: Stream,
    budget: &'a Arc<Budget>,
    events: &'a Sender<Event>,
    line: Vec<u8>,
    cut: bool,
}

impl Lines<'_> {
    fn push(&mut self, bytes: &[u8]) {
        let mut pieces = bytes.split(|byte| *byte == b'\n').peekable();
        while let Some(piece) = pieces.next() {
            let room = self.budget.line_bytes_max.saturating_sub(self.line.len());
            self.cut |= piece.len() > room;
            self.line.extend_from_slice(&piece[..piece.len().min(room)]);
            if pieces.peek().is_some() {
                self.finish();
            }
        }
    }

    fn finish(&mut self) {
        let cut = std::mem::take(&mut self.cut);
        if cut {
            self.budget.truncated.store(true, Ordering::Relaxed);
        }
        if self.line.last() == Some(&b'\r') {
            self.line.pop();
        }
        if self.budget.take(self.line.len()) {
            let text = String::from_utf8_lossy(&self.line).into_owned();
            let _gone = self.events.send(Event::Line(Line { stream: self.stream, text, cut }));
        }
        self.line.clear();
    }
}
