//! Tars compressed with gzip, entry by entry as they come.
//!
//! Read are files and folders of ustar, GNU and pax archives, with their long names. Extended headers say little that a tree
//! keeps, and readers differ in what they make of them: a name that comes from two of them, or a size that differs from the
//! header's, is refused. So is everything after the end, because another reader might take it for more files: a second
//! member of the gzip stream, or anything but zeros after the tar.

use std::fmt;
use std::io::{self, BufRead, Read};
use std::str::FromStr;

use flate2::bufread::GzDecoder;
use flate2::{Compression, GzBuilder};
use hks_protocol::ByteSize;
use tar::{EntryType, Header};

use super::archive::{Consumed, SUBJECT};
use super::assembly::{Assembly, read_exactly};
use super::error::Named;
use super::skipped::is_skipped;
use super::{Error, RelativePath, SourceLimits, SourceTree};

const BLOCK_BYTES: u64 = 512;
/// One extended header. The longest name that is accepted, its attributes and some foreign records take a tenth.
const EXTENSION_BYTES_MAX: u64 = 64 << 10;
/// Zeros at the end: twice the largest block that tapes are written with.
const PADDING_BYTES_MAX: u64 = 1 << 20;

pub(super) fn read<R: BufRead>(archive: Consumed<R>, assembly: &mut Assembly<'_>) -> Result<(), Error> {
    let tar = Inflating { inner: GzDecoder::new(archive), given: 0, limits: assembly.limits().clone() };
    let mut reader = Reader { tar, assembly, pending: Extensions::default() };
    while let Some(header) = reader.header()? {
        reader.entry(&header)?;
    }
    reader.end()
}

struct Reader<'a, 'l, R> {
    tar: Inflating<R>,
    assembly: &'a mut Assembly<'l>,
    pending: Extensions,
}

/// What extended headers say of the entry that follows.
#[derive(Default)]
struct Extensions {
    name: Option<Vec<u8>>,
    size: Option<u64>,
}

impl<R: BufRead> Reader<'_, '_, R> {
    /// The next header; `None` at the block of zeros that ends a tar.
    fn header(&mut self) -> Result<Option<Header>, Error> {
        let mut header = Header::new_old();
        self.tar.read_exact(header.as_mut_bytes()).map_err(Error::decoding(SUBJECT))?;
        if header.as_bytes().iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        let sum = |bytes: &[u8]| bytes.iter().map(|byte| u32::from(*byte)).sum::<u32>();
        // The sum is over the header with spaces in its own place.
        let expected = sum(&header.as_bytes()[..148]) + 8 * u32::from(b' ') + sum(&header.as_bytes()[156..]);
        if header.cksum().ok() != Some(expected) {
            return Err(Error::damaged(SUBJECT, "has a tar header whose checksum is wrong; send it again"));
        }
        Ok(Some(header))
    }

    fn entry(&mut self, header: &Header) -> Result<(), Error> {
        let size =
            size(header).ok_or_else(|| Error::damaged(SUBJECT, "has a tar header without a size; send it again"))?;
        match header.entry_type() {
            EntryType::GNULongName => self.long_name(size),
            EntryType::XHeader => self.pax(size),
            EntryType::XGlobalHeader => self.global_pax(size),
            _ => self.named(header, size),
        }
    }

    /// What is no extended header, under the name that was announced for it.
    fn named(&mut self, header: &Header, size: u64) -> Result<(), Error> {
        let extensions = std::mem::take(&mut self.pending);
        let name = extensions.name.unwrap_or_else(|| header.path_bytes().into_owned());
        let subject = Named { kind: "archive entry", name: &name };
        self.assembly.listed(subject)?;
        if extensions.size.is_some_and(|announced| announced != size) {
            return Err(Error::refused(subject, "has two sizes, in its header and beside it; make the archive again"));
        }
        self.member(subject, header.entry_type(), size)
    }

    /// A file or a folder. Older tars mark a folder by the slash after its name only.
    fn member(&mut self, subject: Named<'_>, kind: EntryType, size: u64) -> Result<(), Error> {
        let folder_name = subject.name.strip_suffix(b"/");
        match kind {
            EntryType::Directory | EntryType::Regular if folder_name.is_some() || kind.is_dir() => {
                let name = folder_name.unwrap_or(subject.name);
                self.folder(subject, name, size)
            }
            EntryType::Regular => self.file(subject, size),
            other => Err(Error::refused(subject, format!("is {}", described(other)))),
        }
    }

