use std::path::{Path, PathBuf};

/// Why the engine could not be built, or an artifact not be compiled or loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The host cannot run this configuration.
    #[error("engine: {0}")]
    Engine(String),
    /// The bytes are no component, or use what the engine has switched off. The caller's to mend.
    #[error("component: {0}")]
    InvalidComponent(String),
    /// The file is not machine code that this user compiled with this engine.
    #[error("artifact {path} refused: {reason}")]
    Refused {
        /// The file, or the folder that holds it.
        path: PathBuf,
        /// Which check failed.
        reason: String,
    },
    /// Reading or writing failed.
    #[error("{action} {path}: {source}")]
    Io {
        /// As in "read".
        action: &'static str,
        /// What was read or written.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
}

impl Error {
    pub(crate) fn refused(path: &Path, reason: impl Into<String>) -> Self {
        Self::Refused { path: path.to_owned(), reason: reason.into() }
    }

    /// Wraps an I/O error with what was tried on which path.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}

impl From<wasmparser::BinaryReaderError> for Error {
    fn from(error: wasmparser::BinaryReaderError) -> Self {
        Self::InvalidComponent(error.to_string())
    }
}
