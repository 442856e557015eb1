//! What one build works with: a folder of its own, the tools of the machine, and somebody who reads its log.
//!
//! Tools run as limited [children](crate::child). All of them together have the time of the build; the network is there for
//! a step that fetches dependencies, and only then do they see what the operator's clients need for it.

use std::collections::VecDeque;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::child::{Cancel, Child, ChildLimits, Isolation, Line, Network, Outcome, Stream, Tool};
use crate::error::ToolFailure;
use crate::toolchain::Toolchains;
use crate::{Error, LogLine, NetworkAccess};

/// Lines of a tool that a message repeats. Compilers say what is wrong first, and count at the end.
const TAIL_LINES: usize = 40;
/// What a tool may print to be read by us.
const CAPTURE_BYTES_MAX: usize = 4 << 20;

/// How builds are bounded and kept apart.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rules {
    pub(crate) limits: ChildLimits,
    pub(crate) isolation: Isolation,
    pub(crate) network: NetworkAccess,
}

/// What one build works with.
pub struct Workshop<'a> {
    folder: PathBuf,
    toolchains: &'a Toolchains,
    rules: &'a Rules,
    cancel: &'a Cancel,
    log: &'a mut dyn FnMut(LogLine),
    timeout: Duration,
    deadline: Instant,
}

impl<'a> Workshop<'a> {
    pub(crate) fn new(
        folder: PathBuf,
        toolchains: &'a Toolchains,
        rules: &'a Rules,
        timeout: Duration,
        cancel: &'a Cancel,
        log: &'a mut dyn FnMut(LogLine),
    ) -> Self {
        Self { folder, toolchains, rules, cancel, log, timeout, deadline: Instant::now() + timeout }
    }

    /// The folder of this build alone: tools write only there, and it is deleted afterwards.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The tools of this machine.
    pub(crate) fn toolchains(&self) -> &Toolchains {
        self.toolchains
    }

    /// Says something in the log.
    pub(crate) fn note(&mut self, text: impl Display) {
        (self.log)(LogLine { step: "build", stream: Stream::Output, text: text.to_string() });
    }

