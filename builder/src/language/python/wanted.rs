//! Which packages a function asks for: in its manifest, in `requirements.txt`, or in `pyproject.toml`.

use hks_protocol::Manifest;

use super::requirement::Requirement;
use super::requirements::Requirements;
use super::{GUEST_VERSION, project};
use crate::source::SourceTree;
use crate::{Error, Workshop, manifest};

/// What pip calls its list.
pub(super) const REQUIREMENTS: &str = "requirements.txt";

/// Packages that are asked for, and by what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) requirements: Vec<Requirement>,
    pub(super) constraints: Vec<Requirement>,
    /// The file that asks for them, for messages.
    pub(super) origin: &'static str,
}

impl Wanted {
    /// `None` if there are none.
    ///
    /// `requirements.txt` comes before `pyproject.toml`, of which it usually is the precise form; the manifest's packages
    /// come on top.
    ///
    /// # Errors
    /// [`Error::Refused`] with the place of the mistake.
    pub(super) fn read(
        source: &SourceTree,
        manifest: &Manifest,
        workshop: &mut Workshop<'_>,
    ) -> Result<Option<Self>, Error> {
        let mut wanted = if manifest.build().dependencies { Self::of_files(source, workshop)? } else { Self::none() };
        for package in manifest.packages() {
            let requirement = Requirement::parse(package.as_str())
                .map_err(|reason| Error::Refused(format!("{}: packages: `{package}` {reason}", manifest::FILE_NAME)))?;
            wanted.requirements.push(requirement);
        }
        wanted.check_hashes()?;
        Ok((!wanted.requirements.is_empty()).then_some(wanted))
    }

    fn none() -> Self {
        Self { requirements: Vec::new(), constraints: Vec::new(), origin: manifest::FILE_NAME }
    }

    fn of_files(source: &SourceTree, workshop: &mut Workshop<'_>) -> Result<Self, Error> {
        let project = source.get(project::FILE_NAME);
        if source.get(REQUIREMENTS).is_some() {
            if project.is_some() {
                workshop.note(format_args!("packages are those of {REQUIREMENTS}, not of {}", project::FILE_NAME));
            }
            let Requirements { wanted, constraints } = Requirements::read(source, REQUIREMENTS)?;
            return Ok(Self { requirements: wanted, constraints, origin: REQUIREMENTS });
        }
        let Some(content) = project else { return Ok(Self::none()) };
        let requirements = project::dependencies(content)?;
        Ok(Self { requirements, constraints: Vec::new(), origin: project::FILE_NAME })
    }

    /// As pip does it: with a hash anywhere, all packages need some, and one version.
    fn check_hashes(&self) -> Result<(), Error> {
        if !self.is_hashed() {
            return Ok(());
        }
        match self.requirements.iter().find(|wanted| wanted.hashes.is_empty() || !wanted.is_pinned()) {
            None => Ok(()),
            Some(wanted) => Err(Error::Refused(format!(
                "{}: some packages have hashes, but `{wanted}` has none, or not one version; give all of them both, or none",
                self.origin
            ))),
        }
    }

    /// Whether the files that may be installed are listed.
    pub(super) fn is_hashed(&self) -> bool {
        self.requirements.iter().any(|wanted| !wanted.hashes.is_empty())
    }

    /// Tells what is asked for: not in what order or in which file.
    pub(super) fn digest(&self) -> String {
        let mut hasher = blake3::Hasher::new_derive_key("hks-builder 2026-11 python requirements; v1");
        hasher.update(GUEST_VERSION.as_bytes());
        for list in [&self.requirements, &self.constraints] {
            let mut list: Vec<_> = list.iter().collect();
            list.sort_unstable();
            list.dedup();
            hasher.update(&(list.len() as u64).to_le_bytes());
            for line in list.iter().flat_map(|wanted| [&wanted.text].into_iter().chain(&wanted.hashes)) {
                hasher.update(&(line.len() as u64).to_le_bytes()).update(line.as_bytes());
            }
        }
        hasher.finalize().to_hex().to_string()
    }

    /// As from a file.
    #[cfg(test)]
    pub(super) fn of_texts(texts: &[&str]) -> Self {
        let requirements = texts.iter().map(|text| Requirement::parse(text).unwrap()).collect();
        Self { requirements, constraints: Vec::new(), origin: REQUIREMENTS }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_tells_what_is_wanted_and_not_in_what_order() {
        let digest = |texts: &[&str]| Wanted::of_texts(texts).digest();
        assert_eq!(digest(&["a", "b"]), digest(&["b", "a", "b"]));
        assert_ne!(digest(&["a", "b"]), digest(&["a"]));
        let mut bounded = Wanted::of_texts(&["a"]);
        bounded.constraints.push(Requirement::parse("b").unwrap());
        assert_ne!(bounded.digest(), digest(&["a"]));
        assert_ne!(bounded.digest(), digest(&["a", "b"]));
    }

    #[test]
    fn hashes_are_for_all_or_none() {
        let hash = format!("--hash=sha256:{}", "a".repeat(64));
        let check = |texts: &[&str]| Wanted::of_texts(texts).check_hashes().map_err(|error| error.to_string());
        assert!(check(&[&format!("a==1 {hash}"), &format!("b==1 {hash}")]).is_ok());
        let refused = check(&[&format!("a==1 {hash}"), "b==1"]).unwrap_err();
        assert!(refused.contains("`b==1` has none"), "{refused}");
        assert!(check(&[&format!("a>=1 {hash}")]).is_err());
    }
}
