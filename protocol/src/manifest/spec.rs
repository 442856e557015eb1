//! A manifest as people write it. Each part is checked by its own type; what only two parts together can get wrong is
//! checked here, on the way to a [`Manifest`].

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::bounded::List;
use super::environment::{self, Variables};
use super::problem::{Path, Problem, Step};
use super::{Build, Cleanup, Grants, Handler, HttpTrigger, Manifest, Package, Runtime, Schedule, Schedules, Secrets};
use crate::attempt::{Attempt, at_most};
use crate::{FunctionName, Limits, LimitsSpec};

/// A function of HKS Functions: what it is called, how it is built, what starts it, and what it may use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ManifestSpec {
    /// The name of the function, unique in its project: 1 to 63 lower-case letters, digits and inner dashes.
    pub name: FunctionName,
    /// What the function is written in, or what it comes as; found out from its files when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime: Option<Runtime>,
    /// Where the function begins: `file` or `file:function`, such as `src/app.py:handler`, relative to this file; found out
    /// when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handler: Option<Handler>,
    /// How the function is called from outside; only by its project when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<HttpTrigger>,
    /// When the function runs by itself: one schedule or a list of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedules>,
    /// What each execution may use. Whatever is absent takes its default, which is always finite.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<LimitsSpec>,
    /// Environment variables, 128 KiB at most. Values that are secret belong into `secrets`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<Variables>,
    /// Secrets of the project that the function sees, by the environment variables that hold them; or a list of names where
    /// both are the same. The values are never in this file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secrets: Option<Secrets>,
    /// What the function may reach beyond its own computation; nothing when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grants: Option<Grants>,
    /// Packages to install: requirements of pip for Python, specs of npm for JavaScript and TypeScript.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packages: Option<List<Package, 0, { Package::COUNT_MAX }>>,
    /// How the function is made ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build: Option<Build>,
    /// When the function is deleted by itself; never when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cleanup: Option<Cleanup>,
}

impl ManifestSpec {
    /// Checks what the parts cannot check alone.
    ///
    /// # Errors
    /// All that is wrong, each with its place; at least one.
    pub fn validate(self) -> Result<Manifest, Vec<Problem>> {
        let mut problems = Vec::new();
        check_packages(&self, &mut problems);
        check_trigger(self.trigger.as_ref(), &mut problems);
        check_schedules(self.schedule.as_ref(), &mut problems);
        check_variables(&self, &mut problems);
        let limits = limits(self.limits.unwrap_or_default(), &mut problems);
        let environment = environment::environment(self.environment.unwrap_or_default())
            .map_err(|error| problems.push(Problem::new(Path::key("environment"), error.reason())));
        let (Some(limits), Ok(environment), true) = (limits, environment, problems.is_empty()) else {
            return Err(problems);
        };
        Ok(Manifest {
            name: self.name,
            runtime: self.runtime,
            handler: self.handler,
            trigger: self.trigger,
            schedules: self.schedule.map_or_else(Vec::new, Schedules::into_vec),
            limits,
            environment,
            secrets: self.secrets.unwrap_or_default(),
            grants: self.grants.unwrap_or_default(),
            packages: self.packages.unwrap_or_default(),
            build: self.build.unwrap_or_default(),
            cleanup: self.cleanup.unwrap_or_default(),
        })
    }
}

fn check_packages(spec: &ManifestSpec, problems: &mut Vec<Problem>) {
    let given = spec.packages.as_ref().is_some_and(|packages| !packages.is_empty());
    if given && spec.runtime.is_some_and(|runtime| !runtime.takes_packages()) {
        let reason = "only python, javascript and typescript take packages; others bring theirs in their own build";
        problems.push(Problem::new(Path::key("packages"), reason));
    }
}

fn check_trigger(trigger: Option<&HttpTrigger>, problems: &mut Vec<Problem>) {
    let Some(cors) = trigger.and_then(|trigger| trigger.cors.as_ref()) else { return };
    if cors.credentials && cors.origins.iter().any(|origin| origin.as_str() == "*") {
        let path = Path::key("trigger").child("cors").child("credentials");
        problems.push(Problem::new(path, "browsers refuse credentials where every origin may call: list the origins"));
    }
}

