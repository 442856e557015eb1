//! "Did you mean": the one known word that a mistyped one was most likely meant to be.

/// Longer words are not compared; no known one is nearly as long.
const LENGTH_MAX: usize = 64;

/// The known word that `given` was meant to be, if one is close enough.
pub(super) fn closest<'a>(given: &str, known: &[&'a str]) -> Option<&'a str> {
    if given.len() > LENGTH_MAX {
        return None;
    }
    let given = plain(given);
    // One slip in three letters; two letters are another word after one.
    let distance_max = given.len() / 3;
    let nearest =
        known.iter().map(|word| (distance(&given, &plain(word)), *word)).min_by_key(|(distance, _)| *distance);
    match nearest {
        Some((distance, word)) if distance <= distance_max && distance < word.len() => Some(word),
        _ => known.iter().copied().find(|word| contains(&given, &plain(word))),
    }
}

/// Case, dashes and underscores are what people mix up first.
fn plain(word: &str) -> Vec<char> {
    word.chars().filter(|c| !matches!(c, '-' | '_')).flat_map(char::to_lowercase).collect()
}

/// `memory` for `memory_mb`, `python3` for `python`, `allow_origins` for `origins`. Two letters are a word only at a start.
fn contains(given: &[char], known: &[char]) -> bool {
    let (short, long) = if given.len() < known.len() { (given, known) } else { (known, given) };
    match short.len() {
        0 | 1 => false,
        2 | 3 => long.starts_with(short),
        length => long.windows(length).any(|part| part == short),
    }
}

/// Insertions, deletions, replacements, and swaps of neighbours (optimal string alignment).
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = replaced.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(before[j - 2] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KEYS: [&str; 6] = ["memory_mb", "timeout_s", "fuel", "origins", "python", "go"];

    #[test]
    fn likely_slips_are_understood() {
        let cases = [
            ("memry_mb", Some("memory_mb")),
            ("memoryMb", Some("memory_mb")),
            ("memory-mb", Some("memory_mb")),
            ("memory", Some("memory_mb")),
            ("timeout", Some("timeout_s")),
            ("feul", Some("fuel")),
            ("allow_origins", Some("origins")),
            ("python3.14", Some("python")),
            ("golang", Some("go")),
            ("cpu", None),
            ("x", None),
            ("no", None),
            ("", None),
        ];
        for (given, expected) in cases {
            assert_eq!(closest(given, &KEYS), expected, "{given}");
        }
    }

    proptest! {
        #[test]
        fn a_word_means_itself_and_nothing_panics(text in ".{0,80}", index in 0..KEYS.len()) {
            prop_assert_eq!(closest(KEYS[index], &KEYS), Some(KEYS[index]));
            let _ = closest(&text, &KEYS);
        }
    }
}
