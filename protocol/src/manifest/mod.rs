//! What a function says of itself, in `function.yaml` or in the body of a deployment.
//!
//! A [`ManifestSpec`] is what was written, a [`Manifest`] what it means: bounded, complete, and free of contradictions.
//! Nothing here reads files; the builder reads YAML, and keeps the places of mistakes.
//!
//! Unknown keys are refused everywhere, so that a mistyped limit is a mistake and not a default.

mod bounded;
mod build;
mod cleanup;
mod environment;
mod grants;
mod handler;
mod package;
mod problem;
mod route;
mod runtime;
mod schedule;
#[cfg(test)]
mod schema;
mod secrets;
mod spec;
mod text;
mod trigger;

use serde::{Deserialize, Serialize};

pub use bounded::{List, Period, Whole};
pub use build::{Build, BuildTimeout};
pub use cleanup::{Cleanup, Hours};
pub use environment::{VariableName, VariableValue, Variables};
pub use grants::{Grants, HostPattern};
pub use handler::Handler;
pub use package::Package;
pub use problem::{Path, Problem, Step};
pub use route::{Route, RoutePart};
pub use runtime::Runtime;
pub use schedule::{CronText, Deadline, Delay, Jitter, Missed, Overlap, Retry, Schedule, Schedules, TimeZoneName};
pub use secrets::{SecretName, Secrets};
pub use spec::ManifestSpec;
pub use trigger::{Access, Cors, HeaderName, HttpTrigger, Method, Origin, TriggerKind};

use crate::{Environment, FunctionName, Limits};

/// A valid manifest. Made from a [`ManifestSpec`], so that none which contradicts itself can exist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "ManifestSpec", into = "ManifestSpec")]
pub struct Manifest {
    name: FunctionName,
    runtime: Option<Runtime>,
    handler: Option<Handler>,
    trigger: Option<HttpTrigger>,
    schedules: Vec<Schedule>,
    limits: Limits,
    environment: Environment,
    secrets: Secrets,
    grants: Grants,
    packages: List<Package, 0, { Package::COUNT_MAX }>,
    build: Build,
    cleanup: Cleanup,
}

impl Manifest {
    /// The name of the function.
    pub fn name(&self) -> &FunctionName {
        &self.name
    }

    /// What it is written in; the builder finds out where it is not said.
    pub fn runtime(&self) -> Option<Runtime> {
        self.runtime
    }

    /// Where it begins; the builder finds out where it is not said.
    pub fn handler(&self) -> Option<&Handler> {
        self.handler.as_ref()
    }

    /// How it is called from outside; only by its project where there is none.
    pub fn trigger(&self) -> Option<&HttpTrigger> {
        self.trigger.as_ref()
    }

    /// When it runs by itself. Names are unique, and at most one is without.
    pub fn schedules(&self) -> &[Schedule] {
        &self.schedules
    }

    /// What each execution may use.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Its environment variables, without its secrets.
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// Its secrets by the variables that hold them, none of which is in the environment.
    pub fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// What it may reach beyond its own computation.
    pub fn grants(&self) -> &Grants {
        &self.grants
    }

    /// Packages to install.
    pub fn packages(&self) -> &[Package] {
        &self.packages
    }

    /// How it is made ready.
    pub fn build(&self) -> &Build {
        &self.build
    }

    /// When it is deleted by itself.
    pub fn cleanup(&self) -> &Cleanup {
        &self.cleanup
    }
}
