//! What can be seen in a program without parsing it.
//!
//! Words in comments and strings count as well. So these say "perhaps" where a parser would say "no", and what follows from
//! that is only a slower way to the same end.

/// Whether a word stands in a text, not as a part of another.
pub(super) fn mentions(text: &str, word: &str) -> bool {
    positions(text, word).next().is_some()
}

/// Whether a program may import something: by `import` in either form, `require`, or `export … from`.
pub(super) fn may_import(text: &str) -> bool {
    mentions(text, "import") || mentions(text, "require") || (mentions(text, "export") && mentions(text, "from"))
}

/// Whether a variable of that name is declared, as far as one line tells.
pub(super) fn declares(text: &str, name: &str) -> bool {
    positions(text, name).any(|at| {
        let before = text[..at].trim_end_matches(['*', ' ', '\t']);
        ["function", "const", "let", "var", "class"].iter().any(|keyword| {
            before.strip_suffix(keyword).is_some_and(|rest| !rest.chars().next_back().is_some_and(is_in_word))
        })
    })
}

/// What the guest takes for an ES module: a line that starts with `import` or `export`.
pub(super) fn looks_like_module(text: &str) -> bool {
    ["export", "import"].iter().any(|keyword| {
        positions(text, keyword).any(|at| {
            let before = text[..at].trim_end_matches([' ', '\t']);
            let after = text[at + keyword.len()..].chars().next();
            (before.is_empty() || before.ends_with(['\n', ';'])) && after.is_some_and(|c| " \t\n\r{*\"'".contains(c))
        })
    })
}

fn positions<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    text.match_indices(word).map(|(at, _)| at).filter(move |at| {
        let before = text[..*at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        !before.is_some_and(is_in_word) && !after.is_some_and(is_in_word)
    })
}

fn is_in_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_' || character == '$'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_whole() {
        assert!(mentions("a.handler = 1", "handler"));
        assert!(!mentions("handlers $handler handler1 ähandler", "handler"));
    }

    #[test]
    fn imports_of_every_form_are_seen() {
        for text in ["import a from 'a'", "x = import('a')", "require('a')", "export * from './a'", "import'a'"] {
            assert!(may_import(text), "{text}");
        }
        for text in ["important()", "export const a = 1", "Array.from(x)"] {
            assert!(!may_import(text), "{text}");
        }
    }

    #[test]
    fn declarations_are_told_from_uses() {
        for text in ["function on() {}", "async function *on() {}", "export const on = 1", "let\ton"] {
            assert!(declares(text, "on"), "{text}");
        }
        for text in ["exports.on = 1", "export { f as on }", "myconst on", "on()"] {
            assert!(!declares(text, "on"), "{text}");
        }
    }

    #[test]
    fn modules_are_what_the_guest_takes_for_modules() {
        for text in ["export default 1", "a;\n  import x from 'y'", "a; export { a }", "import\"x\""] {
            assert!(looks_like_module(text), "{text}");
        }
        for text in ["exports.a = 1", "// export", "import('x')"] {
            assert!(!looks_like_module(text), "{text}");
        }
    }
}
