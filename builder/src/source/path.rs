//! Names of files that can be written on every system that we know of, in one spelling.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use super::Error;
use super::error::Named;

/// Where a file lies below the function's folder: `lib/text.py`.
///
/// The form is one that Linux, macOS and Windows can all write: components between `/`, none of them empty, `.` or `..`,
/// no control characters, none of ``\ : * ? " < > |``, no device names of Windows such as `CON`, no space or point at the
/// end of a component. Spelled in Unicode's NFC, whatever the spelling it came in, because systems differ in which one
/// they hand out for the same file.
///
/// Two paths may still mean one file where case does not count; that is for [`SourceTree`](super::SourceTree) to refuse.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RelativePath(String);

impl RelativePath {
    /// The longest path: what is left of 1,024 bytes (macOS) when the folder that it is written to takes as much again.
    pub const BYTES_MAX: usize = 512;
    /// The longest component, as of `NAME_MAX` on Linux.
    pub const COMPONENT_BYTES_MAX: usize = 255;
    /// The most components; twice of what deep packages have, and little enough to recurse.
    pub const DEPTH_MAX: usize = 32;

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its components, at least one.
    pub fn components(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/')
    }

    /// The last component.
    pub fn file_name(&self) -> &str {
        self.0.rsplit_once('/').map_or(&self.0, |(_, name)| name)
    }

    /// The folder that it lies in; `None` at the top.
    pub fn parent(&self) -> Option<&str> {
        self.0.rsplit_once('/').map(|(parent, _)| parent)
    }

    /// Takes a name as it came from outside, and blames `subject` for what is wrong with it.
    pub(super) fn checked(subject: Named<'_>) -> Result<Self, Error> {
        if subject.name.len() > Self::BYTES_MAX {
            return Err(Error::too_large(
                subject,
                format!("is longer than {} bytes; shorten the path", Self::BYTES_MAX),
            ));
        }
        let text = str::from_utf8(subject.name)
            .map_err(|_| Error::refused(subject, "is not UTF-8; rename it, or make the archive with UTF-8 names"))?;
        let text = nfc(text);
        match fault(&text) {
            None => Ok(Self(text)),
            Some(reason) => Err(Error::refused(subject, reason)),
        }
    }

    /// Without its first component; `None` if it has only one.
    pub(super) fn below_first(&self) -> Option<Self> {
        self.0.split_once('/').map(|(_, rest)| Self(rest.into()))
    }
}

fn nfc(text: &str) -> String {
    if is_nfc_quick(text.chars()) == IsNormalized::Yes { text.into() } else { text.nfc().collect() }
}

/// What is wrong with a path, and what to do.
fn fault(path: &str) -> Option<String> {
    if path.is_empty() {
        return Some("is empty; name the file".into());
    }
    if path.starts_with('/') {
        return Some("is an absolute path; use paths below the function's folder".into());
    }
    if path.len() > RelativePath::BYTES_MAX {
        return Some(format!("is longer than {} bytes; shorten the path", RelativePath::BYTES_MAX));
    }
    if path.split('/').count() > RelativePath::DEPTH_MAX {
        return Some(format!("has more than {} names in a row; move it up", RelativePath::DEPTH_MAX));
    }
    path.split('/').find_map(component_fault)
}

fn component_fault(name: &str) -> Option<String> {
    if name.is_empty() {
        return Some("has an empty component; write single slashes between names".into());
    }
    if name == ".." {
        return Some("leads out of the function's folder; use paths below it".into());
    }
    if name == "." {
        return Some("has a component `.`; leave it out".into());
    }
    if name.len() > RelativePath::COMPONENT_BYTES_MAX {
        return Some(format!("has a name longer than {} bytes; shorten it", RelativePath::COMPONENT_BYTES_MAX));
    }
    if let Some(found) = name.chars().find(|&found| is_refused(found)) {
        return Some(format!("holds {found:?}, which not every system can write; rename it"));
    }
    if name.ends_with(['.', ' ']) {
        return Some("has a name that ends in a point or a space, which Windows drops; rename it".into());
    }
    is_device(name).then(|| format!("has the name of a Windows device, {:?}; rename it", stem(name)))
}

/// Control characters, separators and wildcards of other systems, and what turns the direction of a shown text.
fn is_refused(found: char) -> bool {
    found.is_control()
        || r#"\:*?"<>|"#.contains(found)
        || matches!(found, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{206f}' | '\u{feff}')
}

/// See <https://learn.microsoft.com/windows/win32/fileio/naming-a-file>: an extension does not help.
fn is_device(name: &str) -> bool {
    let stem = stem(name).to_ascii_uppercase();
    let numbered = stem.strip_prefix("COM").or_else(|| stem.strip_prefix("LPT"));
    let is_port = |rest: &str| {
        let mut chars = rest.chars();
        chars.next().is_some_and(|c| c.is_ascii_digit() || "¹²³".contains(c)) && chars.next().is_none()
    };
    matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$") || numbered.is_some_and(is_port)
}

fn stem(name: &str) -> &str {
    name.split('.').next().unwrap_or(name).trim_end_matches(' ')
}

/// Equal for names that some file system takes for the same: without case, and without joiners that cannot be seen.
/// At least as coarse as Unicode's full case folding, so that it may refuse a pair that is harmless, but not overlook one.
pub(super) fn folded(component: &str) -> String {
    component
        .nfd()
        .filter(|c| !matches!(c, '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2065}' | '\u{ad}' | '\u{34f}'))
        .flat_map(char::to_lowercase)
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
        .nfc()
        .collect()
}

impl FromStr for RelativePath {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::checked(Named { kind: "path", name: text.as_bytes() })
    }
}