fn check_schedules(schedules: Option<&Schedules>, problems: &mut Vec<Problem>) {
    let Some(schedules) = schedules else { return };
    let mut names = HashMap::new();
    for (path, schedule) in schedules.with_paths() {
        check_schedule(&path, schedule, problems);
        if let Some(first) = names.insert(schedule.name.as_ref(), path.clone()) {
            problems.push(same_name(path, schedule, &first));
        }
    }
}

fn same_name(path: Path, schedule: &Schedule, first: &Path) -> Problem {
    match &schedule.name {
        None => Problem::new(path, format!("needs a name, as {first} has none either")),
        Some(name) => Problem::new(path.child("name"), format!("{name} is the name of {first} too")),
    }
}

fn check_schedule(path: &Path, schedule: &Schedule, problems: &mut Vec<Problem>) {
    if let (Some(start), Some(end)) = (schedule.start_at, schedule.end_at)
        && end <= start
    {
        problems.push(Problem::new(path.clone().child("end_at"), format!("{end} is not after start_at, {start}")));
    }
    if schedule.retry.max_delay_s < schedule.retry.delay_s {
        let place = path.clone().child("retry").child("max_delay_s");
        problems.push(Problem::new(place, "is shorter than delay_s, the delay before the second attempt"));
    }
    let input_bytes = schedule.input.as_ref().map_or(0, crate::Json::len_bytes);
    if let Err(error) = at_most("input", input_bytes, Attempt::INPUT_BYTES_MAX) {
        problems.push(Problem::new(path.clone().child("input"), error.reason()));
    }
}

fn check_variables(spec: &ManifestSpec, problems: &mut Vec<Problem>) {
    let (Some(variables), Some(secrets)) = (&spec.environment, &spec.secrets) else { return };
    for (variable, _) in secrets.iter().filter(|(variable, _)| variables.contains_key(variable)) {
        let path = Path::key("environment").child(variable.as_str());
        problems.push(Problem::new(path, "is among the secrets too: leave one of them out"));
    }
}

/// Checks each limit by itself, so that all that are wrong are named.
fn limits(spec: LimitsSpec, problems: &mut Vec<Problem>) -> Option<Limits> {
    let LimitsSpec { memory_mb, timeout_s, fuel, output_bytes, log_bytes, tmp_bytes } = spec.clone();
    let none = LimitsSpec::default;
    let alone = [
        LimitsSpec { memory_mb, ..none() },
        LimitsSpec { timeout_s, ..none() },
        LimitsSpec { fuel, ..none() },
        LimitsSpec { output_bytes, ..none() },
        LimitsSpec { log_bytes, ..none() },
        LimitsSpec { tmp_bytes, ..none() },
    ];
    for error in alone.into_iter().filter_map(|one| Limits::try_from(one).err()) {
        problems.push(Problem::new(Path::key("limits").child(error.field()), error.reason()));
    }
    Limits::try_from(spec).ok()
}

impl Schedules {
    fn with_paths(&self) -> Vec<(Path, &Schedule)> {
        let path = Path::key("schedule");
        match self {
            Self::One(schedule) => vec![(path, schedule)],
            Self::Many(list) => list
                .iter()
                .enumerate()
                .map(|(index, schedule)| (path.clone().then(Step::Index(index)), schedule))
                .collect(),
        }
    }

    fn into_vec(self) -> Vec<Schedule> {
        match self {
            Self::One(schedule) => vec![*schedule],
            Self::Many(list) => list.into(),
        }
    }
}

/// The first problem only; [`ManifestSpec::validate`] has all of them.
impl TryFrom<ManifestSpec> for Manifest {
    type Error = Problem;

    fn try_from(spec: ManifestSpec) -> Result<Self, Problem> {
        spec.validate().map_err(|mut problems| problems.swap_remove(0))
    }
}