    fn folder(&mut self, subject: Named<'_>, name: &[u8], size: u64) -> Result<(), Error> {
        if size != 0 {
            return Err(Error::damaged(subject, "is a folder with content; make the archive again"));
        }
        // Archives of a folder begin with the folder itself.
        if name == b"." || subject.name == b"./" {
            return Ok(());
        }
        let path = RelativePath::checked(Named { name: without_dot(name), ..subject })?;
        self.assembly.folder(subject, &path)
    }

    fn file(&mut self, subject: Named<'_>, size: u64) -> Result<(), Error> {
        let path = RelativePath::checked(Named { name: without_dot(subject.name), ..subject })?;
        if is_skipped(&path) {
            self.assembly.announced(subject, size)?;
            return self.content(subject, size).map(drop);
        }
        self.assembly.file(subject, &path, size)?;
        let content = self.content(subject, size)?;
        self.assembly.keep(path, content);
        Ok(())
    }

    /// What was announced, and the padding after it.
    fn content(&mut self, subject: impl fmt::Display, size: u64) -> Result<Vec<u8>, Error> {
        let padding = size.next_multiple_of(BLOCK_BYTES) - size;
        let content = read_exactly(&mut self.tar, size);
        let both = content.and_then(|content| read_exactly(&mut self.tar, padding).map(|_| content));
        both.map_err(Error::decoding(subject))
    }

    fn long_name(&mut self, size: u64) -> Result<(), Error> {
        let mut name = self.extension(size)?;
        if name.last() == Some(&0) {
            name.pop();
        }
        self.rename(name)
    }

    fn rename(&mut self, name: Vec<u8>) -> Result<(), Error> {
        match self.pending.name.replace(name) {
            None => Ok(()),
            Some(name) => {
                let subject = Named { kind: "archive entry", name: &name };
                Err(Error::refused(subject, "has two names in extended headers; make the archive again"))
            }
        }
    }

    fn pax(&mut self, size: u64) -> Result<(), Error> {
        let records = self.extension(size)?;
        for (key, value) in pax_records(&records)? {
            match key {
                "path" => self.rename(value.to_vec())?,
                "size" => self.pending.size = Some(number(value)?),
                key if is_sparse(key) => return Err(sparse()),
                _ => {}
            }
        }
        Ok(())
    }

    /// Holds the commit in what `git archive` makes; what would change all entries is refused.
    fn global_pax(&mut self, size: u64) -> Result<(), Error> {
        let records = self.extension(size)?;
        for (key, _) in pax_records(&records)? {
            if matches!(key, "path" | "size" | "linkpath") || is_sparse(key) {
                return Err(Error::refused(SUBJECT, format!("sets the {key} of all entries; make it again without")));
            }
        }
        Ok(())
    }

    fn extension(&mut self, size: u64) -> Result<Vec<u8>, Error> {
        self.assembly.listed(SUBJECT)?;
        if size > EXTENSION_BYTES_MAX {
            let (size, max) = (ByteSize(size), ByteSize(EXTENSION_BYTES_MAX));
            return Err(Error::too_large(SUBJECT, format!("has an extended header of {size}; the maximum is {max}")));
        }
        self.assembly.announced(SUBJECT, size)?;
        self.content(SUBJECT, size)
    }

    /// Reads what is left, so that the gzip stream is checked to its end.
    fn end(mut self) -> Result<(), Error> {
        if self.pending.name.is_some() || self.pending.size.is_some() {
            return Err(Error::damaged(SUBJECT, "ends after an extended header; send it again"));
        }
        self.padding()?;
        let mut archive = self.tar.inner.into_inner();
        if archive.fill_buf().map_err(Error::io("read", SUBJECT))?.is_empty() {
            return Ok(());
        }
        Err(Error::refused(SUBJECT, "goes on after the end of the gzip stream; make it again as one"))
    }

    /// Zeros up to the end, as programs write them that fill a tape's block.
    fn padding(&mut self) -> Result<(), Error> {
        let mut padding = Vec::new();
        self.tar.by_ref().take(PADDING_BYTES_MAX + 1).read_to_end(&mut padding).map_err(Error::decoding(SUBJECT))?;
        if padding.iter().any(|byte| *byte != 0) {
            return Err(Error::refused(SUBJECT, "goes on after the end of the tar; make it again as one"));
        }
        if padding.len() as u64 > PADDING_BYTES_MAX {
            let max = ByteSize(PADDING_BYTES_MAX);
            return Err(Error::too_large(SUBJECT, format!("has more than {max} of zeros at its end; make it again")));
        }
        Ok(())
    }
}

