use std::fmt;

use hks_protocol::manifest::Path;

use super::MISTAKES_MAX;
use super::node::Place;

/// Why a text is not a manifest: at least one mistake, in the order of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    file: String,
    mistakes: Vec<Mistake>,
}

/// One thing that is wrong with a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    place: Place,
    path: Path,
    reason: String,
}

impl Error {
    /// The first mistake at each place; what follows there is its consequence.
    pub(super) fn new(file: &str, mut mistakes: Vec<Mistake>) -> Self {
        mistakes.sort_by_key(|mistake| mistake.place);
        mistakes.dedup_by_key(|mistake| mistake.place);
        mistakes.truncate(MISTAKES_MAX);
        Self { file: file.into(), mistakes }
    }

    /// What is wrong, in the order of the text.
    pub fn mistakes(&self) -> &[Mistake] {
        &self.mistakes
    }
}

impl std::error::Error for Error {}

/// One line for each mistake: `function.yaml:7:3: limits.memry_mb: unknown key; did you mean memory_mb?`
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mistake) in self.mistakes.iter().enumerate() {
            f.write_str(if index == 0 { "" } else { "\n" })?;
            write!(f, "{}:{mistake}", self.file)?;
        }
        Ok(())
    }
}

impl Mistake {
    /// The longest reason in characters; a reason shows a part of a value, and must not be all of it.
    const REASON_LENGTH_MAX: usize = 400;

    pub(super) fn new(place: Place, path: Path, reason: &str) -> Self {
        Self { place, path, reason: printable(reason) }
    }

    /// Counted from 1.
    pub fn line(&self) -> usize {
        self.place.line
    }

    /// In characters, counted from 1.
    pub fn column(&self) -> usize {
        self.place.column
    }

    /// Which value it is about; empty for the text as a whole.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is wrong and what would be right.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.place)?;
        if !self.path.0.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.reason)
    }
}

/// A part of a foreign text goes to a terminal or a log, where control characters are commands.
fn printable(reason: &str) -> String {
    let mut shown = String::new();
    for c in reason.chars().take(Mistake::REASON_LENGTH_MAX) {
        if c.is_control() { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    shown
}
