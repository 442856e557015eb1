//! A mistake, with the line that it is in.

/// Longer lines are shown in part: minified code is one line.
const WIDTH_MAX: usize = 120;

/// `src/app.ts:3:7: reason`, the line, and a caret below the column. `offset` is in bytes.
pub(super) fn quote(file: &str, text: &str, offset: usize, reason: &str) -> String {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    let start = text[..offset].rfind('\n').map_or(0, |at| at + 1);
    let (before, after) = (&text[start..offset], text[offset..].split(['\n', '\r']).next().unwrap_or_default());
    let (line, column) = (text[..start].matches('\n').count() + 1, before.chars().count() + 1);
    let left: String = before.chars().rev().take(WIDTH_MAX / 2).collect();
    let left: String = left.chars().rev().map(plain).collect();
    let right: String = after.chars().take(WIDTH_MAX / 2).map(plain).collect();
    let caret: String = left.chars().map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
    format!("{file}:{line}:{column}: {reason}\n    {left}{right}\n    {caret}^")
}

/// What moves no cursor.
fn plain(character: char) -> char {
    if character.is_control() && character != '\t' { '\u{fffd}' } else { character }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_is_shown_where_it_is() {
        assert_eq!(
            quote("a.ts", "let x;\n\tlet y: = 1\n", 15, "no type"),
            "a.ts:2:9: no type\n    \tlet y: = 1\n    \t       ^"
        );
        assert_eq!(quote("a.ts", "", 9, "empty"), "a.ts:1:1: empty\n    \n    ^");
    }

    #[test]
    fn columns_count_characters_and_long_lines_are_cut() {
        let text = format!("{}é!{}", "ä".repeat(500), "z".repeat(500));
        let shown = quote("a.ts", &text, 1002, "here");
        assert!(shown.starts_with("a.ts:1:502: here\n"), "{shown}");
        assert!(shown.chars().count() < 300);
        // within a character
        assert!(quote("a.ts", &text, 1001, "here").starts_with("a.ts:1:501: here"));
        assert!(!quote("a.ts", "\u{1b}[2J!", 4, "x").contains('\u{1b}'));
    }
}
