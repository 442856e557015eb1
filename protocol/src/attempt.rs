//! One run of one execution: all that an executor needs to know.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::clip;
use crate::{ByteSize, Error, ExecutionId, Json, Limits, ProjectName};

/// One run of one execution. Data only: it may be stored, sent to another process, and run there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// The execution that this attempt belongs to.
    pub execution_id: ExecutionId,
    /// Counts from 1.
    pub number: u32,
    /// The function that is run, for its own information and the logs.
    pub function: FunctionRef,
    /// What started the execution.
    pub trigger: Trigger,
    /// Source text, where the artifact is an interpreter; `None` where the artifact is the function itself.
    pub code: Option<String>,
    /// The event that the handler gets.
    pub input: Json,
    /// Environment variables of the function, and nothing else.
    pub environment: Environment,
    /// What the attempt may use.
    pub limits: Limits,
    /// When the execution was asked for.
    pub created_at: Timestamp,
    /// The nominal time, for scheduled executions.
    pub scheduled_at: Option<Timestamp>,
    /// W3C trace id, if the caller is traced.
    pub trace_id: Option<String>,
}

impl Attempt {
    /// The longest source text. More is a package for the builder, or data that belongs into the input.
    pub const CODE_BYTES_MAX: usize = 1 << 20;
    /// The longest input, as of AWS Lambda.
    pub const INPUT_BYTES_MAX: usize = 6 << 20;

    /// The first attempt of a new execution with default limits: `code` for an interpreter, called with `input`.
    #[must_use]
    pub fn new(code: Option<String>, input: Json) -> Self {
        Self {
            execution_id: ExecutionId::generate(),
            number: 1,
            function: FunctionRef::default(),
            trigger: Trigger::Api,
            code,
            input,
            environment: Environment::default(),
            limits: Limits::default(),
            created_at: Timestamp::now(),
            scheduled_at: None,
            trace_id: None,
        }
    }

    /// Checks what its parts cannot check alone.
    ///
    /// # Errors
    /// Code or input that is too long.
    pub fn validate(&self) -> Result<(), Error> {
        at_most("code", self.code.as_ref().map_or(0, String::len), Self::CODE_BYTES_MAX)?;
        at_most("input", self.input.len_bytes(), Self::INPUT_BYTES_MAX)
    }
}

pub(crate) fn at_most(field: &'static str, bytes: usize, max: usize) -> Result<(), Error> {
    if bytes <= max {
        return Ok(());
    }
    Err(Error::new(field, format!("{} is more than the maximum of {}", ByteSize(bytes as u64), ByteSize(max as u64))))
}

/// Which function runs, by the names that it sees in its `context`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionRef {
    /// The tenant.
    pub project: ProjectName,
    /// The function's name; `execute` for code that was never deployed.
    pub name: String,
    /// Its immutable version.
    pub version: String,
}

impl Default for FunctionRef {
    fn default() -> Self {
        Self { project: ProjectName::default(), name: "execute".into(), version: "0".into() }
    }
}

/// What started an execution.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// The SDK, the API, MCP or the command line.
    #[default]
    Api,
    /// An HTTP request to the function's own address.
    Http,
    /// A schedule.
    Cron,
    /// An event of another system.
    Event,
}

/// Environment variables of a function. Values may be secrets: neither `Debug` nor an error ever shows one.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<String, String>", into = "BTreeMap<String, String>")]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// Names and values together; what Linux grants a single string of `execve`.
    pub const BYTES_MAX: usize = 128 << 10;
    /// Set by the host; the last one only for commands and HTTP components.
    pub const RESERVED: [&'static str; 5] =
        ["HKS_FUNCTION_NAME", "HKS_FUNCTION_VERSION", "HKS_PROJECT_NAME", "HKS_EXECUTION_ID", "HKS_CONTEXT"];

    /// Names and values in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl TryFrom<BTreeMap<String, String>> for Environment {
    type Error = Error;

    fn try_from(variables: BTreeMap<String, String>) -> Result<Self, Error> {
        let mut bytes = 0;
        for (name, value) in &variables {
            check_variable(name, value)?;
            bytes += name.len() + value.len();
        }
        at_most("environment", bytes, Self::BYTES_MAX)?;
        Ok(Self(variables))
    }
}

fn check_variable(name: &str, value: &str) -> Result<(), Error> {
    check_variable_name("environment", name)?;
    if value.contains('\0') {
        return Err(Error::new("environment", format!("the value of {name} holds a NUL")));
    }
    Ok(())
}

pub(crate) fn check_variable_name(field: &'static str, name: &str) -> Result<(), Error> {
    let reason = if name.is_empty() || name.contains(['=', '\0']) {
        format!("{:?} is not a name: it must not be empty or hold `=` or NUL", clip(name))
    } else if Environment::RESERVED.contains(&name) {
        format!("{name} is set by the runtime; choose another name")
    } else {
        return Ok(());
    };
    Err(Error::new(field, reason))
}

impl From<Environment> for BTreeMap<String, String> {
    fn from(environment: Environment) -> Self {
        environment.0
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(name: &str, value: &str) -> Result<Environment, Error> {
        Environment::try_from(BTreeMap::from([(name.to_string(), value.to_string())]))
    }

    #[test]
    fn an_attempt_round_trips() {
        let mut attempt = Attempt::new(Some("def handler(event): pass".into()), Json::null());
        attempt.environment = environment("A", "b").unwrap();
        let text = serde_json::to_string(&attempt).unwrap();
        assert_eq!(serde_json::from_str::<Attempt>(&text).unwrap(), attempt);
    }

    #[test]
    fn ten_megabytes_of_code_are_refused_with_the_limit() {
        let attempt = Attempt::new(Some("#".repeat(10 << 20)), Json::null());
        assert_eq!(attempt.validate().unwrap_err().to_string(), "code: 10 MiB is more than the maximum of 1 MiB");
    }

    #[test]
    fn bad_variables_are_refused_without_showing_values() {
        for (name, value) in [("", "s3cret"), ("A=B", "s3cret"), ("HKS_PROJECT_NAME", "s3cret"), ("A", "s3cret\0")] {
            let error = environment(name, value).unwrap_err().to_string();
            assert!(!error.contains("s3cret"), "{error}");
        }
        assert!(environment("A", &"x".repeat(200 << 10)).is_err());
    }

    #[test]
    fn debug_shows_names_only() {
        let shown = format!("{:?}", environment("TOKEN", "s3cret").unwrap());
        assert_eq!(shown, r#"{"TOKEN"}"#);
    }
}
