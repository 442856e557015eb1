use std::fmt;

use super::World;

/// Why a `.wasm` is not run. All of it is the sender's to mend, and messages say how.
///
/// Names in messages are clipped and escaped, so that they can be shown on a terminal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// More than a bound grants (HTTP 413).
    #[error("{0}")]
    TooLarge(String),
    /// Not WebAssembly, cut off, or against its rules.
    #[error("{0}")]
    Damaged(String),
    /// WebAssembly for another host than this, or with a proposal that is off here. Says what to build for instead.
    #[error("{0}")]
    Foreign(String),
    /// It asks for what it does not get.
    #[error("{}", list(.0))]
    Imports(Vec<Denied>),
    /// It has nothing that can be called, or too much, or of another type than the interface says.
    #[error("{0}")]
    Exports(String),
    /// A component that is called in a way which is not offered here.
    #[error("it is {0}, and this server does not run those")]
    World(World),
}

fn list(denied: &[Denied]) -> String {
    let (one, these) = if denied.len() == 1 { ("an import", "it") } else { ("imports", "them") };
    let mut text = format!("it has {one} that cannot be satisfied; build it without {these}, or do what is said:");
    for denied in denied {
        text += &format!("\n{denied}");
    }
    text
}

/// One import, and why it is not satisfied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied {
    /// As in `wasi:http/outgoing-handler@0.2.3`.
    pub import: String,
    /// Why.
    pub reason: Reason,
}

/// Why an import is not satisfied.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// Nobody here has heard of it.
    Unknown,
    /// The function would have to be granted it.
    NeedsGrant {
        /// Lines to add to `function.yaml`.
        manifest: &'static str,
    },
    /// Offered in a version that is not compatible.
    Version {
        /// The version that is.
        offered: String,
    },
    /// Known, and left out by design.
    Withheld(&'static str),
    /// Offered, with another function than it expects.
    Type(String),
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", Shown(&self.import))?;
        match &self.reason {
            Reason::Unknown => f.write_str("unknown"),
            Reason::NeedsGrant { manifest } => write!(f, "needs a grant; add to function.yaml:\n{manifest}"),
            Reason::Version { offered } => write!(f, "another version; this server offers {offered}"),
            Reason::Withheld(why) => write!(f, "never offered: {why}"),
            Reason::Type(difference) => f.write_str(difference),
        }
    }
}

/// A name or a message with foreign parts: escaped and clipped.
pub(super) struct Shown<'a>(pub(super) &'a str);

impl Shown<'_> {
    const CHARS_MAX: usize = 400;
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars().take(Self::CHARS_MAX) {
            // What moves a cursor or turns the direction of writing; a line break is as good as a space.
            match c {
                '\n' => f.write_str(" ")?,
                c if c == '\\' || c.is_ascii_graphic() || c == ' ' => write!(f, "{c}")?,
                c => write!(f, "{}", c.escape_debug())?,
            }
        }
        if self.0.chars().nth(Self::CHARS_MAX).is_some() { f.write_str("…") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_drive_a_terminal_or_fill_a_message() {
        assert_eq!(Shown("a\x1b[2J\n\u{202e}é").to_string(), "a\\u{1b}[2J \\u{202e}é");
        assert_eq!(Shown(&"x".repeat(500)).to_string(), format!("{}…", "x".repeat(400)));
    }
}
