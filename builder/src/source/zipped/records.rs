//! The records of a zip, as of <https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT>: numbers are little-endian.

use std::ops::Range;

use super::super::Error;
use super::super::archive::SUBJECT;
use super::subject;

/// The directory, between the last entry and the end record.
pub(super) struct Directory<'a> {
    /// Its first byte in the archive.
    pub(super) start: usize,
    bytes: &'a [u8],
    entries: u16,
}

/// The end record without its comment.
const END_BYTES: usize = 22;
const END_MAGIC: &[u8] = b"PK\x05\x06";

/// Lies before the end record, and points to a larger one.
const ZIP64_LOCATOR_BYTES: usize = 20;
const ZIP64_LOCATOR_MAGIC: &[u8] = b"PK\x06\x07";

impl<'a> Directory<'a> {
    /// Takes the only end record whose comment reaches to the end of the archive, and whose directory reaches to it.
    pub(super) fn find(archive: &'a [u8]) -> Result<Self, Error> {
        let from = archive.len().saturating_sub(END_BYTES + usize::from(u16::MAX));
        let tail = &archive[from..];
        let mut ends = (0..tail.len().saturating_sub(END_BYTES - 1)).filter(|at| is_end(&tail[*at..]));
        match (ends.next(), ends.next()) {
            (Some(end), None) => Self::at(archive, from + end),
            (None, _) => Err(Error::damaged(SUBJECT, "has no directory at its end; send it again")),
            _ => Err(Error::refused(SUBJECT, "has two ends; make it again without a comment")),
        }
    }

    fn at(archive: &'a [u8], end: usize) -> Result<Self, Error> {
        let mut fields = Fields(&archive[end + END_MAGIC.len()..]);
        let (disk, directory_disk) = (fields.u16(), fields.u16());
        let (entries_here, entries) = (fields.u16(), fields.u16());
        let (bytes, start) = (fields.u32(), fields.u32());
        let is_zip64 =
            end.checked_sub(ZIP64_LOCATOR_BYTES).is_some_and(|at| archive[at..].starts_with(ZIP64_LOCATOR_MAGIC));
        if is_zip64 || entries == u16::MAX || bytes == u32::MAX || start == u32::MAX {
            return Err(Error::refused(SUBJECT, "uses zip64, for archives above 4 GiB; make it again without"));
        }
        if disk != 0 || directory_disk != 0 || entries_here != entries {
            return Err(Error::refused(SUBJECT, "is one of several parts; make it again as one"));
        }
        let start = start as usize;
        if start.checked_add(bytes as usize) != Some(end) {
            return Err(Error::refused(
                SUBJECT,
                "has a directory that does not reach from its entries to its end; make it again",
            ));
        }
        Ok(Self { start, bytes: &archive[start..end], entries })
    }

    /// Its entries; the last item is an error if there are more or less than it says.
    pub(super) fn entries(&self) -> impl Iterator<Item = Result<CentralEntry<'a>, Error>> {
        let (mut rest, mut left) = (self.bytes, self.entries);
        let wrong =
            || Error::damaged(SUBJECT, "has a directory with more or fewer entries than it says; send it again");
        std::iter::from_fn(move || match (left.checked_sub(1), rest.is_empty()) {
            (None, true) => None,
            (Some(fewer), false) => {
                left = fewer;
                let entry = CentralEntry::split_from(&mut rest);
                if entry.is_none() {
                    (left, rest) = (0, &[]);
                }
                Some(entry.ok_or_else(wrong))
            }
            _ => {
                (left, rest) = (0, &[]);
                Some(Err(wrong()))
            }
        })
    }
}

fn is_end(bytes: &[u8]) -> bool {
    let comment_bytes = || usize::from(Fields(&bytes[END_BYTES - 2..]).u16());
    bytes.starts_with(END_MAGIC) && bytes.len() == END_BYTES + comment_bytes()
}

/// What the directory says of an entry.
pub(super) struct CentralEntry<'a> {
    pub(super) name: &'a [u8],
    pub(super) method: u16,
    pub(super) crc: u32,
    /// Of the content when it is expanded.
    pub(super) size: u32,
    /// Of the local header in the archive.
    pub(super) offset: usize,
    compressed: u32,
    flags: u16,
    attributes: u32,
    disk: u16,
    extra: &'a [u8],
}

impl<'a> CentralEntry<'a> {
    const MAGIC: &'static [u8] = b"PK\x01\x02";
    const BYTES: usize = 46;

    fn split_from(rest: &mut &'a [u8]) -> Option<Self> {
        let (fixed, after) = rest.split_at_checked(Self::BYTES)?;
        let mut fields = Fields(fixed.strip_prefix(Self::MAGIC)?);
        let [_made_by, _needed, flags, method, _time, _date] = std::array::from_fn(|_| fields.u16());
        let [crc, compressed, size] = std::array::from_fn(|_| fields.u32());
        let [name, extra, comment, disk, _internal] = std::array::from_fn(|_| fields.u16());
        let [attributes, offset] = std::array::from_fn(|_| fields.u32());
        let (name, after) = after.split_at_checked(name.into())?;
        let (extra, after) = after.split_at_checked(extra.into())?;
        let (_, after) = after.split_at_checked(comment.into())?;
        *rest = after;
        Some(Self { name, method, crc, size, offset: offset as usize, compressed, flags, attributes, disk, extra })
    }