    /// Whether to go on: the build was not canceled, and its time is not over.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.cancel.is_canceled() {
            return Err(Error::Canceled);
        }
        if Instant::now() >= self.deadline { Err(self.timed_out()) } else { Ok(()) }
    }

    /// Runs a tool to its end. What it prints goes to the log, line by line.
    ///
    /// # Errors
    /// [`Error::Tool`] with the last lines when it does not succeed.
    pub(crate) fn run(&mut self, step: &'static str, tool: &Tool, network: Network) -> Result<(), Error> {
        self.run_with(step, tool, network, |_| false)
    }

    /// The same, and what it prints to standard output is returned instead.
    ///
    /// # Errors
    /// As [`run`](Self::run); also when it prints more than 4 MiB.
    pub(crate) fn capture(&mut self, step: &'static str, tool: &Tool, network: Network) -> Result<String, Error> {
        let (mut text, mut too_long) = (String::new(), false);
        self.run_with(step, tool, network, |line| {
            if line.stream != Stream::Output {
                return false;
            }
            too_long |= line.cut || text.len() + line.text.len() > CAPTURE_BYTES_MAX;
            if !too_long {
                text += &line.text;
                text.push('\n');
            }
            true
        })?;
        if too_long {
            return Err(Error::Refused(format!("{step}: {} prints too much", tool.name())));
        }
        Ok(text)
    }

    /// Whether a tool succeeds, when both answers are fine. What it prints is dropped.
    ///
    /// # Errors
    /// When it could not be run, or was ended.
    pub(crate) fn attempt(&mut self, step: &'static str, tool: &Tool, network: Network) -> Result<bool, Error> {
        match self.run_with(step, tool, network, |_| true) {
            Ok(()) => Ok(true),
            Err(Error::Tool(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// What package clients need to reach their registries.
    pub(crate) fn network_access(&self) -> &NetworkAccess {
        &self.rules.network
    }

    /// `take` keeps a line from the log.
    fn run_with(
        &mut self,
        step: &'static str,
        tool: &Tool,
        network: Network,
        mut take: impl FnMut(&Line) -> bool,
    ) -> Result<(), Error> {
        self.check()?;
        let child = Child::new(self.limits(), self.rules.isolation);
        let reaching;
        let tool = if network == Network::Allowed {
            reaching = self.with_network_access(tool);
            &reaching
        } else {
            tool
        };
        let (folder, log) = (self.folder.to_string_lossy().into_owned(), &mut *self.log);
        let mut tail = VecDeque::new();
        let ended = child.run(tool, network, self.cancel, |line| {
            if take(&line) {
                return;
            }
            let text = without_folder(&line.text, &folder);
            if tail.len() == TAIL_LINES {
                tail.pop_front();
            }
            tail.push_back(text.clone());
            log(LogLine { step, stream: line.stream, text });
        })?;
        let reason = match ended.outcome {
            Outcome::Succeeded => return Ok(()),
            Outcome::Canceled => return Err(Error::Canceled),
            Outcome::TimedOut if Instant::now() >= self.deadline => return Err(self.timed_out()),
            other => self.reason(other),
        };
        Err(Error::Tool(ToolFailure { step, tool: tool.name(), reason, tail: tail.into() }))
    }

    fn limits(&self) -> ChildLimits {
        let left = self.deadline.saturating_duration_since(Instant::now());
        let limits = self.rules.limits.clone();
        ChildLimits { wall_time_max: limits.wall_time_max.min(left), ..limits }
    }

    fn with_network_access(&self, tool: &Tool) -> Tool {
        let NetworkAccess { environment, readable } = &self.rules.network;
        let tool = environment.iter().fold(tool.clone(), |tool, (name, value)| tool.environment(name, value));
        readable.iter().fold(tool, Tool::readable)
    }

    fn reason(&self, outcome: Outcome) -> String {
        let limits = &self.rules.limits;
        let over = |what: String| format!("was ended: it used more than {what}");
        match outcome {
            Outcome::Failed { status } => format!("did not succeed ({status})"),
            Outcome::TimedOut => over(format!("{} s of processor time", limits.cpu_time_max.as_secs())),
            Outcome::OutOfMemory => over(format!("{} MiB of memory", limits.memory_bytes_max >> 20)),
            Outcome::DiskFull => {
                let (bytes, entries) = (limits.disk_bytes_max >> 20, limits.disk_entries_max);
                over(format!("{bytes} MiB of disk, {entries} files, or a file's limit"))
            }
            Outcome::TooManyTasks => over(format!("{} processes", limits.tasks_max)),
            Outcome::Succeeded | Outcome::Canceled => "ended".into(),
        }
    }

    fn timed_out(&self) -> Error {
        Error::TimedOut { seconds: self.timeout.as_secs() }
    }
}

/// Users know their files, not where we put them.
fn without_folder(text: &str, folder: &str) -> String {
    text.replace(&format!("{folder}/"), "").replace(folder, ".")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_workshop<T>(timeout: Duration, work: impl FnOnce(&mut Workshop<'_>) -> T) -> (T, Vec<LogLine>) {
        let folder = tempfile::tempdir().unwrap();
        let rules = Rules { isolation: Isolation::BestEffort, ..Rules::default() };
        let (toolchains, cancel, mut lines) = (Toolchains::default(), Cancel::new(), Vec::new());
        let mut log = |line| lines.push(line);
        let folder = folder.path().to_path_buf();
        let done = work(&mut Workshop::new(folder, &toolchains, &rules, timeout, &cancel, &mut log));
        (done, lines)
    }

    fn shell(workshop: &Workshop<'_>, script: &str) -> Tool {
        Tool::new("sh", workshop.folder()).arguments(["-c", script])
    }

    #[test]
    fn a_failure_repeats_what_the_tool_said_without_our_paths() {
        let (failed, lines) = in_workshop(Duration::from_secs(60), |workshop| {
            let tool = shell(workshop, "echo building; echo \"$PWD/main.c:1: no\" >&2; exit 3");
            workshop.run("compile", &tool, Network::Denied).unwrap_err().to_string()
        });
        assert!(failed.starts_with("compile: sh did not succeed (exit status: 3)"), "{failed}");
        assert!(failed.contains("\nmain.c:1: no"), "{failed}");
        assert_eq!(lines.len(), 2);
    }

    #[test]
    fn what_is_captured_is_not_logged() {
        let (text, lines) = in_workshop(Duration::from_secs(60), |workshop| {
            let tool = shell(workshop, "echo one; echo two; echo three >&2");
            workshop.capture("look", &tool, Network::Denied).unwrap()
        });
        assert_eq!(text, "one\ntwo\n");
        assert_eq!(lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>(), ["three"]);
    }

    #[test]
    fn the_time_of_the_build_ends_a_tool() {
        let (error, _) = in_workshop(Duration::from_secs(1), |workshop| {
            let tool = shell(workshop, "sleep 600");
            workshop.run("wait", &tool, Network::Denied).unwrap_err()
        });
        assert!(matches!(error, Error::TimedOut { seconds: 1 }), "{error}");
    }
}
