use std::fmt;

use crate::id::clip;

/// One step from a value to a value in it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Step {
    /// To the value of this key.
    Key(String),
    /// To this entry of a list, counted from 0.
    Index(usize),
}

/// Where a value stands in a manifest, such as `schedule[1].retry.delay_s`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Path(pub Vec<Step>);

impl Path {
    /// The value of a key at the top.
    #[must_use]
    pub fn key(name: impl Into<String>) -> Self {
        Self::default().then(Step::Key(name.into()))
    }

    /// The value that is one step further.
    #[must_use]
    pub fn then(mut self, step: Step) -> Self {
        self.0.push(step);
        self
    }

    /// The value of a key of this one.
    #[must_use]
    pub fn child(self, name: impl Into<String>) -> Self {
        self.then(Step::Key(name.into()))
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.0.iter().enumerate() {
            match step {
                Step::Index(number) => write!(f, "[{number}]")?,
                Step::Key(name) => {
                    f.write_str(if index == 0 { "" } else { "." })?;
                    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
                    let bare = (1..=64).contains(&name.len()) && name.bytes().all(plain);
                    if bare { f.write_str(name)? } else { write!(f, "{:?}", clip(name))? }
                }
            }
        }
        Ok(())
    }
}

/// What is wrong with a value that is well formed by itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {reason}")]
pub struct Problem {
    /// Which value.
    pub path: Path,
    /// What is wrong with it and what would be right.
    pub reason: String,
}

impl Problem {
    pub(super) fn new(path: Path, reason: impl Into<String>) -> Self {
        Self { path, reason: reason.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_reads_as_people_write_it() {
        let path = Path::key("schedule").then(Step::Index(1)).child("retry").child("delay_s");
        assert_eq!(path.to_string(), "schedule[1].retry.delay_s");
        assert_eq!(Path::key("environment").child("a.b").to_string(), r#"environment."a.b""#);
    }
}
