//! What the resolver answers: a lock file in the format of PEP 751, as uv writes it.

use serde::Deserialize;

use super::lock::is_version;
use super::requirement::{is_sha256, normalised};

/// Packages that fit, each with the files that can be had of it.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Pylock {
    #[serde(default)]
    packages: Vec<Package>,
}

/// One of them.
#[derive(Debug, Deserialize)]
pub(super) struct Package {
    name: String,
    version: Option<String>,
    #[serde(default)]
    wheels: Vec<Wheel>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Wheel {
    name: Option<String>,
    url: Option<String>,
    path: Option<String>,
    #[serde(default)]
    hashes: Hashes,
}

#[derive(Debug, Default, Deserialize)]
struct Hashes {
    sha256: Option<String>,
}

impl Pylock {
    /// The error is for the operator: the resolver is not one that we know.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let lock: Self = toml::from_str(text).map_err(|error| format!("read what uv resolved: {}", error.message()))?;
        let is_plain = |package: &Package| is_version(package.version()) && !normalised(&package.name).is_empty();
        match lock.packages.iter().find(|package| !is_plain(package)) {
            None => Ok(lock),
            Some(package) => Err(format!("read what uv resolved: {:?} has no plain name and version", package.name)),
        }
    }

    pub(super) fn packages(&self) -> &[Package] {
        &self.packages
    }

    pub(super) fn package(&self, name: &str) -> Option<&Package> {
        self.packages.iter().find(|package| package.name() == name)
    }
}

impl Package {
    /// Normalised.
    pub(super) fn name(&self) -> String {
        normalised(&self.name)
    }

    pub(super) fn version(&self) -> &str {
        self.version.as_deref().unwrap_or_default()
    }

    /// The wheel that runs anywhere: the same of several for everyone.
    pub(super) fn pure_wheel(&self) -> Option<&Wheel> {
        self.wheels.iter().filter(|wheel| wheel.is_pure()).min_by_key(|wheel| wheel.file_name())
    }

    /// The wheel for a usual Linux machine and the guest's version of Python: the same one for every builder.
    pub(super) fn native_wheel(&self) -> Option<&Wheel> {
        self.wheels.iter().filter(|wheel| wheel.is_stand_in()).min_by_key(|wheel| wheel.file_name())
    }
}

impl Wheel {
    fn is_pure(&self) -> bool {
        self.file_name().ends_with("-none-any.whl")
    }

    fn is_stand_in(&self) -> bool {
        let name = self.file_name();
        let fits = name.contains("-cp314-cp314-") || name.contains("-abi3-");
        fits && name.contains("manylinux") && name.ends_with("x86_64.whl")
    }

    fn file_name(&self) -> &str {
        let from = self.name.as_deref().or(self.path.as_deref()).or(self.url.as_deref()).unwrap_or_default();
        let from = from.split(['?', '#']).next().unwrap_or_default();
        from.rsplit('/').next().unwrap_or_default()
    }

    /// In hexadecimal digits, if the index has it.
    pub(super) fn sha256(&self) -> Option<&str> {
        self.hashes.sha256.as_deref().filter(|digits| is_sha256(digits))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
lock-version = "1.0"
created-by = "uv"

[[packages]]
name = "SQLAlchemy"
version = "2.1.9"
marker = "sys_platform == 'wasi'"
wheels = [
    { url = "https://a.example/x/sqlalchemy-2.1.9-cp314-cp314-manylinux_2_28_x86_64.whl", hashes = { sha256 = "11" } },
    { url = "https://a.example/x/sqlalchemy-2.1.9-py3-none-any.whl#x", size = 3, upload-time = 2026-07-02T08:40:04Z, hashes = { sha256 = "449fed5c2caa3b278cc57499d09db001fb3f28dc7f18affc48142aee4dcc0cdf" } },
]

[[packages]]
name = "markupsafe"
version = "3.0.4"
sdist = { url = "https://a.example/markupsafe-3.0.4.tar.gz", hashes = { sha256 = "22" } }
"#;

    #[test]
    fn packages_and_their_wheels() {
        let lock = Pylock::parse(TEXT).unwrap();
        let [alchemy, markup] = lock.packages() else { panic!("{lock:?}") };
        assert_eq!((alchemy.name().as_str(), alchemy.version()), ("sqlalchemy", "2.1.9"));
        assert!(alchemy.pure_wheel().unwrap().sha256().unwrap().starts_with("449fed"));
        assert_eq!(
            alchemy.native_wheel().unwrap().file_name(),
            "sqlalchemy-2.1.9-cp314-cp314-manylinux_2_28_x86_64.whl"
        );
        assert!(markup.pure_wheel().is_none() && markup.native_wheel().is_none());
        assert!(lock.package("markupsafe").is_some() && lock.package("six").is_none());
    }

    #[test]
    fn what_is_no_lock_is_an_error() {
        for text in ["[[packages]]", "[[packages]]\nname = 'a'", "[[packages]]\nname = 'a'\nversion = '-r x'", "x"] {
            assert!(Pylock::parse(text).is_err(), "{text}");
        }
        assert!(Pylock::parse("lock-version = '1.0'").unwrap().packages().is_empty());
    }
}
