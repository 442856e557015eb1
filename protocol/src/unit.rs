//! Sizes and durations as people write them: `128Mi`, `30s`. Units are part of the text; a bare number is refused where it
//! would be ambiguous.

use std::fmt;
use std::time::Duration;

use crate::Error;

/// Reads a size in bytes: a whole number with an optional unit `B`, `K`, `M`, `G` (powers of 1,000) or `Ki`, `Mi`, `Gi`
/// (powers of 1,024), each with an optional trailing `B`. IEC 80000-13 names, as Kubernetes uses them.
///
/// # Errors
/// Names `field` when the text is no such size or does not fit into 64 bits.
pub fn parse_bytes(field: &'static str, text: &str) -> Result<u64, Error> {
    let (number, unit) = split(text);
    let scale: u64 = match unit.strip_suffix('B').unwrap_or(unit) {
        "" => 1,
        "K" | "k" => 1_000,
        "M" => 1_000_000,
        "G" => 1_000_000_000,
        "Ki" => 1 << 10,
        "Mi" => 1 << 20,
        "Gi" => 1 << 30,
        _ => return Err(Error::new(field, format!("{text:?} is not a size such as 128Mi, 1Gi or 65536"))),
    };
    number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(scale))
        .ok_or_else(|| Error::new(field, format!("{text:?} is not a size such as 128Mi, 1Gi or 65536")))
}

/// Reads a duration: a whole number and one of `ms`, `s`, `m`, `h`.
///
/// # Errors
/// Names `field` when the text is no such duration or is longer than 2^64 milliseconds.
pub fn parse_duration(field: &'static str, text: &str) -> Result<Duration, Error> {
    let (number, unit) = split(text);
    let scale_ms: u64 = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(Error::new(field, format!("{text:?} is not a duration such as 500ms, 30s or 15m"))),
    };
    number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(scale_ms))
        .map(Duration::from_millis)
        .ok_or_else(|| Error::new(field, format!("{text:?} is not a duration such as 500ms, 30s or 15m")))
}

fn split(text: &str) -> (&str, &str) {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.split_at(end)
}

/// Shows a number of bytes with the largest binary unit that reads well: `128 MiB`, `1.5 GiB`, `17 B`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteSize(pub u64);

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [(1u64 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
        match units.into_iter().find(|(scale, _)| self.0 >= *scale) {
            None => write!(f, "{} B", self.0),
            Some((scale, unit)) if self.0.is_multiple_of(scale) => write!(f, "{} {unit}", self.0 / scale),
            #[expect(clippy::cast_precision_loss, reason = "shown with one digit after the point")]
            Some((scale, unit)) => write!(f, "{:.1} {unit}", self.0 as f64 / scale as f64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sizes_as_people_write_them() {
        let cases =
            [("128Mi", 128 << 20), ("128MiB", 128 << 20), ("2Gi", 2 << 30), ("64K", 64_000), ("7", 7), ("7B", 7)];
        for (text, bytes) in cases {
            assert_eq!(parse_bytes("memory", text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn nonsense_is_refused_by_name() {
        for text in
            ["", "Mi", "-1Mi", "1.5Gi", "128 Mi", "1Ti", "99999999999999999999", "18446744073709551615Gi", "٣Mi"]
        {
            let error = parse_bytes("memory", text).unwrap_err();
            assert_eq!(error.field(), "memory", "{text}");
        }
        for text in ["", "30", "s", "-1s", "1.5s", "1d", "99999999999999999999s"] {
            assert!(parse_duration("timeout", text).is_err(), "{text}");
        }
    }

    #[test]
    fn durations_as_people_write_them() {
        assert_eq!(parse_duration("timeout", "500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse_duration("timeout", "30s"), Ok(Duration::from_secs(30)));
        assert_eq!(parse_duration("timeout", "15m"), Ok(Duration::from_secs(900)));
    }

    #[test]
    fn sizes_are_shown_in_the_unit_that_reads_best() {
        assert_eq!(ByteSize(128 << 20).to_string(), "128 MiB");
        assert_eq!(ByteSize(1536 << 20).to_string(), "1.5 GiB");
        assert_eq!(ByteSize(17).to_string(), "17 B");
    }

    proptest! {
        #[test]
        fn whole_mebibytes_round_trip(mebibytes in 0u64..1 << 30) {
            prop_assert_eq!(parse_bytes("memory", &format!("{mebibytes}Mi")), Ok(mebibytes << 20));
        }

        #[test]
        fn milliseconds_round_trip(ms in any::<u64>()) {
            prop_assert_eq!(parse_duration("timeout", &format!("{ms}ms")), Ok(Duration::from_millis(ms)));
        }

        #[test]
        fn no_text_panics(text in ".{0,40}") {
            let _ = parse_bytes("memory", &text);
            let _ = parse_duration("timeout", &text);
        }
    }
}
