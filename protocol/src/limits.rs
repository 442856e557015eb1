//! What one attempt may use. Every limit is finite, and "absent" means the default, never "unlimited".

use std::fmt;
use std::time::Duration;

use serde::de::{Deserializer, Visitor};
use serde::{Deserialize, Serialize};

use crate::{ByteSize, Error, parse_bytes, parse_duration};

const MIB: u64 = 1 << 20;

/// Validated limits of one attempt. Made from a [`LimitsSpec`], so that no value outside the bounds can exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "LimitsSpec", into = "LimitsSpec")]
pub struct Limits {
    memory_bytes: u64,
    timeout: Duration,
    fuel: u64,
    output_bytes: u64,
    log_bytes: u64,
    tmp_bytes: u64,
}

impl Limits {
    /// Enough for CPython with its whole standard library and some 60 MiB of the function's own.
    pub const MEMORY_BYTES_DEFAULT: u64 = 128 * MIB;
    /// The smallest memory that any guest of ours starts in.
    pub const MEMORY_BYTES_MIN: u64 = 8 * MIB;
    /// Half of what a 32-bit WebAssembly memory can address.
    pub const MEMORY_BYTES_MAX: u64 = 2048 * MIB;
    /// As long as an interactive caller waits.
    pub const TIMEOUT_DEFAULT: Duration = Duration::from_secs(30);
    /// One tick of the deadline's clock.
    pub const TIMEOUT_MIN: Duration = Duration::from_millis(1);
    /// What AWS Lambda allows.
    pub const TIMEOUT_MAX: Duration = Duration::from_secs(900);
    /// Fuel granted for a second of timeout when none is named. A fast core burns some 12 thousand million units a second
    /// in a tight loop, so the deadline comes first, and fuel is the bound that does not depend on the machine.
    pub const FUEL_PER_SECOND: u64 = 100_000_000_000;
    /// Fuel for the longest timeout.
    pub const FUEL_MAX: u64 = Self::FUEL_PER_SECOND * 900;
    /// Value and rich results together.
    pub const OUTPUT_BYTES_DEFAULT: u64 = MIB;
    /// What one HTTP response of a function may hold.
    pub const OUTPUT_BYTES_MAX: u64 = 16 * MIB;
    /// stdout and stderr together.
    pub const LOG_BYTES_DEFAULT: u64 = MIB;
    /// A report holds all log lines, so this bounds its memory in the host.
    pub const LOG_BYTES_MAX: u64 = 16 * MIB;
    /// Private `/tmp` of the attempt.
    pub const TMP_BYTES_DEFAULT: u64 = 64 * MIB;
    /// Bounds what one attempt can take of the host's disk.
    pub const TMP_BYTES_MAX: u64 = 1024 * MIB;

    /// All memories and tables of the instance together, in bytes.
    pub fn memory_bytes(&self) -> u64 {
        self.memory_bytes
    }

    /// From the start of the instance to the end of the handler, host calls included.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Units of WebAssembly work, one for most instructions.
    pub fn fuel(&self) -> u64 {
        self.fuel
    }

    /// Value and rich results together, in bytes of JSON.
    pub fn output_bytes(&self) -> u64 {
        self.output_bytes
    }

    /// stdout and stderr together, in bytes.
    pub fn log_bytes(&self) -> u64 {
        self.log_bytes
    }

    /// Size of the private `/tmp`, in bytes; each file or folder counts for at least one page of 4,096.
    pub fn tmp_bytes(&self) -> u64 {
        self.tmp_bytes
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::try_from(LimitsSpec::default()).expect("the defaults lie within the bounds")
    }
}

/// Limits as a caller writes them: whatever is absent takes its default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct LimitsSpec {
    /// Mebibytes; 8 to 2,048.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(range(min = 8, max = 2048)))]
    pub memory_mb: Option<u64>,
    /// Seconds, or a text such as `500ms`, `30s`, `15m`; at most 900 s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_s: Option<Seconds>,
    /// Units of WebAssembly work; derived from the timeout when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fuel: Option<u64>,
    /// Bytes, or a text such as `1Mi`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_bytes: Option<Bytes>,
    /// Bytes, or a text such as `1Mi`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_bytes: Option<Bytes>,
    /// Bytes, or a text such as `64Mi`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tmp_bytes: Option<Bytes>,
}

/// A size on the wire: a number of bytes or a text with a unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Bytes {
    /// Plain bytes.
    Number(u64),
    /// A whole number and a unit, such as `64Mi`; read by [`parse_bytes`].
    #[cfg_attr(test, schemars(description = "A whole number and a unit, such as `64Mi`."))]
    Text(String),
}

/// Not derived, because an untagged enum cannot say what it expected.
impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(BytesVisitor)
    }
}

struct BytesVisitor;

