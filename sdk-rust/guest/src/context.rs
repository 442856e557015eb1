use serde::Deserialize;

/// What a handler may know about the execution that it serves.
///
/// In tests: `Context::default()`, or from JSON with the names of its fields.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Context {
    /// Names the execution, in all of its attempts.
    pub execution_id: String,
    /// 1 for the first.
    pub attempt: u32,
    /// The function's name.
    pub function_name: String,
    /// The version of it that runs.
    pub function_version: String,
    /// The project that it belongs to.
    pub project: String,
    /// Why it runs.
    pub trigger: Trigger,
    /// When it will be stopped, in milliseconds since 1970-01-01T00:00:00Z.
    pub deadline_ms: u64,
    /// The nominal time of a scheduled run, in RFC 3339.
    pub scheduled_at: Option<String>,
    /// What its memory may grow to, in MiB.
    pub memory_limit_mb: u32,
}

/// Why a function runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Trigger {
    /// Somebody asked for it: SDK, API, command line, or an agent.
    #[default]
    Api,
    /// An HTTP request; the event is a [`Request`](crate::http::Request).
    Http,
    /// A schedule.
    Cron,
    /// An event, such as the end of another execution.
    Event,
    /// What this version of the crate does not know.
    #[serde(other)]
    Other,
}

impl Context {
    /// Milliseconds until the function is stopped.
    #[must_use]
    pub fn remaining_time_ms(&self) -> u64 {
        #[cfg(target_arch = "wasm32")]
        return crate::bindings::hks::function::clock::remaining();
        #[cfg(not(target_arch = "wasm32"))]
        {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
            self.deadline_ms.saturating_sub(u64::try_from(now.as_millis()).unwrap_or(u64::MAX))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_context_of_the_host_is_read_and_may_grow() {
        let text = r#"{"execution_id": "exe_1", "attempt": 2, "function_name": "f", "function_version": "v",
            "project": "default", "trigger": "cron", "deadline_ms": 5, "scheduled_at": "2026-01-01T00:00:00Z",
            "memory_limit_mb": 128, "new": true}"#;
        let context: Context = serde_json::from_str(text).unwrap();
        assert_eq!((context.attempt, context.trigger, context.memory_limit_mb), (2, Trigger::Cron, 128));
        assert_eq!(context.remaining_time_ms(), 0);
        let newer: Context = serde_json::from_str(r#"{"trigger": "moon"}"#).unwrap();
        assert_eq!(newer.trigger, Trigger::Other);
    }
}