/// What every reader makes the same number of: octal digits, or a binary number of 64 bits where those do not suffice.
fn size(header: &Header) -> Option<u64> {
    let field = header.as_old().size;
    let is_octal = field.iter().all(|byte| matches!(byte, b'0'..=b'7' | b' ' | 0));
    let is_binary = field.starts_with(&[0x80, 0, 0, 0]);
    (is_octal || is_binary).then(|| header.entry_size().ok()).flatten()
}

/// `tar -C folder .` puts it before every name.
fn without_dot(name: &[u8]) -> &[u8] {
    name.strip_prefix(b"./").unwrap_or(name)
}

fn described(kind: EntryType) -> &'static str {
    match kind {
        EntryType::Symlink => "a symbolic link; put the file itself there",
        EntryType::Link => "a hard link; put the file itself there",
        EntryType::GNULongLink => "the target of a link; put the file itself there",
        EntryType::Char | EntryType::Block => "a device; leave it out",
        EntryType::Fifo => "a named pipe; leave it out",
        EntryType::GNUSparse => "a sparse file; make the archive without `--sparse`",
        _ => "neither a file nor a folder; leave it out",
    }
}

fn is_sparse(key: &str) -> bool {
    key.starts_with("GNU.sparse.")
}

fn sparse() -> Error {
    Error::refused(SUBJECT, "has a sparse file; make the archive without `--sparse`")
}

/// Keys and values. By their lengths, because values may hold line breaks: macOS writes attributes as they are.
fn pax_records(mut records: &[u8]) -> Result<Vec<(&str, &[u8])>, Error> {
    let mut read = Vec::new();
    while !records.is_empty() {
        let record = split_record(&mut records)
            .ok_or_else(|| Error::damaged(SUBJECT, "has an extended header that cannot be read; make it again"))?;
        read.push(record);
    }
    Ok(read)
}

/// Takes off `LENGTH KEY=VALUE` and a line break; the length is in decimal, and of all of it.
fn split_record<'a>(records: &mut &'a [u8]) -> Option<(&'a str, &'a [u8])> {
    let digits = records.iter().position(|byte| *byte == b' ')?;
    let length: usize = decimal(&records[..digits])?;
    let (record, rest) = records.split_at_checked(length)?;
    let pair = record.get(digits + 1..)?.strip_suffix(b"\n")?;
    let equals = pair.iter().position(|byte| *byte == b'=')?;
    *records = rest;
    Some((str::from_utf8(&pair[..equals]).ok()?, &pair[equals + 1..]))
}

/// Without the signs that `parse` takes.
fn decimal<N: FromStr>(text: &[u8]) -> Option<N> {
    let text = str::from_utf8(text).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    text.parse().ok()
}

fn number(value: &[u8]) -> Result<u64, Error> {
    let reason = "has an extended header whose size is no number; make it again";
    decimal(value).ok_or_else(|| Error::damaged(SUBJECT, reason))
}

/// What comes out of the gzip stream, as long as it is in proportion to what went in.
struct Inflating<R> {
    inner: GzDecoder<Consumed<R>>,
    given: u64,
    limits: SourceLimits,
}

impl<R: BufRead> Read for Inflating<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(into)?;
        self.given += read as u64;
        if self.given <= self.limits.expansion_max(self.inner.get_ref().bytes) {
            return Ok(read);
        }
        let reason =
            format!("expands to more than {} times its size; leave out what is empty", self.limits.expansion_ratio_max);
        Err(Error::too_large(SUBJECT, reason).into())
    }
}

pub(super) fn pack(tree: &SourceTree) -> Vec<u8> {
    let gzip = GzBuilder::new().mtime(0).operating_system(255).write(Vec::new(), Compression::default());
    let mut tar = tar::Builder::new(gzip);
    let packed = tree.iter().try_for_each(|(path, content)| {
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::Regular);
        header.set_mode(0o644);
        header.set_size(content.len() as u64);
        tar.append_data(&mut header, path.as_str(), content.as_ref())
    });
    let finished = packed.and_then(|()| tar.into_inner()).and_then(|gzip| gzip.finish());
    finished.expect("a vector takes everything, and a path of a tree fits into a tar")
}

#[cfg(test)]
pub(super) mod tests;
