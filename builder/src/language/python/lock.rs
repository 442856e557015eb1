//! `hks.lock`: the files that a function's packages come from, by their hashes.
//!
//! It is also a requirements file that `pip install --require-hashes --no-deps -r hks.lock` and uv take. It says nothing of
//! where and when it was made: the same packages give the same text.

use std::fmt;

use super::GUEST_VERSION;
use super::requirement::{is_sha256, normalised};
use super::requirements::COUNT_MAX;
use super::wanted::Wanted;
use crate::Error;

/// What the file is called, beside `function.yaml`.
pub(super) const FILE_NAME: &str = "hks.lock";
/// A hundred bytes for each package.
const BYTES_MAX: usize = 256 << 10;
const HEAD: &str = "# Packages of a function, as they were resolved for the sandbox of HKS Functions. Keep this file as hks.lock\n\
                    # beside function.yaml to get the same ones again, and delete it to resolve anew.\n";

/// One file to install.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Locked {
    /// Normalised.
    pub(super) name: String,
    pub(super) version: String,
    /// Of the wheel, in hexadecimal digits.
    pub(super) sha256: String,
}

/// What is to be installed, in the order of names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lock {
    wanted: String,
    packages: Vec<Locked>,
}

impl Lock {
    pub(super) fn new(wanted: &Wanted, mut packages: Vec<Locked>) -> Self {
        packages.sort_unstable();
        Self { wanted: wanted.digest(), packages }
    }

    /// Reads a lock that came with the source, and checks that it is for what is wanted.
    ///
    /// # Errors
    /// [`Error::Refused`]: not written by a build, or for other requirements.
    pub(super) fn read(content: &[u8], wanted: &Wanted) -> Result<Self, Error> {
        let refused = |number: usize, reason: &str| {
            Error::Refused(format!("{FILE_NAME}:{number}: {reason}; delete the file to resolve anew"))
        };
        let text = str::from_utf8(content).ok().filter(|text| text.len() <= BYTES_MAX);
        let text = text.ok_or_else(|| refused(1, "not UTF-8, or more than 256 KiB"))?;
        let mut lock = Self { wanted: String::new(), packages: Vec::new() };
        for (number, line) in text.lines().enumerate() {
            if let Some(key) = line.strip_prefix('#') {
                if let Some(digest) = key.trim().strip_prefix("requirements: ") {
                    lock.wanted = digest.to_owned();
                }
            } else if !line.trim().is_empty() {
                let locked =
                    locked(line).ok_or_else(|| refused(number + 1, "not a package with its version and hash"))?;
                lock.packages.push(locked);
            }
        }
        lock.packages.sort_unstable();
        if lock.packages.len() > COUNT_MAX || lock.packages.windows(2).any(|pair| pair[0].name == pair[1].name) {
            return Err(refused(1, "too many packages, or one that comes twice"));
        }
        if lock.wanted != wanted.digest() {
            return Err(refused(1, &format!("made for other packages than {} asks for", wanted.origin)));
        }
        Ok(lock)
    }

    pub(super) fn packages(&self) -> &[Locked] {
        &self.packages
    }
}

impl fmt::Display for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{HEAD}# python: {GUEST_VERSION}\n# requirements: {}\n", self.wanted)?;
        self.packages.iter().try_for_each(|locked| writeln!(f, "{locked}"))
    }
}

impl fmt::Display for Locked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}=={} --hash=sha256:{}", self.name, self.version, self.sha256)
    }
}

fn locked(line: &str) -> Option<Locked> {
    let (package, digits) = line.trim().split_once(" --hash=sha256:")?;
    let (name, version) = package.split_once("==")?;
    let locked = Locked { name: name.into(), version: version.into(), sha256: digits.to_ascii_lowercase() };
    (is_name(name) && is_version(version) && is_sha256(digits)).then_some(locked)
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && normalised(name) == name
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Whether it can be the text of a version (PEP 440).
pub(super) fn is_version(version: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'!' | b'+' | b'-' | b'_');
    version.starts_with(|c: char| c.is_ascii_digit()) && version.len() <= 128 && version.bytes().all(is_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock() -> (Wanted, Lock) {
        let wanted = Wanted::of_texts(&["jinja2>=3"]);
        let locked =
            |name: &str, digit: &str| Locked { name: name.into(), version: "3.0+x".into(), sha256: digit.repeat(64) };
        let lock = Lock::new(&wanted, vec![locked("markupsafe", "b"), locked("jinja2", "a")]);
        (wanted, lock)
    }

    #[test]
    fn what_is_written_reads_back() {
        let (wanted, lock) = lock();
        let text = lock.to_string();
        assert!(text.contains("\njinja2==3.0+x --hash=sha256:aaa"), "{text}");
        assert_eq!(Lock::read(text.as_bytes(), &wanted).unwrap(), lock);
        assert_eq!(Lock::read(text.replace('\n', "\r\n").as_bytes(), &wanted).unwrap(), lock);
    }

    #[test]
    fn a_lock_for_something_else_is_refused() {
        let (_, lock) = lock();
        let refused =
            Lock::read(lock.to_string().as_bytes(), &Wanted::of_texts(&["jinja2>=2"])).unwrap_err().to_string();
        assert!(refused.contains("made for other packages than requirements.txt asks for; delete"), "{refused}");
    }

    #[test]
    fn lines_that_no_build_wrote_are_refused() {
        let (wanted, lock) = lock();
        for line in [
            "six",
            "six==1",
            "six==1 --hash=sha256:12",
            "-r x",
            "--index-url=x",
            "jinja2==3 --hash=md5:1",
            "../x==1 --hash=sha256:",
        ] {
            let text = format!("{lock}{line}\n");
            let refused = Lock::read(text.as_bytes(), &wanted).unwrap_err().to_string();
            assert!(refused.starts_with("hks.lock:7: not a package"), "{refused}");
        }
        let twice = format!("{lock}jinja2==4 --hash=sha256:{}\n", "c".repeat(64));
        assert!(Lock::read(twice.as_bytes(), &wanted).is_err());
    }
}
