//! Takes the types out of one file of TypeScript, in our own process.
//!
//! swc puts blanks where types were, so that every line and column stays, in less than a millisecond. Where a file has more than
//! types (enums, namespaces, parameter properties) it prints the program anew, and its source map says what came from where.
//!
//! Its parser recurses as deep as a text nests, and where TypeScript is ambiguous it tries one reading and then the other, which
//! takes time that doubles with each ambiguity within another: 30 KB of parentheses end a process, 300 bytes of `a ? (b) : c
//! => (` keep a processor busy for hours. Neither can be stopped from outside a thread. So it gets only what is
//! [known to be harmless](Suspicion), on a stack that holds the deepest nesting that such a text can have; and should that
//! be wrong one day, what does not end in time is left alone with the lowest priority, and nothing more is handed in until
//! it ends. Everything else is for the bundler, a process that can be killed.

use std::sync::atomic::{AtomicI32, AtomicU8, AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use hks_protocol::LineTable;
use swc_common::errors::{DiagnosticBuilder, Emitter, Handler};
use swc_common::sync::Lrc;
use swc_common::{GLOBALS, Globals, SourceMap};
use swc_ts_fast_strip::{ErrorCode, Mode, Options, TransformOutput, operate};

use super::quote::quote;
use super::source_map;
use crate::Error;

/// What a file became.
#[derive(Debug, PartialEq)]
pub(super) enum Stripped {
    /// The same lines and columns without types.
    InPlace(String),
    /// Printed anew.
    Rewritten {
        /// The program.
        text: String,
        /// Where its lines came from.
        lines: LineTable,
    },
    /// Not a text for this.
    Unsuitable,
}

/// A second for what takes a millisecond.
const PATIENCE: Duration = Duration::from_secs(2);
/// For what is not nested at all.
const STACK_BYTES: usize = 2 << 20;
/// The deepest nesting costs 4 KiB of stack for a token (parentheses), measured in release builds; twice that.
const STACK_BYTES_PER_TOKEN: usize = 8 << 10;
/// Messages of one file; more are consequences of the first.
const FAULTS_MAX: usize = 5;

/// Threads that did not end in time.
static OVERDUE: AtomicUsize = AtomicUsize::new(0);

/// Takes the types out of a file.
///
/// # Errors
/// [`Error::Refused`] where it is not TypeScript, with the line.
pub(super) fn strip(file: &str, text: &str) -> Result<Stripped, Error> {
    let suspicion = Suspicion::of(text);
    if !suspicion.is_harmless() || OVERDUE.load(Ordering::Acquire) > 0 {
        return Ok(Stripped::Unsuitable);
    }
    let (own_file, own_text) = (file.to_owned(), text.to_owned());
    let stack = STACK_BYTES + suspicion.tokens * STACK_BYTES_PER_TOKEN;
    match in_time(stack, move || attempt(&own_file, &own_text)) {
        Some(done) => done.map_err(|faults| Error::Refused(describe(file, text, &faults))),
        None => Ok(Stripped::Unsuitable),
    }
}

/// What bounds the work of the parser, overestimated.
#[derive(Debug, PartialEq, Eq)]
struct Suspicion {
    bytes: usize,
    /// Words, and characters that are in none.
    tokens: usize,
    /// Where it may try two readings of what follows: all that was found to double its time.
    ambiguities: usize,
}

impl Suspicion {
    /// A function that somebody wrote has a tenth of this.
    const BYTES_MAX: usize = 256 << 10;
    /// The stack is 256 MiB then, of which an ordinary text touches a few pages.
    const TOKENS_MAX: usize = 32 << 10;
    /// If all are nested, a few thousand times the microsecond that one takes.
    const AMBIGUITIES_MAX: usize = 12;

    fn of(text: &str) -> Self {
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || !byte.is_ascii();
        let (mut tokens, mut ambiguities, mut in_word) = (0, 0, false);
        for (at, byte) in text.bytes().enumerate() {
            let starts = if is_word(byte) { !in_word } else { !byte.is_ascii_whitespace() };
            in_word = is_word(byte);
            tokens += usize::from(starts);
            let rest = &text.as_bytes()[at..];
            let is_ambiguous = (byte == b'?' && may_be_arrow(&rest[1..]))
                || (starts && in_word && (rest.starts_with(b"infer") || is_generic_async(rest)));
            ambiguities += usize::from(is_ambiguous);
        }
        Self { bytes: text.len(), tokens, ambiguities }
    }

    fn is_harmless(&self) -> bool {
        self.bytes <= Self::BYTES_MAX && self.tokens <= Self::TOKENS_MAX && self.ambiguities <= Self::AMBIGUITIES_MAX
    }
}

/// `? (`, `? <`, `? async`, and a comment in between.
fn may_be_arrow(after: &[u8]) -> bool {
    let after = after.trim_ascii_start();
    matches!(after.first(), Some(b'(' | b'<' | b'/' | 0x80..)) || after.starts_with(b"async")
}

/// `async <`, and a comment in between.
fn is_generic_async(text: &[u8]) -> bool {
    let after = text.strip_prefix(b"async").map(<[u8]>::trim_ascii_start);
    after.is_some_and(|after| matches!(after.first(), Some(b'<' | b'/' | 0x80..)))
}

/// Runs `work` on a thread of its own. `None` if it panicked, could not start, or did not end in time.
fn in_time<T: Send + 'static>(stack: usize, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (sender, done) = mpsc::sync_channel(1);
    let watch = Arc::new(Watch::default());
    let ending = Ending(Arc::clone(&watch));
    thread::Builder::new()
        .name("hks-strip".into())
        .stack_size(stack)
        .spawn(move || {
            ending.0.thread.store(rustix::thread::gettid().as_raw_nonzero().get(), Ordering::Release);
            let _nobody_waits = sender.send(work());
            drop(ending);
        })
        .ok()?;
    match done.recv_timeout(PATIENCE) {
        Ok(value) => Some(value),
        Err(RecvTimeoutError::Disconnected) => None,
        Err(RecvTimeoutError::Timeout) => {
            watch.give_up();
            done.try_recv().ok()
        }
    }
}

