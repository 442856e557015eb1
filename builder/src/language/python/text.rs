//! Source files as text: UTF-8, and nothing in them that says otherwise.

use crate::Error;

/// The text of a module of the function's own.
///
/// # Errors
/// [`Error::Refused`] with the line: another encoding, or one that is declared.
pub(super) fn decoded<'a>(file: &str, content: &'a [u8]) -> Result<&'a str, Error> {
    let text = str::from_utf8(content).map_err(|error| {
        let line = 1 + content[..error.valid_up_to()].iter().filter(|&&byte| byte == b'\n').count();
        Error::Refused(format!("{file}:{line}: not UTF-8; save the file as UTF-8"))
    })?;
    match declared(text) {
        Some((line, encoding)) if !is_utf8(encoding) => Err(Error::Refused(format!(
            "{file}:{line}: declares the encoding {encoding}; save the file as UTF-8 and take the declaration away"
        ))),
        _ => Ok(text),
    }
}

/// Text that means the same as the bytes of a module do to Python.
pub(super) fn plain(content: &[u8]) -> Option<&str> {
    let text = str::from_utf8(content).ok()?;
    declared(text).is_none_or(|(_, encoding)| is_utf8(encoding)).then_some(text)
}

fn is_utf8(encoding: &str) -> bool {
    matches!(encoding.to_ascii_lowercase().replace('_', "-").as_str(), "utf-8" | "utf8" | "utf-8-sig" | "utf-8-unix")
}

/// The encoding that one of the first two lines declares (PEP 263): `^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)`.
fn declared(text: &str) -> Option<(usize, &str)> {
    for (number, line) in text.trim_start_matches('\u{feff}').lines().take(2).enumerate() {
        let bare = line.trim_start_matches([' ', '\t', '\x0c']);
        if let Some(comment) = bare.strip_prefix('#')
            && let Some(encoding) =
                comment.match_indices("coding").find_map(|(at, word)| named(&comment[at + word.len()..]))
        {
            return Some((number + 1, encoding));
        }
        // Only a blank line or a comment may stand before.
        if !bare.is_empty() && !bare.starts_with('#') {
            break;
        }
    }
    None
}

fn named(rest: &str) -> Option<&str> {
    let rest = rest.strip_prefix([':', '='])?.trim_start_matches([' ', '\t']);
    let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))).unwrap_or(rest.len());
    (end > 0).then(|| &rest[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_encoding_is_refused_with_its_line() {
        let refused = |content: &[u8]| decoded("a.py", content).unwrap_err().to_string();
        assert_eq!(refused(b"x = 1\ny = '\xe9'\n"), "a.py:2: not UTF-8; save the file as UTF-8");
        assert!(
            refused(b"#!/bin/python\n# -*- coding: latin-1 -*-\n").starts_with("a.py:2: declares the encoding latin-1")
        );
        assert!(refused(b"# vim: set fileencoding=cp1252 :").starts_with("a.py:1: "));
    }

    #[test]
    fn what_python_takes_for_utf8_is_taken() {
        for text in [
            "",
            "\u{feff}x = 1",
            "# -*- coding: utf-8 -*-",
            "# coding=UTF_8",
            "x = 1\n# coding: latin-1",
            "\n\n# coding: latin-1",
            "# encoding is latin-1",
            "x = 'coding: latin-1'",
        ] {
            assert!(decoded("a.py", text.as_bytes()).is_ok(), "{text:?}");
            assert!(plain(text.as_bytes()).is_some(), "{text:?}");
        }
        assert!(plain(b"# coding: latin-1").is_none() && plain(b"\xff").is_none());
    }
}
