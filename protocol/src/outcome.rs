use serde::{Deserialize, Serialize};

/// How an attempt ended, as far as its caller may know.
///
/// Host faults are not here: they are an `Err` of whoever ran the attempt, and must not be blamed on the guest or
/// counted as one of its tries. Match without a `_` arm, so that a new way to end is a decision everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The handler returned a value.
    Succeeded,
    /// The function failed by itself: an exception, source that does not compile, no handler, a result that is no JSON.
    Failed,
    /// The guest ended its own process, as `os._exit` does.
    Exited,
    /// The guest reached a WebAssembly trap that no limit explains, as `abort` does.
    Trapped,
    /// The wall clock passed the deadline.
    TimedOut,
    /// The fuel was used up.
    OutOfFuel,
    /// The function died after it was refused more memory than its limit.
    OutOfMemory,
    /// The call stack of the instance was used up.
    StackOverflow,
    /// The value is larger than the output limit.
    OutputTooLarge,
    /// Somebody asked for it to stop.
    Canceled,
}

/// The coarse answer that most callers branch on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// There is a value.
    Succeeded,
    /// The function's own fault.
    Failed,
    /// The function wanted more than it was granted.
    LimitExceeded,
    /// Stopped on request.
    Canceled,
    /// Not the function's fault; only recorded by those who keep executions, never reported by an executor.
    HostError,
}

impl Outcome {
    /// Every outcome, for tables and tests.
    pub const ALL: [Self; 10] = [
        Self::Succeeded,
        Self::Failed,
        Self::Exited,
        Self::Trapped,
        Self::TimedOut,
        Self::OutOfFuel,
        Self::OutOfMemory,
        Self::StackOverflow,
        Self::OutputTooLarge,
        Self::Canceled,
    ];

    /// The status that this outcome counts as.
    #[must_use]
    pub fn status(self) -> Status {
        match self {
            Self::Succeeded => Status::Succeeded,
            Self::Failed | Self::Exited | Self::Trapped => Status::Failed,
            Self::TimedOut | Self::OutOfFuel | Self::OutOfMemory | Self::StackOverflow | Self::OutputTooLarge => {
                Status::LimitExceeded
            }
            Self::Canceled => Status::Canceled,
        }
    }
}