impl Visitor<'_> for BytesVisitor {
    type Value = Bytes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number of bytes or a size such as 64Mi")
    }

    fn visit_u64<E>(self, bytes: u64) -> Result<Bytes, E> {
        Ok(Bytes::Number(bytes))
    }

    fn visit_str<E>(self, text: &str) -> Result<Bytes, E> {
        Ok(Bytes::Text(text.into()))
    }
}

/// A duration on the wire: a number of seconds, possibly with a fraction, or a text with a unit.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Seconds {
    /// Seconds.
    Number(f64),
    /// A whole number and a unit, such as `500ms`; read by [`parse_duration`].
    #[cfg_attr(test, schemars(description = "A whole number and a unit, such as `500ms`."))]
    Text(String),
}

impl Eq for Seconds {}

/// Not derived, because an untagged enum cannot say what it expected.
impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SecondsVisitor)
    }
}

struct SecondsVisitor;

impl Visitor<'_> for SecondsVisitor {
    type Value = Seconds;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number of seconds or a duration such as 500ms, 30s or 15m")
    }

    fn visit_f64<E>(self, seconds: f64) -> Result<Seconds, E> {
        Ok(Seconds::Number(seconds))
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "a number this large is refused by its bounds, however it is rounded"
    )]
    fn visit_u64<E>(self, seconds: u64) -> Result<Seconds, E> {
        Ok(Seconds::Number(seconds as f64))
    }

    #[expect(clippy::cast_precision_loss, reason = "as above")]
    fn visit_i64<E>(self, seconds: i64) -> Result<Seconds, E> {
        Ok(Seconds::Number(seconds as f64))
    }

    fn visit_str<E>(self, text: &str) -> Result<Seconds, E> {
        Ok(Seconds::Text(text.into()))
    }
}

impl TryFrom<LimitsSpec> for Limits {
    type Error = Error;

    fn try_from(spec: LimitsSpec) -> Result<Self, Error> {
        let timeout = spec.timeout_s.map_or(Ok(Self::TIMEOUT_DEFAULT), |seconds| {
            seconds.within("timeout_s", Self::TIMEOUT_MIN, Self::TIMEOUT_MAX)
        })?;
        Ok(Self {
            memory_bytes: memory(spec.memory_mb)?,
            timeout,
            fuel: fuel(spec.fuel, timeout)?,
            output_bytes: size("output_bytes", spec.output_bytes, Self::OUTPUT_BYTES_DEFAULT, Self::OUTPUT_BYTES_MAX)?,
            log_bytes: size("log_bytes", spec.log_bytes, Self::LOG_BYTES_DEFAULT, Self::LOG_BYTES_MAX)?,
            tmp_bytes: size("tmp_bytes", spec.tmp_bytes, Self::TMP_BYTES_DEFAULT, Self::TMP_BYTES_MAX)?,
        })
    }
}

impl From<Limits> for LimitsSpec {
    fn from(limits: Limits) -> Self {
        Self {
            memory_mb: Some(limits.memory_bytes / MIB),
            timeout_s: Some(Seconds::Number(limits.timeout.as_secs_f64())),
            fuel: Some(limits.fuel),
            output_bytes: Some(Bytes::Number(limits.output_bytes)),
            log_bytes: Some(Bytes::Number(limits.log_bytes)),
            tmp_bytes: Some(Bytes::Number(limits.tmp_bytes)),
        }
    }
}

impl Seconds {
    /// The duration, if it lies within the bounds. Rounded to whole milliseconds, the resolution of the deadline's clock.
    pub(crate) fn within(self, field: &'static str, min: Duration, max: Duration) -> Result<Duration, Error> {
        let (duration, shown) = match self {
            Self::Text(text) => (Some(parse_duration(field, &text)?), text),
            Self::Number(seconds) => {
                let whole_ms = (seconds * 1e3).round() / 1e3;
                (Duration::try_from_secs_f64(whole_ms).ok(), seconds.to_string())
            }
        };
        duration.filter(|duration| (min..=max).contains(duration)).ok_or_else(|| {
            let (min, max) = (min.as_secs_f64(), max.as_secs_f64());
            Error::new(field, format!("{shown} is not between {min} and {max} seconds"))
        })
    }
}

fn memory(mebibytes: Option<u64>) -> Result<u64, Error> {
    let Some(mebibytes) = mebibytes else { return Ok(Limits::MEMORY_BYTES_DEFAULT) };
    let (min, max) = (Limits::MEMORY_BYTES_MIN / MIB, Limits::MEMORY_BYTES_MAX / MIB);
    if (min..=max).contains(&mebibytes) {
        return Ok(mebibytes * MIB);
    }
    Err(Error::new("memory_mb", format!("{mebibytes} is not between {min} and {max} MiB")))
}

