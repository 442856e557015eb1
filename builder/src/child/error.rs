use std::io;

/// Why a tool did not run. How one ended that did is an [`Outcome`](super::Outcome).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The system lacks what keeps a tool apart, and [`Isolation::Required`](super::Isolation::Required) asks for it.
    #[error(
        "cannot run {tool:?} isolated: {missing}; use a kernel and a container that permit it, or allow best effort"
    )]
    CannotIsolate {
        /// The tool.
        tool: String,
        /// What is missing.
        missing: String,
    },
    /// The program does not exist, or is none.
    #[error("cannot start {tool:?}: {source}; is it installed and on the tool's PATH?")]
    Start {
        /// The tool.
        tool: String,
        /// The system's error.
        source: io::Error,
    },
    /// The system failed us while a tool was prepared or watched.
    #[error("{action} for {tool:?}: {source}")]
    Io {
        /// As in "make a pipe".
        action: &'static str,
        /// The tool.
        tool: String,
        /// The system's error.
        source: io::Error,
    },
}

impl Error {
    pub(super) fn io(action: &'static str, tool: &str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, tool: tool.to_owned(), source }
    }
}
