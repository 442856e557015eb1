//! What a guest says besides its result: log lines and rich results, both bounded here, where no guest can undo it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hks_protocol::{Formats, Json, LogLine, LogSink, Logs, Stream};

use crate::bindings::hks::function::output::{self, LogStream};
use crate::host::Guest;

/// A line is cut into pieces of this size, so that a guest which never ends one is still heard.
const LINE_BYTES_MAX: usize = 64 << 10;

/// Empty lines cost the host more than they cost the log limit, so lines are counted too.
const LINES_MAX: usize = 100_000;

/// Collects what a guest says. Shared with the WASI streams of the same store.
#[derive(Clone)]
pub(crate) struct Output(Arc<Mutex<Collected>>);

struct Collected {
    sink: Arc<dyn LogSink>,
    logs: Logs,
    /// Bytes of an unfinished line of each stream.
    unfinished: [Vec<u8>; 2],
    lines: usize,
    log_bytes_left: u64,
    /// The end of what stderr had beyond the limit.
    dropped: Vec<u8>,
    results: Vec<Formats>,
    result_bytes_left: u64,
    truncated: bool,
}

/// What was said in the end.
pub(crate) struct Said {
    pub(crate) logs: Logs,
    pub(crate) results: Vec<Formats>,
    /// What the rich results left of the output limit, for the value.
    pub(crate) value_bytes_max: u64,
    pub(crate) truncated: bool,
}

impl Output {
    pub(crate) fn new(log_bytes: u64, output_bytes: u64, sink: Arc<dyn LogSink>) -> Self {
        Self(Arc::new(Mutex::new(Collected {
            sink,
            logs: Logs::default(),
            unfinished: [Vec::new(), Vec::new()],
            lines: 0,
            log_bytes_left: log_bytes,
            dropped: Vec::new(),
            results: Vec::new(),
            result_bytes_left: output_bytes,
            truncated: false,
        })))
    }

    /// Appends to a log and hands finished lines on.
    pub(crate) fn write(&self, stream: Stream, bytes: &[u8]) {
        self.lock().write(stream, bytes);
    }

    /// Ends unfinished lines and takes all that was said.
    pub(crate) fn finish(&self) -> Said {
        let mut collected = self.lock();
        for stream in [Stream::Stdout, Stream::Stderr] {
            let rest = std::mem::take(&mut collected.unfinished[stream as usize]);
            if !rest.is_empty() {
                collected.emit(stream, &rest);
            }
        }
        Said {
            logs: std::mem::take(&mut collected.logs),
            results: std::mem::take(&mut collected.results),
            value_bytes_max: collected.result_bytes_left,
            truncated: collected.truncated,
        }
    }

    /// What the rich results so far leave of the output limit, for the value.
    pub(crate) fn value_bytes_max(&self) -> u64 {
        self.lock().result_bytes_left
    }

    /// The end of stderr so far: at most so many lines and bytes.
    pub(crate) fn last_lines(&self, lines_max: usize, bytes_max: usize) -> String {
        let collected = self.lock();
        let unfinished = String::from_utf8_lossy(&collected.unfinished[Stream::Stderr as usize]);
        let latest = Some(unfinished.as_ref()).filter(|line| !line.is_empty()).into_iter();
        let lines = latest.chain(collected.logs.stderr.iter().rev().map(String::as_str));
        let mut last: Vec<&str> = lines.take(lines_max).collect();
        last.reverse();
        let text = last.join("\n");
        let start = (text.len().saturating_sub(bytes_max)..=text.len()).find(|at| text.is_char_boundary(*at));
        text[start.unwrap_or(text.len())..].to_owned()
    }

    /// Takes the end of the last line of stderr, from the last `marker` on, out of the log, and returns what follows the marker.
    /// That line counts also where it is beyond the limit of the log. Who listens may have heard it.
    pub(crate) fn take_after(&self, marker: &str) -> Option<String> {
        let collected = &mut *self.lock();
        let unfinished = &mut collected.unfinished[Stream::Stderr as usize];
        if !collected.dropped.is_empty() {
            let line = [unfinished.as_slice(), &collected.dropped].concat();
            let line = line.strip_suffix(b"\n").unwrap_or(&line);
            let start = line.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
            let line = String::from_utf8_lossy(&line[start..]);
            let at = line.rfind(marker)?;
            if start == 0 {
                unfinished.truncate(at);
            }
            return Some(line[at + marker.len()..].to_owned());
        }
        if !unfinished.is_empty() {
            let line = String::from_utf8_lossy(unfinished).into_owned();
            let at = line.rfind(marker)?;
            unfinished.truncate(at);
            return Some(line[at + marker.len()..].to_owned());
        }
        let line = collected.logs.stderr.last_mut()?;
        let at = line.rfind(marker)?;
        let after = line[at + marker.len()..].to_owned();
        line.truncate(at);
        if at == 0 {
            collected.logs.stderr.pop();
        }
        Some(after)
    }

