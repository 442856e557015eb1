use serde::{Deserialize, Serialize};

use super::bounded::Whole;

/// When the function is deleted by itself: as soon as one of these is reached, and never when none is given.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Cleanup {
    /// Hours after its last deployment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_hours: Option<Hours>,
    /// Hours without an execution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_hours: Option<Hours>,
    /// Executions since its last deployment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_executions: Option<Whole<1, { Cleanup::EXECUTIONS_MAX }>>,
}

/// Up to ten years, which is "never" for a policy of this kind.
pub type Hours = Whole<1, 87_600>;

impl Cleanup {
    /// Thirty a second for a year; who expects more does not want the function to vanish.
    pub const EXECUTIONS_MAX: u64 = 1_000_000_000;
}
