//! Uploaded archives: which kind one is, and how much of it is read.

use std::io::{self, BufRead, BufReader, Cursor, Read};

use hks_protocol::ByteSize;

use super::assembly::Assembly;
use super::{Error, SourceLimits, SourceTree, tarball, zipped};

/// What an archive as a whole is called in messages.
pub(super) const SUBJECT: &str = "archive";

pub(super) fn read(archive: impl Read, limits: &SourceLimits) -> Result<SourceTree, Error> {
    let mut assembly = Assembly::new(limits);
    read_into(archive, &mut assembly)?;
    assembly.finish(SUBJECT)
}

pub(super) fn read_into(archive: impl Read, assembly: &mut Assembly<'_>) -> Result<(), Error> {
    let mut archive =
        Bounded { inner: archive, left: assembly.limits().archive_bytes_max, max: assembly.limits().archive_bytes_max };
    let mut magic = Vec::new();
    archive.by_ref().take(MAGIC_BYTES).read_to_end(&mut magic).map_err(Error::io("read", SUBJECT))?;
    let kind = Kind::of(&magic);
    let archive = Cursor::new(magic).chain(BufReader::new(archive));
    match kind {
        Kind::Gzip => tarball::read(Consumed::of(archive), assembly),
        Kind::Zip => zipped::read(&whole(archive)?, assembly),
        Kind::Other(name) => {
            let reason = format!("is {name}; send a tar compressed with gzip, or a zip");
            Err(Error::refused(SUBJECT, reason))
        }
    }
}

fn whole(mut archive: impl Read) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    archive.read_to_end(&mut bytes).map_err(Error::io("read", SUBJECT))?;
    Ok(bytes)
}

enum Kind {
    Gzip,
    Zip,
    Other(&'static str),
}

/// As far as the `ustar` of a tar.
const MAGIC_BYTES: u64 = 262;

impl Kind {
    /// Names tell nothing: browsers rename, and a name is what the sender says.
    fn of(magic: &[u8]) -> Self {
        match magic {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Self::Zip,
            [] => Self::Other("empty"),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Other("compressed with zstd"),
            [b'B', b'Z', b'h', ..] => Self::Other("compressed with bzip2"),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Other("compressed with xz"),
            [b'7', b'z', 0xbc, 0xaf, 0x27, 0x1c, ..] => Self::Other("a 7z archive"),
            [b'R', b'a', b'r', b'!', ..] => Self::Other("a rar archive"),
            [0, b'a', b's', b'm', ..] => Self::Other("a WebAssembly file"),
            magic if magic.get(257..262) == Some(b"ustar") => Self::Other("a tar that is not compressed"),
            _ => Self::Other("no archive that is known here"),
        }
    }
}

/// Ends with [`Error::TooLarge`] where an archive goes on past the limit. Errors of the sender's connection are marked as
/// such, because what decoders say of their own looks the same.
struct Bounded<R> {
    inner: R,
    left: u64,
    max: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        // One byte more than is granted tells an archive that ends there from one that does not.
        let room = usize::try_from(self.left.saturating_add(1)).unwrap_or(usize::MAX).min(into.len());
        let read = match self.inner.read(&mut into[..room]) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                return Err(Error::io("read", SUBJECT)(error).into());
            }
            read => read?,
        };
        match self.left.checked_sub(read as u64) {
            Some(left) => self.left = left,
            None => {
                let reason = format!("is larger than {}; leave out what is not needed", ByteSize(self.max));
                return Err(Error::too_large(SUBJECT, reason).into());
            }
        }
        Ok(read)
    }
}

/// Counts what a decoder took, which is less than what was read ahead for it.
pub(super) struct Consumed<R> {
    inner: R,
    pub(super) bytes: u64,
}

impl<R: BufRead> Consumed<R> {
    pub(super) fn of(inner: R) -> Self {
        Self { inner, bytes: 0 }
    }
}

impl<R: BufRead> Read for Consumed<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(into)?;
        self.bytes += read as u64;
        Ok(read)
    }
}

impl<R: BufRead> BufRead for Consumed<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
        self.inner.consume(bytes);
    }
}