    /// A sink that panicked in one attempt must not take others' logs along: its own are kept as they are.
    fn lock(&self) -> MutexGuard<'_, Collected> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Collected {
    fn write(&mut self, stream: Stream, bytes: &[u8]) {
        let granted = usize::try_from(self.log_bytes_left).unwrap_or(usize::MAX).min(bytes.len());
        self.truncated |= granted < bytes.len();
        self.log_bytes_left -= granted as u64;
        if stream == Stream::Stderr {
            self.note_dropped(&bytes[granted..]);
        }
        for part in bytes[..granted].split_inclusive(|byte| *byte == b'\n') {
            match part.split_last() {
                Some((b'\n', rest)) => {
                    self.extend(stream, rest);
                    let line = std::mem::take(&mut self.unfinished[stream as usize]);
                    self.emit(stream, &line);
                }
                _ => self.extend(stream, part),
            }
        }
    }

    /// Keeps as much of it as the last line may need.
    fn note_dropped(&mut self, bytes: &[u8]) {
        self.dropped.extend_from_slice(&bytes[bytes.len().saturating_sub(LINE_BYTES_MAX)..]);
        // Moved once in a while, not for every few bytes.
        if self.dropped.len() > 2 * LINE_BYTES_MAX {
            self.dropped.drain(..self.dropped.len() - LINE_BYTES_MAX);
        }
    }

    fn extend(&mut self, stream: Stream, mut bytes: &[u8]) {
        loop {
            let unfinished = &mut self.unfinished[stream as usize];
            let room = LINE_BYTES_MAX - unfinished.len();
            if bytes.len() <= room {
                unfinished.extend_from_slice(bytes);
                return;
            }
            let (now, later) = bytes.split_at(room);
            unfinished.extend_from_slice(now);
            let kept = incomplete_tail(unfinished);
            let line: Vec<u8> = unfinished.drain(..unfinished.len() - kept).collect();
            self.emit(stream, &line);
            bytes = later;
        }
    }

    fn emit(&mut self, stream: Stream, line: &[u8]) {
        if self.lines == LINES_MAX {
            self.truncated = true;
            return;
        }
        self.lines += 1;
        let line = LogLine { stream, text: String::from_utf8_lossy(line).into_owned() };
        self.sink.line(line.clone());
        self.logs.push(line);
    }

    fn publish(&mut self, formats: &str) -> Result<(), String> {
        let parsed: Formats = serde_json::from_str(formats)
            .map_err(|error| format!("a rich result must be a JSON object from format to content: {error}"))?;
        check_formats(&parsed)?;
        let bytes = formats.len() as u64;
        if bytes > self.result_bytes_left {
            self.truncated = true;
            return Err(format!("a rich result of {bytes} bytes exceeds what is left of the output limit"));
        }
        self.result_bytes_left -= bytes;
        self.results.push(parsed);
        Ok(())
    }
}

fn check_formats(formats: &Formats) -> Result<(), String> {
    if formats.0.is_empty() {
        return Err("a rich result needs at least one format".into());
    }
    for (name, content) in &formats.0 {
        if !Formats::NAMES.contains(&name.as_str()) {
            let names = Formats::NAMES.join(", ");
            return Err(format!("{name:?} is not a format; there are {names}"));
        }
        if name != "json" && !is_text(content) {
            return Err(format!("the content of {name} must be a text"));
        }
    }
    Ok(())
}

fn is_text(content: &Json) -> bool {
    content.as_str().starts_with('"')
}

/// How many bytes at the end begin a character that they do not finish.
fn incomplete_tail(bytes: &[u8]) -> usize {
    match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => bytes.len() - error.valid_up_to(),
        _ => 0,
    }
}

impl output::Host for Guest {
    fn write_log(&mut self, to: LogStream, text: String) -> wasmtime::Result<()> {
        let stream = match to {
            LogStream::Stdout => Stream::Stdout,
            LogStream::Stderr => Stream::Stderr,
        };
        self.output.write(stream, text.as_bytes());
        Ok(())
    }

