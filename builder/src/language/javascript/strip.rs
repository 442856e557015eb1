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

mod in_time;
mod suspicion;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hks_protocol::LineTable;
use swc_common::errors::{DiagnosticBuilder, Emitter, Handler};
use swc_common::sync::Lrc;
use swc_common::{GLOBALS, Globals, SourceMap};
use swc_ts_fast_strip::{ErrorCode, Mode, Options, TransformOutput, operate};

use super::quote::quote;
use super::source_map;
use crate::Error;
use in_time::in_time;
use suspicion::Suspicion;

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

/// For what takes a millisecond, on a machine with other work.
const PATIENCE: Duration = Duration::from_secs(10);
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
    strip_within(PATIENCE, &OVERDUE, file, text)
}

fn strip_within(patience: Duration, overdue: &'static AtomicUsize, file: &str, text: &str) -> Result<Stripped, Error> {
    let suspicion = Suspicion::of(text);
    if !suspicion.is_harmless() || overdue.load(Ordering::Acquire) > 0 {
        return Ok(Stripped::Unsuitable);
    }
    let (own_file, own_text) = (file.to_owned(), text.to_owned());
    let stack = STACK_BYTES + suspicion.tokens * STACK_BYTES_PER_TOKEN;
    match in_time(stack, patience, overdue, move || attempt(&own_file, &own_text)) {
        Some(done) => done.map_err(|faults| Error::Refused(describe(file, text, &faults))),
        None => Ok(Stripped::Unsuitable),
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
    use proptest::prelude::*;

    use super::*;

    /// As long as it takes on a busy machine, and without keeping other tests from it.
    fn patiently(text: &str) -> Result<Stripped, Error> {
        static OWN: AtomicUsize = AtomicUsize::new(0);
        strip_within(Duration::from_secs(600), &OWN, "a.ts", text)
    }

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
        assert_eq!(stripped.lines().nth(1), Some("export const handler = (e   )         => e.n          ;"));
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
    fn what_doubles_the_time_of_the_parser_is_left_to_the_bundler() {
        for piece in ["x=a?(b):c=>(", "a?/**/(b):c=>", "async<T>(a=", "a ? async(b):c=>("] {
            assert_eq!(patiently(&piece.repeat(40)).unwrap(), Stripped::Unsuitable, "{piece}");
            // as many as are let through end at once
            let few = piece.repeat(Suspicion::AMBIGUITIES_MAX / Suspicion::of(piece).ambiguities.max(1));
            assert!(Suspicion::of(&few).is_harmless());
            assert_ne!(patiently(&few).ok(), Some(Stripped::Unsuitable), "{piece}");
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
            let _refused_or_not = patiently(&text);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]

        /// Whatever the order of its words, the parser comes back.
        #[test]
        fn any_order_of_words_ends(words in prop::collection::vec(prop::sample::select(WORDS.to_vec()), 0..200)) {
            let text = words.join(" ");
            if Suspicion::of(&text).is_harmless() {
                prop_assert_ne!(patiently(&text).ok(), Some(Stripped::Unsuitable));
            }
        }
    }

    const WORDS: [&str; 48] = [
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "<",
        ">",
        "?",
        ":",
        "=>",
        "=",
        ",",
        ";",
        ".",
        "...",
        "!",
        "|",
        "&",
        "@",
        "`${",
        "}`",
        "a",
        "b",
        "1",
        "'s'",
        "async",
        "await",
        "function",
        "class",
        "extends",
        "infer",
        "keyof",
        "typeof",
        "as",
        "is",
        "enum",
        "namespace",
        "type",
        "interface",
        "abstract",
        "new",
        "import",
        "export",
        "const",
        "let",
        "for",
        "declare",
    ];
}