    /// Plainly, strongly, or with its directory masked.
    pub(super) fn is_encrypted(&self) -> bool {
        self.flags & (1 | 1 << 6 | 1 << 13) != 0
    }

    /// The kind of file as in `st_mode`; 0 where the archive was not made on Unix.
    pub(super) fn unix_kind(&self) -> u32 {
        self.attributes >> 16 & 0o170_000
    }

    pub(super) fn uses_zip64(&self) -> bool {
        self.size == u32::MAX
            || self.compressed == u32::MAX
            || self.offset == u32::MAX as usize
            || self.disk == u16::MAX
    }

    /// The name in Info-ZIP's "Unicode path" extra field, which some readers prefer.
    pub(super) fn unicode_name(&self) -> Result<Option<&'a [u8]>, Error> {
        unicode_name(self.extra)
            .ok_or_else(|| Error::damaged(subject(self), "has an extra field that is cut off; send it again"))
    }

    /// Sizes and checksum come after the content.
    fn has_descriptor(&self) -> bool {
        self.flags & 1 << 3 != 0
    }
}

/// The outer `None` stands for fields that cannot be read.
fn unicode_name(mut extra: &[u8]) -> Option<Option<&[u8]>> {
    const UNICODE_PATH: u16 = 0x7075;
    while let Some((head, rest)) = extra.split_at_checked(4) {
        let mut fields = Fields(head);
        let (id, bytes) = (fields.u16(), fields.u16());
        let (value, rest) = rest.split_at_checked(bytes.into())?;
        if id == UNICODE_PATH {
            // After a version and the checksum of the name that it stands for.
            return value.get(5..).map(Some);
        }
        extra = rest;
    }
    // Some programs pad.
    extra.iter().all(|byte| *byte == 0).then_some(None)
}

/// Where an entry lies, by the header before its content.
pub(super) struct LocalHeader {
    pub(super) content: Range<usize>,
    /// After the descriptor, if there is one.
    pub(super) end: usize,
}

impl LocalHeader {
    const MAGIC: &'static [u8] = b"PK\x03\x04";
    const BYTES: usize = 30;

    /// Reads the header that `entry` points to, and compares all that both say.
    pub(super) fn read(archive: &[u8], entry: &CentralEntry<'_>) -> Result<Self, Error> {
        let cut_off = || Error::damaged(subject(entry), "does not lie where the directory says; send it again");
        let disagree = |what| {
            Error::refused(
                subject(entry),
                format!("has {what} that differs from the directory; make the archive again"),
            )
        };
        let header = archive.get(entry.offset..).and_then(|from| from.get(..Self::BYTES)).ok_or_else(cut_off)?;
        let mut fields = Fields(header.strip_prefix(Self::MAGIC).ok_or_else(cut_off)?);
        let [_needed, flags, method, _time, _date] = std::array::from_fn(|_| fields.u16());
        let [crc, compressed, size] = std::array::from_fn(|_| fields.u32());
        let [name, extra] = std::array::from_fn(|_| usize::from(fields.u16()));
        let name_at = entry.offset + Self::BYTES;
        let extra_at = name_at + name;
        if archive.get(name_at..extra_at) != Some(entry.name) {
            return Err(disagree("a name"));
        }
        let extra_bytes = archive.get(extra_at..extra_at + extra).ok_or_else(cut_off)?;
        if unicode_name(extra_bytes).ok_or_else(cut_off)?.is_some_and(|name| name != entry.name) {
            return Err(disagree("a name in an extra field"));
        }
        if (flags, method) != (entry.flags, entry.method) {
            return Err(disagree("a method or a flag"));
        }
        // With a descriptor, zeros stand for what was not yet known.
        let is_known = |local, central| local == central || entry.has_descriptor() && local == 0;
        if !is_known(crc, entry.crc) || !is_known(compressed, entry.compressed) || !is_known(size, entry.size) {
            return Err(disagree("a size or a checksum"));
        }
        let content_at = extra_at + extra;
        let content = content_at..content_at + entry.compressed as usize;
        let after = archive.get(content.end..).ok_or_else(cut_off)?;
        let descriptor =
            if entry.has_descriptor() { descriptor(after, entry).ok_or_else(|| disagree("a descriptor"))? } else { 0 };
        Ok(Self { end: content.end + descriptor, content })
    }
}

/// How long the record after the content is; `None` if it says anything else than the directory. Its magic is optional.
fn descriptor(after: &[u8], entry: &CentralEntry<'_>) -> Option<usize> {
    let mut expected = Vec::from(b"PK\x07\x08");
    for number in [entry.crc, entry.compressed, entry.size] {
        expected.extend(number.to_le_bytes());
    }
    [&expected[..], &expected[4..]].into_iter().find(|form| after.starts_with(form)).map(<[u8]>::len)
}

/// Numbers one after the other. The caller has checked that there are as many.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn u16(&mut self) -> u16 {
        u16::from_le_bytes(self.array())
    }

    fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.array())
    }

    fn array<const N: usize>(&mut self) -> [u8; N] {
        let (array, rest) = self.0.split_first_chunk().expect("records are as long as their fields");
        self.0 = rest;
        *array
    }
}