    fn publish(&mut self, formats: String) -> wasmtime::Result<Result<(), String>> {
        Ok(self.output.lock().publish(&formats))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(log_bytes: u64) -> Output {
        Output::new(log_bytes, 1000, Arc::new(()))
    }

    #[test]
    fn lines_are_split_and_the_last_one_needs_no_end() {
        let output = output(1000);
        output.write(Stream::Stdout, b"a\nb");
        output.write(Stream::Stderr, b"warning\n");
        output.write(Stream::Stdout, b"c\n\nd");
        let said = output.finish();
        assert_eq!(said.logs.stdout, ["a", "bc", "", "d"]);
        assert_eq!(said.logs.stderr, ["warning"]);
        assert!(!said.truncated);
    }

    #[test]
    fn lines_reach_the_sink_before_the_end() {
        let (send, receive) = std::sync::mpsc::channel();
        let output = Output::new(100, 100, Arc::new(move |line: LogLine| drop(send.send(line.text))));
        output.write(Stream::Stdout, b"first\nsecond");
        assert_eq!(receive.try_iter().collect::<Vec<_>>(), ["first"]);
    }

    #[test]
    fn what_exceeds_the_limit_is_dropped_and_flagged() {
        let output = output(5);
        output.write(Stream::Stdout, b"abc\n");
        output.write(Stream::Stderr, b"defg\n");
        let said = output.finish();
        assert_eq!((said.logs.stdout, said.logs.stderr), (vec!["abc".into()], vec!["d".into()]));
        assert!(said.truncated);
    }

    #[test]
    fn the_end_of_the_last_line_is_taken_wherever_it_is() {
        type Texts<'a> = &'a [&'a str];
        let cases: [(u64, Texts<'_>, Option<&str>, Texts<'_>); 7] = [
            (1000, &["a\nat: x"], Some("x"), &["a"]),
            (1000, &["a\nat: x\n"], Some("x"), &["a"]),
            (1000, &["a\nb at: y at: x\n"], Some("x"), &["a", "b at: y "]),
            (1000, &["at: x\n", "b\n"], None, &["at: x", "b"]),
            (4, &["a\nb\nat: x\n"], Some("x"), &["a", "b"]),
            (3, &["a\nat", ": x"], Some("x"), &["a"]),
            (3, &["a\nbc\n", "\nd at: x\n"], Some("x"), &["a", "b"]),
        ];
        for (limit, writes, expected, logged) in cases {
            let output = output(limit);
            writes.iter().for_each(|text| output.write(Stream::Stderr, text.as_bytes()));
            assert_eq!(output.take_after("at: ").as_deref(), expected, "{writes:?}");
            assert_eq!(output.finish().logs.stderr, logged, "{writes:?}");
        }
    }

    #[test]
    fn a_line_without_an_end_arrives_in_pieces_that_keep_characters_whole() {
        let text = "ä".repeat(LINE_BYTES_MAX);
        let output = output(1 << 20);
        output.write(Stream::Stdout, b"x");
        output.write(Stream::Stdout, text.as_bytes());
        let said = output.finish();
        assert_eq!(said.logs.stdout.len(), 3);
        assert_eq!(said.logs.stdout.concat(), format!("x{text}"));
    }

    #[test]
    fn endless_empty_lines_are_bounded() {
        let output = output(1 << 20);
        output.write(Stream::Stdout, &[b'\n'; 200_000]);
        let said = output.finish();
        assert_eq!(said.logs.stdout.len(), LINES_MAX);
        assert!(said.truncated);
    }

    #[test]
    fn rich_results_are_checked_and_share_the_output_limit() {
        let output = output(0);
        let publish = |formats: &str| output.lock().publish(formats);
        assert_eq!(publish(r#"{"html":"<b>x</b>","json":{"a":1}}"#), Ok(()));
        for bad in ["", "[]", "{}", r#"{"exe":"x"}"#, r#"{"html":1}"#, "{"] {
            assert!(publish(bad).is_err(), "{bad}");
        }
        assert!(publish(&format!(r#"{{"text":"{}"}}"#, "x".repeat(1000))).is_err());
        let said = output.finish();
        assert_eq!((said.results.len(), said.value_bytes_max), (1, 1000 - 34));
        assert!(said.truncated);
    }

    #[test]
    fn the_last_lines_are_those_that_fit() {
        let output = output(1000);
        assert_eq!(output.last_lines(9, 100), "");
        output.write(Stream::Stdout, b"not this\n");
        output.write(Stream::Stderr, b"one\ntwo\n\nthree\nfour");
        assert_eq!(output.last_lines(9, 100), "one\ntwo\n\nthree\nfour");
        assert_eq!(output.last_lines(2, 100), "three\nfour");
        assert_eq!(output.last_lines(9, 6), "e\nfour");
        output.write(Stream::Stderr, "ä€".as_bytes());
        assert_eq!(output.last_lines(1, 4), "€");
        assert_eq!(output.finish().logs.stderr.len(), 5, "nothing was taken");
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_written_arrives_once_and_in_order(
            writes in proptest::collection::vec("[a-zäß\n]{0,12}", 0..20),
            limit in 0u64..100,
        ) {
            let output = output(limit);
            writes.iter().for_each(|text| output.write(Stream::Stdout, text.as_bytes()));
            let (all, said) = (writes.concat(), output.finish());
            let granted = &all.as_bytes()[..all.len().min(usize::try_from(limit).unwrap())];
            let expected = String::from_utf8_lossy(granted.strip_suffix(b"\n").unwrap_or(granted)).into_owned();
            let lines = if granted.is_empty() { Vec::new() } else { expected.split('\n').map(String::from).collect() };
            proptest::prop_assert_eq!(said.logs.stdout, lines);
            proptest::prop_assert_eq!(said.truncated, all.len() as u64 > limit);
        }

        #[test]
        fn no_rich_result_panics(text in ".{0,80}") {
            let _ = output(10).lock().publish(&text);
        }
    }
}
