use serde::{Deserialize, Serialize};

use super::bounded::Period;

/// How the function is made ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Build {
    /// Whether the top level runs once, at deployment, and executions start from the memory that it left. Switch it off
    /// for a function whose top level has to run each time.
    pub snapshot: bool,
    /// Whether packages are installed that the function's own files name, such as `requirements.txt` or `package.json`.
    pub dependencies: bool,
    /// The longest time that a build may take, in seconds or as a text such as `10m`.
    pub timeout_s: BuildTimeout,
}

/// Up to half an hour, enough for a clean build of a large Rust function.
pub type BuildTimeout = Period<1_000, { 30 * 60_000 }>;

impl Default for Build {
    /// Five minutes: installing packages takes seconds, and compilers a minute or two.
    fn default() -> Self {
        let timeout_s = BuildTimeout::from_secs(300).expect("the default lies within the bounds");
        Self { snapshot: true, dependencies: true, timeout_s }
    }
}
