use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// One tool of a build: what to run, where, and what it may see.
#[derive(Debug, Clone)]
pub struct Tool {
    pub(super) program: OsString,
    pub(super) arguments: Vec<OsString>,
    pub(super) folder: PathBuf,
    pub(super) start: PathBuf,
    pub(super) environment: Vec<(OsString, OsString)>,
    pub(super) readable: Vec<PathBuf>,
}

impl Tool {
    /// A program by its path or its name, looked up on the PATH of the tool's own environment, that works in `folder`: the only
    /// place where it may write, and its HOME. Give each build a folder of its own.
    pub fn new(program: impl AsRef<OsStr>, folder: impl Into<PathBuf>) -> Self {
        Self {
            program: program.as_ref().to_owned(),
            arguments: Vec::new(),
            folder: folder.into(),
            start: PathBuf::new(),
            environment: Vec::new(),
            readable: Vec::new(),
        }
    }

    /// More arguments.
    #[must_use]
    pub fn arguments<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        self
    }

    /// Where it starts: a folder below its own, so that compilers name files as their author does; or an absolute one, for
    /// tools that look for their configuration in all folders above.
    #[must_use]
    pub fn starts_in(mut self, folder: impl Into<PathBuf>) -> Self {
        self.start = folder.into();
        self
    }

    /// A variable. There are none but `PATH`, `HOME`, `TMPDIR` and `LANG`, which this may replace. Foreign code reads it.
    #[must_use]
    pub fn environment(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// A file or a folder, such as a toolchain's, that it may read and execute.
    #[must_use]
    pub fn readable(mut self, path: impl AsRef<Path>) -> Self {
        self.readable.push(path.as_ref().to_path_buf());
        self
    }

    /// For messages.
    pub(crate) fn name(&self) -> String {
        let name = Path::new(&self.program).file_name().unwrap_or(&self.program);
        name.to_string_lossy().into_owned()
    }
}