impl From<Manifest> for ManifestSpec {
    fn from(manifest: Manifest) -> Self {
        let schedules = List::try_from(manifest.schedules).expect("they came from a list of the same bounds");
        Self {
            name: manifest.name,
            runtime: manifest.runtime,
            handler: manifest.handler,
            trigger: manifest.trigger,
            schedule: (!schedules.is_empty()).then_some(Schedules::Many(schedules)),
            limits: Some(manifest.limits.into()),
            environment: Some(environment::variables(manifest.environment)),
            secrets: Some(manifest.secrets),
            grants: Some(manifest.grants),
            packages: Some(manifest.packages),
            build: Some(manifest.build),
            cleanup: Some(manifest.cleanup),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(json: &str) -> Vec<String> {
        let spec: ManifestSpec = serde_json::from_str(json).unwrap();
        let problems = spec.validate().unwrap_err();
        problems.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_name_is_enough() {
        let manifest: Manifest = serde_json::from_str(r#"{"name": "hello"}"#).unwrap();
        assert_eq!(manifest.name().as_str(), "hello");
        assert_eq!(*manifest.limits(), Limits::default());
        assert!(manifest.build().snapshot && manifest.grants().http.is_empty() && manifest.schedules().is_empty());
    }

    #[test]
    fn null_is_as_good_as_absent() {
        let manifest: Manifest = serde_json::from_str(r#"{"name": "hello", "limits": null, "trigger": null}"#).unwrap();
        assert_eq!(*manifest.limits(), Limits::default());
    }

    #[test]
    fn every_limit_that_is_wrong_is_named() {
        let found = problems(r#"{"name": "a", "limits": {"memory_mb": 4, "fuel": 0, "tmp_bytes": "2Gi"}}"#);
        assert_eq!(
            found,
            [
                "limits.memory_mb: 4 is not between 8 and 2048 MiB",
                "limits.fuel: 0 is not between 1 and 90000000000000",
                "limits.tmp_bytes: 2 GiB is more than the maximum of 1 GiB",
            ]
        );
    }

    #[test]
    fn what_two_parts_get_wrong_together_is_found() {
        let cases = [
            (r#"{"name": "a", "runtime": "go", "packages": ["x"]}"#, "packages: only python"),
            (
                r#"{"name": "a", "environment": {"K": "v"}, "secrets": ["K"]}"#,
                "environment.K: is among the secrets too",
            ),
            (
                r#"{"name": "a", "trigger": {"type": "http", "cors": {"origins": ["*"], "credentials": true}}}"#,
                "trigger.cors.credentials: browsers refuse",
            ),
            (
                r#"{"name": "a", "schedule": {"cron": "@daily", "retry": {"delay_s": "10m"}}}"#,
                "schedule.retry.max_delay_s: is shorter",
            ),
            (
                r#"{"name": "a", "schedule": {"cron": "@daily", "start_at": "2026-02-01T00:00:00Z", "end_at": "2026-02-01T00:00:00Z"}}"#,
                "schedule.end_at: 2026-02-01T00:00:00Z is not after",
            ),
            (
                r#"{"name": "a", "schedule": [{"cron": "@daily"}, {"cron": "@daily"}]}"#,
                "schedule[1]: needs a name, as schedule[0] has none either",
            ),
            (
                r#"{"name": "a", "schedule": [{"cron": "@daily", "name": "x"}, {"cron": "@daily", "name": "x"}]}"#,
                "schedule[1].name: x is the name of schedule[0] too",
            ),
        ];
        for (json, expected) in cases {
            let found = problems(json);
            assert!(found.len() == 1 && found[0].starts_with(expected), "{json}: {found:?}");
        }
    }

    #[test]
    fn debug_does_not_show_the_environment() {
        let spec: ManifestSpec = serde_json::from_str(r#"{"name": "a", "environment": {"TOKEN": "s3cret"}}"#).unwrap();
        assert!(!format!("{spec:?}").contains("s3cret"));
        assert!(!format!("{:?}", spec.validate().unwrap()).contains("s3cret"));
    }
}
