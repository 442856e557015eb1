//! Whatever is handed in, the answer is a component that does the same, or a reason; never a panic.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use wasmtime::Trap;

use super::{calls, fuse, linked, trapped, with_shim};

/// The text with another number in one of the places where there is a number.
fn with_other_number(text: &str, which: &Index, number: &str) -> String {
    let ends_word = |letter: char| letter.is_whitespace() || "()\"".contains(letter);
    let is_number = |word: &str| word.bytes().next().is_some_and(|byte| byte.is_ascii_digit());
    let mut numbers = Vec::new();
    let mut start = 0;
    for word in text.split_inclusive(ends_word) {
        let bare = word.trim_end_matches(ends_word);
        if is_number(bare) {
            numbers.push(start..start + bare.len());
        }
        start += word.len();
    }
    let mut changed = text.to_owned();
    changed.replace_range(which.get(&numbers).clone(), number);
    changed
}

const NUMBERS: [&str; 14] =
    ["0", "1", "2", "3", "4", "5", "7", "8", "64", "65535", "65536", "0x7fffffff", "0x80000000", "0xffffffff"];

fn components() -> impl Strategy<Value = String> {
    select(vec![linked(), with_shim()])
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_are_refused(bytes in vec(any::<u8>(), 0..200)) {
        prop_assert!(fuse(&bytes).is_err());
        let header: Vec<u8> = b"\0asm\x0d\0\x01\0".iter().copied().chain(bytes).collect();
        prop_assert!(fuse(&header).is_err());
    }

    #[test]
    fn changed_bytes_do_not_panic(
        text in components(),
        changes in vec((any::<Index>(), any::<u8>()), 1..4),
        length in any::<Index>(),
        cut in any::<bool>(),
    ) {
        let mut bytes = wat::parse_str(text).unwrap();
        for (place, byte) in changes {
            *place.get_mut(&mut bytes) = byte;
        }
        if cut {
            bytes.truncate(length.index(bytes.len()));
        }
        let _ = fuse(&bytes);
    }

    #[test]
    fn other_numbers_give_the_same_behaviour_or_a_reason(
        text in components(),
        changes in vec((any::<Index>(), select(&NUMBERS[..])), 1..3),
    ) {
        let text = changes.iter().fold(text, |text, (which, number)| with_other_number(&text, which, number));
        let Ok(bytes) = wat::parse_str(&text) else { return Ok(()) };
        let Ok(fused) = fuse(&bytes) else { return Ok(()) };
        let before = calls(&bytes);
        // a call beyond the table may reach a slot of the host
        if before.last() != Some(&trapped(Trap::TableOutOfBounds)) {
            prop_assert_eq!(calls(&fused), before, "{}", text);
        }
    }
}
