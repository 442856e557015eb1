//! The two interpreters, and the smallest programs in their languages.

use std::path::Path;

use Language::{JavaScript, Python};

/// An interpreter guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Language {
    Python,
    JavaScript,
}

impl Language {
    pub(crate) const ALL: [Self; 2] = [Python, JavaScript];

    /// The component that `cargo xtask guests` built.
    pub(crate) fn wasm(self) -> Vec<u8> {
        let name = match self {
            Python => "python.wasm",
            JavaScript => "javascript.wasm",
        };
        built(&Path::new("sdk-python/python/hks_sdk/_guests").join(name))
    }

    /// A whole source whose handler, with `event` and `context`, has this body.
    pub(crate) fn handler(self, body: &str) -> String {
        let body = dedent(body);
        match self {
            Python => format!("def handler(event, context):\n    {}\n", body.replace('\n', "\n    ")),
            JavaScript => format!("exports.handler = async (event, context) => {{\n{body}\n}};\n"),
        }
    }

    /// A source that returns twice the event.
    pub(crate) fn doubling(self) -> String {
        self.handler(match self {
            Python => "return event * 2",
            JavaScript => "return event * 2;",
        })
    }

    /// A source that never ends.
    pub(crate) fn endless(self) -> String {
        self.handler(match self {
            Python => "while True: pass",
            JavaScript => "for (;;);",
        })
    }

    /// A source that would sleep for a minute.
    pub(crate) fn sleeping(self) -> String {
        self.handler(match self {
            Python => "import time; time.sleep(60)",
            JavaScript => "await new Promise((resolve) => setTimeout(resolve, 60_000));",
        })
    }
}

impl Language {
    /// The same source, which first prints a line.
    pub(crate) fn saying_hello(self, code: &str) -> String {
        let hello = match self {
            Python => "print('here')",
            JavaScript => "console.log('here');",
        };
        format!("{hello}\n{code}")
    }
}

/// The Python guest of the same build before its modules were fused.
pub(crate) fn linked_python() -> Vec<u8> {
    built(Path::new(".hks/guests/python.linked.wasm"))
}

/// What `cargo xtask guests` left at a place in the checkout.
fn built(path: &Path) -> Vec<u8> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    std::fs::read(root.join(path))
        .unwrap_or_else(|error| panic!("{}: {error}; run `cargo xtask guests` first", path.display()))
}

/// Takes the indentation that all lines share off them, and empty lines off both ends.
pub(crate) fn dedent(text: &str) -> String {
    let lines: Vec<&str> = text.trim_matches('\n').trim_end().lines().collect();
    let indent = |line: &&str| line.len() - line.trim_start().len();
    let shared = lines.iter().filter(|line| !line.trim().is_empty()).map(indent).min().unwrap_or(0);
    lines.iter().map(|line| line.get(shared..).unwrap_or("")).collect::<Vec<_>>().join("\n")
}
