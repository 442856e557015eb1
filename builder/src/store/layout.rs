//! What the objects of a store are called, and what a name says. Nothing else makes or reads names.
//!
//! All that a collection must know about an object stands in its name, so that listing is enough. A name that is not ours says
//! nothing: such objects are neither used nor removed.

use hks_engine::Digest;
use object_store::path::Path;

use super::Holder;
use super::clock::Moment;

/// Says which version of this layout the store has.
pub(super) const FORMAT: &str = "format";
/// What it says.
pub(super) const FORMAT_TEXT: &str = "hks artifact store 1\n";

pub(super) const LEASES: &str = "leases";
pub(super) const HOLDS: &str = "holds";

/// What is kept by digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Blob,
    Document,
}

impl Kind {
    /// As messages name it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Blob => "blob",
            Self::Document => "document",
        }
    }

    /// The folder of its objects.
    pub(super) fn folder(self) -> &'static str {
        match self {
            Self::Blob => "blobs",
            Self::Document => "documents",
        }
    }

    /// The folder of those that share the digest's beginning: one in 4,096, so that listing it is cheap.
    pub(super) fn shard(self, digest: Digest) -> Path {
        Path::from_iter([self.folder(), &digest.to_string()[..3]])
    }

    pub(super) fn object(self, digest: Digest, generation: &str) -> Path {
        self.shard(digest).join(format!("{digest}.{generation}").as_str())
    }

    pub(super) fn mark(self, digest: Digest, generation: &str, mark: Mark, at: Moment) -> Path {
        self.shard(digest).join(format!("{digest}.{generation}.{}.{at}", mark.name()).as_str())
    }
}

/// What stands beside an object that must not be relied on any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mark {
    /// Garbage: a collection is about to remove it.
    Condemned,
    /// Its content is not what its name says.
    Damaged,
}

impl Mark {
    fn name(self) -> &'static str {
        match self {
            Self::Condemned => "condemned",
            Self::Damaged => "damaged",
        }
    }
}

/// What the name of an object of a [`Kind`] says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) digest: Digest,
    pub(super) generation: String,
    /// A mark beside the object, and since when, not the object.
    pub(super) mark: Option<(Mark, Moment)>,
}

/// Unique for each object that is ever written, so that a name never comes back to life.
pub(super) fn generation(now: Moment, random: u64) -> String {
    format!("{now}-{random:016x}")
}

fn is_generation(text: &str) -> bool {
    let hexadecimal = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let parts = text.split_once('-');
    parts.is_some_and(|(at, random)| {
        Moment::parse(at).is_some() && random.len() == 16 && random.bytes().all(hexadecimal)
    })
}

impl Name {
    pub(super) fn parse(path: &Path) -> Option<Self> {
        let mut parts = path.filename()?.split('.');
        let digest = digest(parts.next()?)?;
        let generation = parts.next().filter(|text| is_generation(text))?.to_owned();
        let mark = match parts.next() {
            None => None,
            Some(name) => {
                let mark = [Mark::Condemned, Mark::Damaged].into_iter().find(|mark| mark.name() == name)?;
                Some((mark, Moment::parse(parts.next()?)?))
            }
        };
        parts.next().is_none().then_some(Self { digest, generation, mark })
    }
}

pub(super) fn hold(artifact: Digest, holder: &Holder) -> Path {
    let digest = artifact.to_string();
    Path::from_iter([HOLDS, &digest[..3], &format!("{digest}.{holder}")])
}

pub(super) fn parse_hold(path: &Path) -> Option<(Digest, Holder)> {
    let (artifact, holder) = path.filename()?.split_once('.')?;
    Some((digest(artifact)?, holder.parse().ok()?))
}

pub(super) fn lease(digest: Digest, at: Moment) -> Path {
    Path::from_iter([LEASES, &format!("{at}-{digest}")])
}

pub(super) fn parse_lease(path: &Path) -> Option<(Moment, Digest)> {
    let (at, leased) = path.filename()?.split_once('-')?;
    Some((Moment::parse(at)?, digest(leased)?))
}

/// Only as we write it: two spellings of one digest would be two objects.
pub(super) fn digest(text: &str) -> Option<Digest> {
    let digest: Digest = text.parse().ok()?;
    (digest.to_string() == text).then_some(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_they_were_made_from() {
        let (one, at) = (Digest::of(b"1"), Moment::from_millis(7));
        let generation = generation(at, 9);
        let object = Kind::Blob.object(one, &generation);
        assert_eq!(Name::parse(&object), Some(Name { digest: one, generation: generation.clone(), mark: None }));
        let mark = Kind::Document.mark(one, &generation, Mark::Damaged, at);
        assert_eq!(Name::parse(&mark).unwrap().mark, Some((Mark::Damaged, at)));
        let holder: Holder = "fn_1.v2".parse().unwrap();
        assert_eq!(parse_hold(&hold(one, &holder)), Some((one, holder)));
        assert_eq!(parse_lease(&lease(one, at)), Some((at, one)));
    }

    #[test]
    fn other_names_say_nothing() {
        let digest = Digest::of(b"1").to_string();
        let upper = digest.to_uppercase();
        for name in ["", "x", &digest, &format!("{digest}.1-2"), &format!("{upper}.000000000000007-0000000000000009")] {
            assert_eq!(Name::parse(&Path::from_iter(["blobs", name])), None, "{name}");
        }
        let object = Kind::Blob.object(Digest::of(b"1"), &generation(Moment::from_millis(7), 9));
        for end in [".x", ".condemned", ".condemned.7", ".condemned.000000000000007.x"] {
            assert_eq!(Name::parse(&Path::from(format!("{object}{end}"))), None, "{end}");
        }
    }
}
