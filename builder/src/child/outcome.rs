use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

/// How a tool ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// With exit code 0.
    Succeeded,
    /// With another code, or by a signal that it or the system sent.
    Failed {
        /// As `wait` gives it.
        status: ExitStatus,
    },
    /// Past its wall time or its CPU time.
    TimedOut,
    /// Past its memory. Best effort: a tool that handles a refused allocation itself has failed.
    OutOfMemory,
    /// Past the size or the number of files, or with one that is too large.
    DiskFull,
    /// Past the number of its processes and threads, where the kernel does not refuse them.
    TooManyTasks,
    /// By [`Cancel`](super::Cancel).
    Canceled,
}

/// What remains of a tool that ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// How it ended.
    pub outcome: Outcome,
    /// Processor time of all its processes.
    pub cpu: Duration,
    /// The most memory seen in use by all together, in bytes; 0 for tools that end before one looks.
    pub peak_memory_bytes: u64,
    /// Whether lines were dropped or cut.
    pub log_truncated: bool,
    /// What kept it apart.
    pub confinement: Confinement,
}

impl Ended {
    /// Canceled before.
    pub(super) fn never_started(confinement: Confinement) -> Self {
        let (outcome, cpu) = (Outcome::Canceled, Duration::ZERO);
        Self { outcome, cpu, peak_memory_bytes: 0, log_truncated: false, confinement }
    }
}

/// What kept a tool apart; less than all only if it is permitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Confinement {
    /// Its processes had a namespace, so that none can have survived.
    pub namespaces: bool,
    /// Landlock kept it from other files.
    pub files: bool,
    /// The network was out of reach: asked for, and done.
    pub network_denied: bool,
}

/// What the processes in between say about the tool.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Report {
    pub(super) status: Option<i32>,
    pub(super) cpu_us: u64,
    pub(super) failed_stage: Option<u64>,
}

impl Report {
    /// What the status alone says. `killed_for_memory` says whether the kernel did so to anybody meanwhile.
    pub(super) fn outcome(&self, killed_for_memory: bool, peak_near_limit: bool, cpu_spent: bool) -> Outcome {
        let Some(raw) = self.status else {
            return if killed_for_memory { Outcome::OutOfMemory } else { failed(libc::SIGKILL) };
        };
        let status = ExitStatus::from_raw(raw);
        match status.signal() {
            Some(libc::SIGXCPU) => Outcome::TimedOut,
            Some(libc::SIGKILL) if cpu_spent => Outcome::TimedOut,
            Some(libc::SIGXFSZ) => Outcome::DiskFull,
            Some(libc::SIGKILL) if killed_for_memory => Outcome::OutOfMemory,
            _ if status.success() => Outcome::Succeeded,
            _ if peak_near_limit => Outcome::OutOfMemory,
            _ => Outcome::Failed { status },
        }
    }
}

fn failed(raw: i32) -> Outcome {
    Outcome::Failed { status: ExitStatus::from_raw(raw) }
}
