//! When a function runs by itself. Whether a cron text or a time zone means something is the scheduler's to say, which
//! knows both; here they are only bounded.

use std::fmt;
use std::marker::PhantomData;

use jiff::Timestamp;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::bounded::{List, ListVisitor, Period, Whole};
use super::text::{check_visible, text};
use crate::id::clip;
use crate::{Json, ScheduleName};

/// Runs the function again and again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// What the schedule is called in lists and histories. Where there are several, each needs a name of its own, by
    /// which it is known again in the next deployment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<ScheduleName>,
    /// A cron expression of 5 fields, of 6 with seconds first, or a name such as `@hourly`.
    pub cron: CronText,
    /// The time zone of the expression, by its IANA name such as `Europe/Berlin`; UTC when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timezone: Option<TimeZoneName>,
    /// The event that the handler gets: any value; `null` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "serde_json::Value"))]
    pub input: Option<Json>,
    /// No run before this time (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "time")]
    #[cfg_attr(test, schemars(with = "Option<String>", extend("format" = "date-time")))]
    pub start_at: Option<Timestamp>,
    /// No run from this time on (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "time")]
    #[cfg_attr(test, schemars(with = "Option<String>", extend("format" = "date-time")))]
    pub end_at: Option<Timestamp>,
    /// What happens when a run is due while the last one has not ended.
    #[serde(default)]
    pub overlap: Overlap,
    /// What happens after a downtime to the runs that were due in it.
    #[serde(default)]
    pub missed: Missed,
    /// How late a run may start, in seconds or as a text such as `15m`, before it is given up; one hour when absent.
    #[serde(default = "Schedule::deadline_default")]
    pub deadline_s: Deadline,
    /// A random delay of each run up to this, in seconds or as a text, so that schedules of many functions do not all
    /// start at once; none when absent.
    #[serde(default = "Schedule::jitter_default")]
    pub jitter_s: Jitter,
    /// What happens when a run fails.
    #[serde(default)]
    pub retry: Retry,
}

/// One second, below which a busy machine would miss it, to seven days, after which a weekly run is due anyway.
pub type Deadline = Period<1_000, { 7 * 24 * 3_600_000 }>;
/// Up to one hour: more would move a run past what its cron expression says.
pub type Jitter = Period<0, 3_600_000>;
/// Up to one day: somebody has to look at what fails for longer.
pub type Delay = Period<0, { 24 * 3_600_000 }>;

impl Schedule {
    /// More than one function needs, and few enough to look at all of them in each tick.
    pub const COUNT_MAX: usize = 32;
    /// As late as a report of the night is still wanted.
    pub const DEADLINE_S_DEFAULT: u64 = 3_600;

    fn deadline_default() -> Deadline {
        Deadline::from_secs(Self::DEADLINE_S_DEFAULT).expect("the default lies within the bounds")
    }

    fn jitter_default() -> Jitter {
        Jitter::from_secs(0).expect("no jitter lies within the bounds")
    }
}

/// jiff says where its parser stopped; who wrote the text wants to know what to write.
fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    let not_a_time = |_| D::Error::custom(format!("{:?} is not a time such as 2026-01-31T08:00:00Z", clip(&text)));
    text.parse().map(Some).map_err(not_a_time)
}

/// One schedule or several, as they were written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Schedules {
    /// One, without a list around it.
    One(Box<Schedule>),
    /// Several.
    Many(List<Schedule, 0, { Schedule::COUNT_MAX }>),
}

/// Not derived, because an untagged enum would lose the place of a mistake.
impl<'de> Deserialize<'de> for Schedules {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SchedulesVisitor)
    }
}

struct SchedulesVisitor;

impl<'de> Visitor<'de> for SchedulesVisitor {
    type Value = Schedules;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a schedule or a list of schedules")
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<Schedules, A::Error> {
        Schedule::deserialize(MapAccessDeserializer::new(fields)).map(Box::new).map(Schedules::One)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, entries: A) -> Result<Schedules, A::Error> {
        ListVisitor(PhantomData).visit_seq(entries).map(Schedules::Many)
    }
}

/// A run is due while the last one has not ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Overlap {
    /// Both run.
    Allow,
    /// The new one is left out, and recorded as such.
    #[default]
    Forbid,
    /// The old one is canceled.
    Replace,
    /// The new one waits for the old one to end.
    Queue,
}

/// Runs were due while nothing could start them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Missed {
    /// They are left out.
    Skip,
    /// The last of them is run, if its deadline has not passed.
    #[default]
    RunOnce,
    /// All whose deadline has not passed are run, the oldest first.
    RunAll,
}

/// What happens when a run fails: it is tried again, each time after twice the delay. After the last attempt it becomes
/// a dead letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Retry {
    /// The first one included; 1 never tries again.
    pub max_attempts: Whole<1, { Retry::ATTEMPTS_MAX }>,
    /// Before the second attempt, in seconds or as a text such as `30s`.
    pub delay_s: Delay,
    /// The longest delay between two attempts, in seconds or as a text such as `5m`.
    pub max_delay_s: Delay,
}

impl Retry {
    /// With doubling delays, what did not work twenty times is not going to.
    pub const ATTEMPTS_MAX: u64 = 20;
}

impl Default for Retry {
    /// Three attempts, as AWS Lambda makes of an asynchronous call; the delays outlast a restart of what the function calls.
    fn default() -> Self {
        let delay = |seconds| Delay::from_secs(seconds).expect("the default lies within the bounds");
        Self {
            max_attempts: Whole::new(3).expect("the default lies within the bounds"),
            delay_s: delay(5),
            max_delay_s: delay(300),
        }
    }
}

text! {
    /// A cron expression, as it was written. The longest useful one names every minute of an hour.
    CronText { field: "cron", bytes_max: 256, check: check_visible }
}

text! {
    /// The IANA name of a time zone, as it was written. The longest that exists has 32 letters.
    TimeZoneName { field: "timezone", bytes_max: 64, check: check_time_zone, pattern: "^[A-Za-z0-9_+/-]+$" }
}

fn check_time_zone(text: &str) -> Result<(), String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_+-/".contains(&byte);
    if text.bytes().all(plain) && !text.starts_with('/') {
        return Ok(());
    }
    Err(format!("{text:?} is not the name of a time zone, such as Europe/Berlin or UTC"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_field_is_enough() {
        let schedule: Schedule = serde_json::from_str(r#"{"cron": "@hourly"}"#).unwrap();
        assert_eq!((schedule.overlap, schedule.missed), (Overlap::Forbid, Missed::RunOnce));
        assert_eq!(schedule.deadline_s.get().as_secs(), 3600);
        assert_eq!(schedule.retry, Retry::default());
    }

    #[test]
    fn policies_have_the_names_of_the_contract() {
        let names = |value| serde_json::to_string(&value).unwrap();
        assert_eq!(names(Missed::RunAll), r#""run-all""#);
        assert_eq!(serde_json::to_string(&Overlap::Queue).unwrap(), r#""queue""#);
    }

    #[test]
    fn big_integers_of_an_input_survive() {
        let schedule: Schedule =
            serde_json::from_str(r#"{"cron": "@daily", "input": {"n": 123456789012345678901234567890}}"#).unwrap();
        assert_eq!(schedule.input.unwrap().as_str(), r#"{"n": 123456789012345678901234567890}"#);
    }
}
