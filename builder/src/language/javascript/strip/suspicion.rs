//! What of a text can be known to be harmless, without parsing it.

/// What bounds the work of the parser, overestimated.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Suspicion {
    bytes: usize,
    /// Words, and characters that are in none; beyond ASCII each character, because some are spaces.
    pub(super) tokens: usize,
    /// Where it may try two readings of what follows: all that was found to double its time.
    pub(super) ambiguities: usize,
}

impl Suspicion {
    /// A function that somebody wrote has a tenth of this.
    const BYTES_MAX: usize = 256 << 10;
    /// The stack is 256 MiB then, of which an ordinary text touches a few pages.
    const TOKENS_MAX: usize = 32 << 10;
    /// If all are nested, a few thousand times the microsecond that one takes.
    pub(super) const AMBIGUITIES_MAX: usize = 12;

    pub(super) fn of(text: &str) -> Self {
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$';
        let (mut tokens, mut ambiguities, mut in_word) = (0, 0, false);
        for (at, byte) in text.bytes().enumerate() {
            let continues_character = (0x80..0xc0).contains(&byte);
            let starts = if is_word(byte) { !in_word } else { !byte.is_ascii_whitespace() && !continues_character };
            in_word = is_word(byte);
            tokens += usize::from(starts);
            let rest = &text.as_bytes()[at..];
            let is_ambiguous = (byte == b'?' && may_be_arrow(&rest[1..]))
                || (starts && in_word && (rest.starts_with(b"infer") || is_generic_async(rest)));
            ambiguities += usize::from(is_ambiguous);
        }
        Self { bytes: text.len(), tokens, ambiguities }
    }

    pub(super) fn is_harmless(&self) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_files_are_harmless() {
        let text = "const f = async (a?: number) => (a ?? 1) > 0 ? await g<string>(a) : (b?.c as any);\n".repeat(10);
        assert!(Suspicion::of(&text).is_harmless(), "{:?}", Suspicion::of(&text));
        assert_eq!(Suspicion::of("a1 = b_c+(ä)").tokens, 7);
        assert_eq!(Suspicion::of("typeof\u{a0}typeof\u{2028}a").tokens, 5);
    }
}