fn fuel(fuel: Option<u64>, timeout: Duration) -> Result<u64, Error> {
    let derived = || {
        let ms = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
        ms.saturating_mul(Limits::FUEL_PER_SECOND / 1000).clamp(1, Limits::FUEL_MAX)
    };
    match fuel {
        None => Ok(derived()),
        Some(fuel) if (1..=Limits::FUEL_MAX).contains(&fuel) => Ok(fuel),
        Some(fuel) => Err(Error::new("fuel", format!("{fuel} is not between 1 and {}", Limits::FUEL_MAX))),
    }
}

fn size(field: &'static str, given: Option<Bytes>, default: u64, max: u64) -> Result<u64, Error> {
    let bytes = match given {
        None => default,
        Some(Bytes::Number(bytes)) => bytes,
        Some(Bytes::Text(text)) => parse_bytes(field, &text)?,
    };
    if bytes <= max {
        return Ok(bytes);
    }
    Err(Error::new(field, format!("{} is more than the maximum of {}", ByteSize(bytes), ByteSize(max))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(json: &str) -> Result<Limits, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn an_empty_spec_means_the_defaults() {
        let limits = parse("{}").unwrap();
        assert_eq!(limits, Limits::default());
        assert_eq!(limits.memory_bytes(), 128 << 20);
        assert_eq!(limits.timeout(), Duration::from_secs(30));
        assert_eq!(limits.fuel(), 3_000_000_000_000);
        assert_eq!((limits.output_bytes(), limits.log_bytes(), limits.tmp_bytes()), (1 << 20, 1 << 20, 64 << 20));
    }

    #[test]
    fn units_are_read_where_text_is_given() {
        let limits = parse(r#"{"timeout_s": "500ms", "log_bytes": "64Ki", "tmp_bytes": "1Gi"}"#).unwrap();
        assert_eq!(limits.timeout(), Duration::from_millis(500));
        assert_eq!((limits.log_bytes(), limits.tmp_bytes()), (64 << 10, 1 << 30));
    }

    #[test]
    fn every_excess_is_refused_by_name() {
        let cases = [
            (r#"{"memory_mb": 2049}"#, "memory_mb"),
            (r#"{"memory_mb": 1}"#, "memory_mb"),
            (r#"{"timeout_s": 900.1}"#, "timeout_s"),
            (r#"{"timeout_s": 0}"#, "timeout_s"),
            (r#"{"timeout_s": -1}"#, "timeout_s"),
            (r#"{"timeout_s": 1e300}"#, "timeout_s"),
            (r#"{"timeout_s": "16m"}"#, "timeout_s"),
            (r#"{"fuel": 0}"#, "fuel"),
            (r#"{"fuel": 18446744073709551615}"#, "fuel"),
            (r#"{"output_bytes": "17Mi"}"#, "output_bytes"),
            (r#"{"log_bytes": 16777217}"#, "log_bytes"),
            (r#"{"tmp_bytes": "2Gi"}"#, "tmp_bytes"),
            (r#"{"memory": 1}"#, "memory"),
        ];
        for (json, field) in cases {
            let error = parse(json).unwrap_err();
            assert!(error.contains(field), "{json}: {error}");
        }
    }

    proptest! {
        #[test]
        fn limits_round_trip(memory_mb in 8u64..=2048, ms in 1u64..=900_000, fuel in 1..=Limits::FUEL_MAX, tmp in 0..=Limits::TMP_BYTES_MAX) {
            let spec = LimitsSpec {
                memory_mb: Some(memory_mb),
                timeout_s: Some(Seconds::Text(format!("{ms}ms"))),
                fuel: Some(fuel),
                tmp_bytes: Some(Bytes::Number(tmp)),
                ..LimitsSpec::default()
            };
            let limits = Limits::try_from(spec).unwrap();
            let text = serde_json::to_string(&limits).unwrap();
            prop_assert_eq!(serde_json::from_str::<Limits>(&text).unwrap(), limits);
        }

        #[test]
        fn whatever_is_accepted_is_finite_and_within_bounds(memory_mb in any::<u64>(), seconds in any::<f64>(), fuel in any::<u64>()) {
            let spec = LimitsSpec { memory_mb: Some(memory_mb), timeout_s: Some(Seconds::Number(seconds)), fuel: Some(fuel), ..LimitsSpec::default() };
            if let Ok(limits) = Limits::try_from(spec) {
                prop_assert!((Limits::MEMORY_BYTES_MIN..=Limits::MEMORY_BYTES_MAX).contains(&limits.memory_bytes()));
                prop_assert!((Limits::TIMEOUT_MIN..=Limits::TIMEOUT_MAX).contains(&limits.timeout()));
                prop_assert!((1..=Limits::FUEL_MAX).contains(&limits.fuel()));
            }
        }
    }
}
