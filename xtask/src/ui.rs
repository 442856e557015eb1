//! What a person sees: one line when a step starts, one when it ends, and what went wrong.
//!
//! All of it goes to standard error. Standard output belongs to what was asked for, such as the example's own output.

use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

use anyhow::Result;

#[derive(Clone, Copy)]
enum Colour {
    Bold,
    Green,
    Red,
    Yellow,
}

/// Runs one step between its two progress lines.
pub(crate) fn step<T>(name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    eprintln!("{} {name} …", paint(Colour::Bold, "==>"));
    let started = Instant::now();
    let result = work();
    let (colour, word) = if result.is_ok() { (Colour::Green, "done") } else { (Colour::Red, "FAILED") };
    eprintln!("{} {name} {} ({})", paint(Colour::Bold, "==>"), paint(colour, word), seconds(started.elapsed()));
    result
}

/// A single line about something that took no time worth mentioning.
pub(crate) fn note(text: &str) {
    eprintln!("{} {text}", paint(Colour::Bold, "==>"));
}

/// Something that the reader must not miss although the work goes on.
pub(crate) fn warn(text: &str) {
    eprintln!("{} {text}", paint(Colour::Yellow, "warning:"));
}

/// Why the command stops, with all causes.
pub(crate) fn error(error: &anyhow::Error) {
    eprintln!("{} {error:#}", paint(Colour::Red, "error:"));
}

/// A child is quiet for long; `last` is the last line of its log.
pub(crate) fn still_running(elapsed: Duration, last: &str) {
    let last: String = last.trim().chars().filter(|c| !c.is_control()).take(100).collect();
    eprintln!("    … {} {last}", seconds(elapsed));
}

/// `0.4 s`, `12 s`, `3 min 5 s`: no more digits than anybody reads.
pub(crate) fn seconds(elapsed: Duration) -> String {
    let whole = elapsed.as_secs_f64().round() as u64;
    match whole {
        0..10 => format!("{:.1} s", elapsed.as_secs_f64()),
        10..120 => format!("{whole} s"),
        _ => format!("{} min {} s", whole / 60, whole % 60),
    }
}

/// Colours only on a terminal, and never where somebody asked for none (<https://no-color.org>).
fn paint(colour: Colour, text: &str) -> String {
    let wanted = stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    if !wanted {
        return text.to_string();
    }
    let code = match colour {
        Colour::Bold => "1",
        Colour::Green => "32",
        Colour::Red => "31",
        Colour::Yellow => "33",
    };
    format!("\x1b[{code}m{text}\x1b[0m")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_the_digits_that_matter() {
        assert_eq!(seconds(Duration::from_millis(42)), "0.0 s");
        assert_eq!(seconds(Duration::from_millis(9_400)), "9.4 s");
        assert_eq!(seconds(Duration::from_millis(9_960)), "10 s");
        assert_eq!(seconds(Duration::from_secs(119)), "119 s");
        assert_eq!(seconds(Duration::from_secs(185)), "3 min 5 s");
    }
}
