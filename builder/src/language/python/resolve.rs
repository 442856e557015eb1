//! From what is wanted to the files that are installed.

use super::fallback::has_fallback;
use super::lock::{Lock, Locked};
use super::pylock::{Package, Pylock, Wheel};
use super::refusal;
use super::requirement::Requirement;
use super::uv::Uv;
use super::wanted::Wanted;
use crate::{Error, Workshop};

/// Finds versions that fit together and run in the sandbox, one file of each.
///
/// # Errors
/// [`Error::Refused`] if there are none: which package, and why.
pub(super) fn resolve(wanted: &Wanted, uv: &Uv, workshop: &mut Workshop<'_>) -> Result<Lock, Error> {
    uv.want(&wanted.requirements, &wanted.constraints)?;
    let found = match uv.resolve(workshop) {
        Ok(found) => found,
        Err(Error::Tool(failure)) => return Err(refusal::unresolved(failure, wanted, uv, workshop)),
        Err(error) => return Err(error),
    };
    refusal::check_pure(&found, wanted, uv, workshop)?;
    refusal::check_not_older(&found, wanted, uv, workshop)?;
    let files = fallback_files(&found, uv, workshop)?;
    let locked: Vec<Locked> =
        found.packages().iter().map(|package| locked(package, &files)).collect::<Result<_, _>>()?;
    if wanted.is_hashed() {
        locked.iter().try_for_each(|locked| check_listed(locked, wanted))?;
    }
    Ok(Lock::new(wanted, locked))
}

/// Wheels of the packages of which only the Python part is used.
fn fallback_files(found: &Pylock, uv: &Uv, workshop: &mut Workshop<'_>) -> Result<Pylock, Error> {
    let without = found.packages().iter().filter(|package| has_fallback(&package.name()));
    let pinned: String = without.map(|package| format!("{}=={}\n", package.name(), package.version())).collect();
    if pinned.is_empty() { Ok(Pylock::default()) } else { uv.files_of(&pinned, workshop) }
}

fn locked(package: &Package, files: &Pylock) -> Result<Locked, Error> {
    let (name, version) = (package.name(), package.version().to_owned());
    let of_files = || files.package(&name).and_then(|package| package.pure_wheel().or_else(|| package.native_wheel()));
    let wheel = package.pure_wheel().or_else(of_files);
    let sha256 = wheel.and_then(Wheel::sha256).ok_or_else(|| {
        Error::Refused(format!(
            "{name} {version} has no wheel with a SHA-256 hash in the index, and nothing else is installed"
        ))
    })?;
    Ok(Locked { sha256: sha256.to_ascii_lowercase(), name, version })
}

/// Requirements with hashes list all that may be installed.
fn check_listed(locked: &Locked, wanted: &Wanted) -> Result<(), Error> {
    let Locked { name, version, sha256 } = locked;
    let listed: Vec<&Requirement> = wanted.requirements.iter().filter(|wanted| wanted.name == *name).collect();
    if listed.is_empty() {
        return Err(Error::Refused(format!(
            "{}: {name}=={version} is needed too, and not listed; with hashes, all packages are to be listed",
            wanted.origin
        )));
    }
    if listed.iter().any(|wanted| wanted.hashes.contains(sha256)) {
        return Ok(());
    }
    Err(Error::Refused(format!(
        "{}: the hashes of {name} are not those of {name} {version}'s wheel that runs in the sandbox (sha256:{sha256}); add it",
        wanted.origin
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_hashes_everything_is_listed() {
        let locked =
            |name: &str, digit: &str| Locked { name: name.into(), version: "1".into(), sha256: digit.repeat(64) };
        let wanted = Wanted::of_texts(&[&format!("six==1 --hash=sha256:{}", "a".repeat(64))]);
        let check = |locked: Locked| check_listed(&locked, &wanted).map_err(|error| error.to_string());
        assert!(check(locked("six", "a")).is_ok());
        assert!(check(locked("six", "b")).unwrap_err().contains("add it"));
        assert!(check(locked("idna", "a")).unwrap_err().contains("idna==1 is needed too"));
    }
}