/// A thread that somebody waits for.
#[derive(Debug, Default)]
struct Watch {
    thread: AtomicI32,
    state: AtomicU8,
}

impl Watch {
    const ENDED: u8 = 1;
    const GIVEN_UP: u8 = 2;

    fn give_up(&self) {
        OVERDUE.fetch_add(1, Ordering::AcqRel);
        if self.state.swap(Self::GIVEN_UP, Ordering::AcqRel) == Self::ENDED {
            OVERDUE.fetch_sub(1, Ordering::AcqRel);
        } else if let Some(thread) = rustix::process::Pid::from_raw(self.thread.load(Ordering::Acquire)) {
            // on Linux each thread has a priority of its own; without it, it only costs others more
            let _same = rustix::process::setpriority_process(Some(thread), 19);
        }
    }
}

/// Says that the thread is over, also when it panics.
struct Ending(Arc<Watch>);

impl Drop for Ending {
    fn drop(&mut self) {
        if self.0.state.swap(Watch::ENDED, Ordering::AcqRel) == Watch::GIVEN_UP {
            OVERDUE.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

/// A mistake, and how many bytes lie before it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Fault {
    offset: usize,
    message: String,
}

/// Keeps what is wrong.
#[derive(Clone, Default)]
struct Faults(Arc<Mutex<Vec<Fault>>>);

impl Faults {
    fn take(&self) -> Vec<Fault> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Emitter for Faults {
    fn emit(&mut self, diagnostic: &mut DiagnosticBuilder<'_>) {
        let mut faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if faults.len() < FAULTS_MAX {
            // positions of the first file of a source map start at 1
            let offset = diagnostic.span.primary_span().map_or(0, |span| span.lo.0.saturating_sub(1) as usize);
            faults.push(Fault { offset, message: diagnostic.message() });
        }
    }
}

/// First without moving anything, and if the file has more than types, anew.
fn attempt(file: &str, text: &str) -> Result<Stripped, Vec<Fault>> {
    match run(file, text, Mode::StripOnly) {
        Ok(output) => return Ok(Stripped::InPlace(output.code)),
        Err((ErrorCode::InvalidSyntax, faults)) => return Err(faults),
        Err(_) => {}
    }
    let output = run(file, text, Mode::Transform).map_err(|(_, faults)| faults)?;
    let lines = output.map.and_then(|map| source_map::read(map.as_bytes()).ok());
    let whole = |reason: &str| vec![Fault { offset: 0, message: reason.to_owned() }];
    let lines = lines.ok_or_else(|| whole("its lines cannot be followed; split it into several files"))?;
    Ok(Stripped::Rewritten { text: output.code, lines })
}

fn run(file: &str, text: &str, mode: Mode) -> Result<TransformOutput, (ErrorCode, Vec<Fault>)> {
    let sources = Lrc::new(SourceMap::default());
    let faults = Faults::default();
    let handler = Handler::with_emitter(false, false, Box::new(faults.clone()));
    let source_map = matches!(mode, Mode::Transform);
    let options = Options { mode, source_map, filename: Some(file.to_owned()), ..Options::default() };
    let done = GLOBALS.set(&Globals::new(), || operate(&sources, &handler, text.to_owned(), options));
    done.map_err(|error| {
        let mut faults = faults.take();
        if faults.is_empty() {
            faults.push(Fault { offset: 0, message: error.message });
        }
        (error.code, faults)
    })
}

fn describe(file: &str, text: &str, faults: &[Fault]) -> String {
    let quoted = faults.iter().map(|fault| quote(file, text, fault.offset, &fault.message));
    quoted.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_place(text: &str) -> String {
        match strip("a.ts", text).unwrap() {
            Stripped::InPlace(text) => text,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn types_become_blanks() {
        let text = "interface E { n: number }\nexport const handler = (e: E): number => e.n as number;\n";
        let stripped = in_place(text);
        assert_eq!(stripped.len(), text.len());
        assert_eq!(stripped.find("=> e.n"), text.find("=> e.n"));
        assert_eq!(stripped.trim(), "export const handler = (e   )         => e.n          ;");
    }

    #[test]
    fn imports_of_types_are_types() {
        assert!(!super::super::words::may_import(&in_place("import type { E } from './e';\nexport const a = 1;")));
    }

    #[test]
    fn what_is_more_than_types_is_translated_and_its_lines_followed() {
        let text = "enum Color { Red }\n\nexport function handler() {\n  throw new Error(Color[0]);\n}\n";
        let Stripped::Rewritten { text, lines } = strip("src/a.ts", text).unwrap() else { panic!() };
        let line = text.lines().position(|line| line.contains("throw new")).unwrap() + 1;
        assert_eq!(lines.restore(&format!("at handler (function.js:{line}:11)")), "at handler (src/a.ts:4:9)");
    }

    #[test]
    fn a_syntax_error_is_shown_with_its_line() {
        let error = strip("src/a.ts", "const a = 1;\nconst x: = 3;\n").unwrap_err().to_string();
        assert!(error.starts_with("src/a.ts:2:10: "), "{error}");
        assert!(error.contains("\n    const x: = 3;\n             ^"), "{error}");
    }

    #[test]
    fn ordinary_files_are_harmless() {
        let text = "const f = async (a?: number) => (a ?? 1) > 0 ? await g<string>(a) : (b?.c as any);\n".repeat(10);
        assert!(Suspicion::of(&text).is_harmless(), "{:?}", Suspicion::of(&text));
        assert_eq!(Suspicion::of("a1 = b_c+(ä)").tokens, 7);
    }

    #[test]
    fn what_doubles_the_time_of_the_parser_is_left_to_the_bundler() {
        for piece in ["x=a?(b):c=>(", "a?/**/(b):c=>", "async<T>(a=", "a ? async(b):c=>("] {
            assert_eq!(strip("a.ts", &piece.repeat(40)).unwrap(), Stripped::Unsuitable, "{piece}");
            // as many as are let through end at once
            let few = piece.repeat(Suspicion::AMBIGUITIES_MAX / Suspicion::of(piece).ambiguities.max(1));
            assert!(Suspicion::of(&few).is_harmless());
            assert_ne!(strip("a.ts", &few).ok(), Some(Stripped::Unsuitable), "{piece}");
        }
    }

    /// Would end this process if the stack were too small.
    #[test]
    fn the_stack_holds_whatever_nests() {
        let pairs = [
            ("(", "1", ")"),
            ("[", "1", "]"),
            ("{", "", "}"),
            ("a=>", "1", ""),
            ("!", "1", ""),
            ("a=", "1", ""),
            ("if(a)", "b", ""),
            ("a+", "1", ""),
            ("a.", "b", ""),
            ("a**", "1", ""),
            ("`${", "1", "}`"),
            ("a(", "", ")"),
            ("({a:", "1", "})"),
            ("function f(){", "", "}"),
            ("class A{a=", "1", "}"),
            ("(a=", "1", ")=>1"),
            ("new ", "A", ""),
            ("await ", "1", ""),
            ("- ", "1", ""),
            ("<T>", "a", ""),
            ("typeof ", "a", ""),
            ("a?b:", "1", ""),
            ("a,", "1", ""),
            ("a as ", "b", ""),
            ("a()", "", ""),
            ("a!", "", ""),
            ("@a ", "class A{}", ""),
            ("else if(a){}", "", ""),
            ("for(;;)", ";", ""),
            ("do ", "a", " while(b);"),
            ("try{", "", "}finally{}"),
            ("switch(a){case 1:", "", "}"),
            ("a={b:", "1", "}"),
            ("[a=", "1", "]=1"),
        ];
        let types = [
            ("(", "a", ")"),
            ("[", "a", "]"),
            ("{a:", "b", "}"),
            ("A<", "b", ">"),
            ("keyof ", "a", ""),
            ("()=>", "a", ""),
            ("a extends b?c:", "d", ""),
            ("a|", "b", ""),
            ("`${", "a", "}`"),
            ("", "a", "[]"),
            ("{[a in ", "b", "]:c}"),
            ("new()=>", "a", ""),
            ("readonly ", "a[]", ""),
            ("a.", "b", ""),
            ("<T>()=>", "a", ""),
            ("(a:", "b", ")=>c"),
        ];
        let texts = pairs.iter().map(|pair| (pair, "")).chain(types.iter().map(|pair| (pair, "let x:")));
        for ((open, middle, close), before) in texts {
            let times = 12_000 / Suspicion::of(&format!("{open}{close}")).tokens.max(1);
            let text = format!("{before}{}{middle}{}", open.repeat(times), close.repeat(times));
            assert!(Suspicion::of(&text).is_harmless());
            let _refused_or_not = strip("a.ts", &text);
        }
    }

    /// One test for what is shared: threads of others must not be overdue meanwhile.
    #[test]
    fn what_panics_counts_for_nothing() {
        assert_eq!(in_time(STACK_BYTES, || 1), Some(1));
        assert_eq!(in_time(STACK_BYTES, || -> i32 { std::panic::resume_unwind(Box::new(())) }), None);
    }
}