impl TryFrom<String> for RelativePath {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<RelativePath> for String {
    fn from(path: RelativePath) -> Self {
        path.0
    }
}

impl fmt::Display for RelativePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for RelativePath {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// Paths are ordered and hashed as their text, so that a map is searched without making one.
impl Borrow<str> for RelativePath {
    fn borrow(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn refusal(text: &str) -> String {
        text.parse::<RelativePath>().unwrap_err().to_string()
    }

    #[test]
    fn ordinary_paths_are_kept() {
        for text in [
            "main.py",
            "a/b/c.txt",
            ".hksignore",
            "..a",
            "a..b/c",
            "[id].ts",
            "日本.py",
            "console.py",
            "com10",
            "a b",
            "lpt",
        ] {
            assert_eq!(text.parse::<RelativePath>().unwrap().as_str(), text);
        }
    }

    #[test]
    fn paths_that_not_every_system_can_write_are_refused_by_name() {
        let cases = [
            ("", "path \"\": is empty; name the file"),
            ("/etc/passwd", "path \"/etc/passwd\": is an absolute path; use paths below the function's folder"),
            ("a/../../b", "path \"a/../../b\": leads out of the function's folder; use paths below it"),
            ("./a", "path \"./a\": has a component `.`; leave it out"),
            ("a//b", "path \"a//b\": has an empty component; write single slashes between names"),
            ("a/", "path \"a/\": has an empty component; write single slashes between names"),
            ("a\\b", r#"path "a\\b": holds '\\', which not every system can write; rename it"#),
            ("C:/x", "path \"C:/x\": holds ':', which not every system can write; rename it"),
            ("a\0b", r#"path "a\0b": holds '\0', which not every system can write; rename it"#),
            ("a\u{1b}[2J", r#"path "a\u{1b}[2J": holds '\u{1b}', which not every system can write; rename it"#),
            ("a\u{202e}b", r#"path "a\u{202e}b": holds '\u{202e}', which not every system can write; rename it"#),
            ("a /b", "path \"a /b\": has a name that ends in a point or a space, which Windows drops; rename it"),
            ("a.", "path \"a.\": has a name that ends in a point or a space, which Windows drops; rename it"),
            ("con", "path \"con\": has the name of a Windows device, \"con\"; rename it"),
            ("x/Aux.tar.gz", "path \"x/Aux.tar.gz\": has the name of a Windows device, \"Aux\"; rename it"),
            ("COM1 .txt", "path \"COM1 .txt\": has the name of a Windows device, \"COM1\"; rename it"),
            ("lpt².c", "path \"lpt².c\": has the name of a Windows device, \"lpt²\"; rename it"),
        ];
        for (text, message) in cases {
            assert_eq!(refusal(text), message);
        }
    }

    #[test]
    fn long_and_deep_paths_are_refused_at_the_limit() {
        assert!("x".repeat(255).parse::<RelativePath>().is_ok());
        assert!(refusal(&"x".repeat(256)).ends_with("has a name longer than 255 bytes; shorten it"));
        assert!(["x"; 32].join("/").parse::<RelativePath>().is_ok());
        assert!(refusal(&["x"; 33].join("/")).ends_with("has more than 32 names in a row; move it up"));
        assert!(["x".repeat(255), "y".repeat(255)].join("/").parse::<RelativePath>().is_ok());
        assert!(
            refusal(&["x".repeat(255), "y".repeat(257)].join("/")).ends_with("longer than 512 bytes; shorten the path")
        );
    }

    #[test]
    fn the_spelling_is_nfc() {
        let path: RelativePath = "e\u{301}.py".parse().unwrap();
        assert_eq!(path.as_str(), "\u{e9}.py");
        // NFC can be longer than what it came from: this one takes three times as many bytes.
        assert!("\u{1d160}".repeat(127).parse::<RelativePath>().is_err());
    }

    #[test]
    fn folding_finds_what_some_file_system_takes_for_the_same() {
        for (one, other) in
            [("A.py", "a.PY"), ("Straße", "STRASSE"), ("\u{212a}", "k"), ("ſ", "S"), ("Σ", "ς"), ("a\u{200d}b", "ab")]
        {
            assert_eq!(folded(one), folded(other), "{one} {other}");
        }
        assert_ne!(folded("a"), folded("á"));
    }

    proptest! {
        #[test]
        fn parsing_never_panics_and_is_stable(text in any::<String>()) {
            if let Ok(path) = text.parse::<RelativePath>() {
                prop_assert_eq!(path.as_str().parse::<RelativePath>().unwrap(), path.clone());
                prop_assert!(path.components().all(|name| !name.is_empty() && name != ".."));
            }
        }
    }
}
