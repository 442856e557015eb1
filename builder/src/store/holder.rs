use std::fmt;
use std::str::FromStr;

use super::Error;

/// Longest name of a holder, in bytes; with a digest before it, it must fit into a file's name.
const BYTES_MAX: usize = 128;

/// Who holds an artifact, such as a version of a function: 1 to 128 letters, digits, `.`, `_`, `-`, `:` and `@`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Holder(String);

impl Holder {
    /// Its name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Holder {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let known = |byte: u8| byte.is_ascii_alphanumeric() || b"._-:@".contains(&byte);
        if name.is_empty() || name.len() > BYTES_MAX || !name.bytes().all(known) {
            let shown: String = name.chars().take(BYTES_MAX).collect();
            return Err(Error::Refused(format!(
                "holder {shown:?}: a name has 1 to {BYTES_MAX} letters, digits and any of . _ - : @"
            )));
        }
        Ok(Self(name.to_owned()))
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_bounded_and_plain() {
        for good in ["fn_01HX.v3", "a", "..", "x@y:1", &"n".repeat(128)] {
            assert_eq!(good.parse::<Holder>().unwrap().as_str(), good);
        }
        for bad in ["", "a/b", "ü", "a b", "a#1", "a\n", &"n".repeat(129)] {
            assert!(bad.parse::<Holder>().is_err(), "{bad:?}");
        }
    }
}
