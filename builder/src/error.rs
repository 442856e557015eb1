use std::fmt;

use crate::{child, manifest, source, store, wasm};

/// Why there is no artifact. All but [`Error::Host`] and [`Error::Child`] are the sender's to mend, and messages say how.
///
/// Text that a tool printed is foreign: it may hold escapes of a terminal.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Mistakes in `function.yaml`, each with its place.
    #[error(transparent)]
    Manifest(#[from] manifest::Error),
    /// Files that are none, or too many.
    #[error(transparent)]
    Source(#[from] source::Error),
    /// A `.wasm` that is not run here.
    #[error(transparent)]
    Wasm(#[from] wasm::Error),
    /// What the function is made of does not make one: code that does not parse, a package that cannot be had. Names the file
    /// and the line where it knows them, and says what to do.
    #[error("{0}")]
    Refused(String),
    /// A tool of the build did not succeed.
    #[error("{0}")]
    Tool(ToolFailure),
    /// A tool that the language needs is not on this machine.
    #[error("this function needs {tool}, which is not installed here; {install}")]
    MissingTool {
        /// What it is called.
        tool: &'static str,
        /// What to do about it.
        install: &'static str,
    },
    /// The build took longer than `build.timeout_s`.
    #[error("the build took longer than {seconds} seconds; raise build.timeout_s in function.yaml, up to 30m")]
    TimedOut {
        /// The limit.
        seconds: u64,
    },
    /// Nobody waits for it any more.
    #[error("the build was canceled")]
    Canceled,
    /// A tool could not be run apart from the rest of the machine.
    #[error(transparent)]
    Child(#[from] child::Error),
    /// Artifacts cannot be kept, or one is missing or damaged.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The machine failed us.
    #[error("build: {0}")]
    Host(String),
}

impl From<hks_engine::Error> for Error {
    fn from(error: hks_engine::Error) -> Self {
        match error {
            hks_engine::Error::InvalidComponent(reason) => Self::Refused(format!("it cannot be compiled: {reason}")),
            error => Self::Host(error.to_string()),
        }
    }
}

impl From<hks_runtime::Error> for Error {
    fn from(error: hks_runtime::Error) -> Self {
        use hks_runtime::Error as Runtime;
        match error {
            Runtime::Invalid(error) => Self::Refused(error.to_string()),
            Runtime::Refused(reason) => Self::Refused(reason),
            Runtime::Canceled => Self::Canceled,
            error => Self::Host(error.to_string()),
        }
    }
}

impl Error {
    /// What the machine said when it failed in `action`, as in "make a folder for the build".
    pub(crate) fn host<E: fmt::Display>(action: &str) -> impl FnOnce(E) -> Self + '_ {
        move |error| Self::Host(format!("{action}: {error}"))
    }
}

/// A tool that did not succeed, and the last that it said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolFailure {
    /// What it was run for, as in "compile".
    pub step: &'static str,
    /// The tool.
    pub tool: String,
    /// As in "it ended with exit code 1".
    pub reason: String,
    /// The last lines of its output, without the path of the build's folder.
    pub tail: Vec<String>,
}

impl fmt::Display for ToolFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} {}", self.step, self.tool, self.reason)?;
        self.tail.iter().try_for_each(|line| write!(f, "\n{line}"))
    }
}
