use std::fmt;
use std::io;

/// Why files from outside did not become a [`SourceTree`](super::SourceTree), or the other way round.
///
/// All but [`Io`](Self::Io) are the sender's to mend, and their messages say how. Names in them are quoted, clipped and
/// escaped, so that they can be shown on a terminal.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// More than a limit grants (HTTP 413).
    #[error("{subject}: {reason}")]
    TooLarge {
        /// What was read, such as `archive entry "a.py"`.
        subject: String,
        /// Which limit was passed, and what to do.
        reason: String,
    },
    /// Well-formed, but nothing that a function may be made of.
    #[error("{subject}: {reason}")]
    Refused {
        /// What was read, such as `archive entry "a.py"`.
        subject: String,
        /// What is wrong with it, and what to do.
        reason: String,
    },
    /// The archive contradicts itself, or is cut off.
    #[error("{subject}: {reason}")]
    Damaged {
        /// What was read, such as `archive entry "a.py"`.
        subject: String,
        /// What does not fit.
        reason: String,
    },
    /// Reading or writing failed.
    #[error("{action} {subject}: {source}")]
    Io {
        /// As in "read".
        action: &'static str,
        /// What was read or written.
        subject: String,
        /// The system's error.
        source: io::Error,
    },
}

impl Error {
    pub(super) fn too_large(subject: impl fmt::Display, reason: impl Into<String>) -> Self {
        Self::TooLarge { subject: subject.to_string(), reason: reason.into() }
    }

    pub(super) fn refused(subject: impl fmt::Display, reason: impl Into<String>) -> Self {
        Self::Refused { subject: subject.to_string(), reason: reason.into() }
    }

    pub(super) fn damaged(subject: impl fmt::Display, reason: impl Into<String>) -> Self {
        Self::Damaged { subject: subject.to_string(), reason: reason.into() }
    }

    /// Wraps an I/O error with what was tried on what. An [`Error`] that travelled inside it comes out as it was.
    pub(super) fn io(action: &'static str, subject: impl fmt::Display) -> impl FnOnce(io::Error) -> Self {
        move |source| match source.downcast::<Self>() {
            Ok(error) => error,
            Err(source) => Self::Io { action, subject: subject.to_string(), source },
        }
    }

    /// As [`io`](Self::io), for readers that decode: what they say of their own is about the bytes, not about the system.
    pub(super) fn decoding(subject: impl fmt::Display) -> impl FnOnce(io::Error) -> Self {
        move |source| match source.downcast::<Self>() {
            Ok(error) => error,
            Err(source) if source.kind() == io::ErrorKind::UnexpectedEof => {
                Self::damaged(subject, "ends too early; send it again")
            }
            Err(source) => Self::damaged(subject, format!("{source}; send it again")),
        }
    }
}

/// For readers that may only speak in I/O errors.
impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        Self::other(error)
    }
}

/// A thing with a name from outside, for messages: `archive entry "a.py"`.
#[derive(Clone, Copy)]
pub(super) struct Named<'a> {
    pub(super) kind: &'static str,
    pub(super) name: &'a [u8],
}

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, Shown(self.name))
    }
}

/// A name from outside: quoted, escaped and clipped. Bytes that are not UTF-8 show as U+FFFD.
pub(super) struct Shown<'a>(pub(super) &'a [u8]);

impl Shown<'_> {
    const CHARS_MAX: usize = 80;
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = &self.0[..self.0.len().min(4 * (Self::CHARS_MAX + 1))];
        let text = String::from_utf8_lossy(head);
        match text.char_indices().nth(Self::CHARS_MAX) {
            None => write!(f, "{text:?}"),
            Some((end, _)) => write!(f, "{:?}…", &text[..end]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_drive_a_terminal_or_fill_a_message() {
        assert_eq!(Shown(b"a\x1b[2J\n\"\xff").to_string(), "\"a\\u{1b}[2J\\n\\\"\u{fffd}\"");
        assert_eq!(Shown("\u{202e}py.a\u{2066}\u{9b}".as_bytes()).to_string(), r#""\u{202e}py.a\u{2066}\u{9b}""#);
        assert_eq!(Shown("é".repeat(100).as_bytes()).to_string(), format!("{:?}…", "é".repeat(80)));
        assert!(Shown(&[0xff; 1 << 20]).to_string().len() < 1000);
    }

    #[test]
    fn an_error_survives_the_journey_through_a_reader() {
        let error = Error::io("read", "archive")(Error::too_large("archive", "is too big").into());
        assert_eq!(error.to_string(), "archive: is too big");
        let error = Error::io("read", "archive")(io::ErrorKind::TimedOut.into());
        assert_eq!(error.to_string(), "read archive: timed out");
    }
}
