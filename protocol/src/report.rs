//! What comes back from an attempt: one shape for the SDKs, the HTTP API, the command line and MCP.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Attempt, ExecutionId, Json, Limits, Logs, Outcome, Status, Trigger};

/// How an attempt went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The execution.
    pub execution_id: ExecutionId,
    /// The function's name.
    pub function: String,
    /// The function's version.
    pub version: String,
    /// `outcome.status()`, on the wire for those who do not care about the details.
    pub status: Status,
    /// How it ended.
    pub outcome: Outcome,
    /// What the handler returned; `null` unless it succeeded.
    pub value: Json,
    /// Rich results, in the order in which the function published them.
    pub results: Vec<Formats>,
    /// What it printed.
    pub logs: Logs,
    /// Some log lines or results were dropped, because a limit was reached.
    pub truncated: bool,
    /// Why it did not succeed.
    pub error: Option<Failure>,
    /// Files that it left under `/outputs`.
    pub artifacts: Vec<Artifact>,
    /// What it used.
    pub usage: Usage,
    /// What it might have used.
    pub limits: Limits,
    /// What started it.
    pub trigger: Trigger,
    /// Which attempt this was, counted from 1.
    pub attempt: u32,
    /// When the execution was asked for.
    pub created_at: Timestamp,
    /// When the instance started.
    pub started_at: Timestamp,
    /// When it had ended. Its memory and files are given back right after.
    pub finished_at: Timestamp,
    /// W3C trace id, if the caller is traced.
    pub trace_id: Option<String>,
}

impl Report {
    /// The report of an attempt that ended as `outcome` right now, with nothing used or printed; the executor fills in
    /// the rest.
    #[must_use]
    pub fn new(attempt: &Attempt, outcome: Outcome) -> Self {
        let now = Timestamp::now();
        Self {
            execution_id: attempt.execution_id,
            function: attempt.function.name.clone(),
            version: attempt.function.version.clone(),
            status: outcome.status(),
            outcome,
            value: Json::null(),
            results: Vec::new(),
            logs: Logs::default(),
            truncated: false,
            error: None,
            artifacts: Vec::new(),
            usage: Usage::default(),
            limits: attempt.limits,
            trigger: attempt.trigger,
            attempt: attempt.number,
            created_at: attempt.created_at,
            started_at: now,
            finished_at: now,
            trace_id: attempt.trace_id.clone(),
        }
    }
}

/// One rich result: the same thing in one or more formats.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Formats(pub BTreeMap<String, Json>);

impl Formats {
    /// The formats that there are; binary ones hold base64 text. The names are those of E2B's results.
    pub const NAMES: [&'static str; 10] =
        ["text", "html", "markdown", "svg", "png", "jpeg", "pdf", "latex", "json", "javascript"];
}

/// Why a function did not succeed: its own exception, or the limit that it met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The exception's type, such as `ValueError`, or the outcome's name, such as `TimeoutExceeded`.
    pub name: String,
    /// The message.
    pub value: String,
    /// With the user's own source lines; empty where there is none.
    pub traceback: String,
}

/// A file that the function left under `/outputs`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// Relative to `/outputs`, with `/` between the parts.
    pub path: String,
    /// Media type (RFC 6838).
    pub mime: String,
    /// In bytes.
    pub size: u64,
    /// Of its content, in lower-case hexadecimal.
    pub sha256: String,
    /// Where it can be fetched.
    pub url: String,
}

/// What an attempt used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// Units of WebAssembly work. From the same start, the same code and input use the same fuel on every machine; less where
    /// the source was compiled before, or its top level has run. 0 where the operator chose not to meter it.
    pub fuel: u64,
    /// Processor time of the guest's thread in milliseconds, start and host calls included.
    pub cpu_ms: f64,
    /// From start to end in milliseconds.
    pub wall_ms: f64,
    /// Largest size of the instance's memories together, the interpreter included.
    pub memory_peak_bytes: u64,
    /// Sent and received over the network.
    pub egress_bytes: u64,
    /// From the call of the executor until the function's own code could begin, in microseconds.
    pub start_us: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn outcome() -> impl Strategy<Value = Outcome> {
        prop::sample::select(Outcome::ALL.to_vec())
    }

    proptest! {
        #[test]
        fn a_report_round_trips(
            outcome in outcome(),
            lines in prop::collection::vec(".{0,20}", 0..5),
            name in ".{0,20}",
            traceback in ".{0,80}",
            wall_ms in 0.0..1e6f64,
            number in any::<i128>(),
        ) {
            let attempt = Attempt::new(None, Json::null());
            let mut report = Report::new(&attempt, outcome);
            report.value = Json::parse("value", format!("[{number}]")).unwrap();
            report.logs.stdout = lines;
            report.error = Some(Failure { name, value: String::new(), traceback });
            report.usage.wall_ms = wall_ms;
            report.results.push(Formats(BTreeMap::from([("text".into(), Json::from(serde_json::json!("x")))])));
            let text = serde_json::to_string(&report).unwrap();
            prop_assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), report);
        }
    }

    #[test]
    fn the_wire_has_the_names_of_the_contract() {
        let report = Report::new(&Attempt::new(None, Json::null()), Outcome::TimedOut);
        let value = serde_json::to_value(&report).unwrap();
        assert_eq!(value["status"], "limit_exceeded");
        assert_eq!(value["outcome"], "timed_out");
        assert_eq!(value["trigger"], "api");
        for field in ["execution_id", "value", "results", "logs", "error", "artifacts", "usage", "limits", "trace_id"] {
            assert!(value.get(field).is_some(), "{field}");
        }
    }
}
