//! Whatever files say, they are read or refused.

use proptest::prelude::*;

use super::shop::tree;
use crate::language::python::lock::Lock;
use crate::language::python::pylock::Pylock;
use crate::language::python::requirement::Requirement;
use crate::language::python::requirements::Requirements;
use crate::language::python::wanted::Wanted;
use crate::language::python::{mistake, project, text};

/// Texts made of what these files are made of.
fn lines() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        Just("six"),
        Just("=="),
        Just("1.0"),
        Just("--hash=sha256:"),
        Just("a".repeat(64).leak() as &str),
        Just(" "),
        Just("\\"),
        Just("\n"),
        Just("#"),
        Just("-r "),
        Just("-c"),
        Just("requirements.txt"),
        Just("../"),
        Just("@"),
        Just("://"),
        Just("ä"),
        Just("["),
        Just("]"),
        Just("="),
        Just("'"),
        Just("project"),
        Just("dependencies"),
        Just("# requirements: "),
        Just("coding:"),
        Just("File \"<function>\", line "),
        Just("\u{feff}"),
        Just("\0"),
    ];
    prop::collection::vec(word, 0..30).prop_map(|words| words.concat())
}

proptest! {
    #[test]
    fn nothing_panics(text in prop_oneof![lines(), any::<String>()], bytes: Vec<u8>) {
        let _read = Requirements::read(&tree(&[("requirements.txt", &text)]), "requirements.txt");
        let _read = project::dependencies(text.as_bytes());
        let _read = Lock::read(text.as_bytes(), &Wanted::of_texts(&["six"]));
        let _read = Pylock::parse(&text);
        for content in [text.as_bytes(), &bytes] {
            let _read = text::decoded("a.py", content);
            let _read = text::plain(content);
        }
        let failure = hks_protocol::Failure { name: text.clone(), value: text.clone(), traceback: text.clone() };
        prop_assert!(mistake("a.py", &failure).starts_with("a.py:"));
    }

    /// What the resolver reads is one line, and names no place.
    #[test]
    fn what_is_taken_is_a_line_of_the_index(text in lines()) {
        if let Ok(taken) = Requirement::parse(&text) {
            prop_assert!(!taken.text.contains(['\n', '\r', '@', '#', '$']) && !taken.text.starts_with('-'), "{taken:?}");
            prop_assert!(taken.hashes.iter().all(|hash| hash.len() == 64));
        }
    }
}
