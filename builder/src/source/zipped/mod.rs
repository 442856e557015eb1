//! Zips, strictly: every byte of the archive belongs to exactly one entry or to the directory, and whatever is said twice is
//! said alike.
//!
//! A zip names its entries in a directory at its end and again before each content, and readers differ in which they believe,
//! in where they look for the end, and in what they do about gaps and overlaps. What one shows to a reviewer and another
//! runs has been an attack more than once; libraries that read leniently cannot rule it out, so the records are read here
//! ([`records`]) and only DEFLATE is left to one. What common programs write passes: stored or deflated entries, with sizes
//! before or after the content, and a comment. Names are UTF-8, whether or not the flag for it is set: macOS does not set it.
//!
//! Not read: encryption, other compressions, archives of several parts, zip64 (for those above 4 GiB).

mod records;

#[cfg(test)]
pub(super) mod tests;

use std::io::Read;
use std::ops::Range;

use flate2::Crc;
use flate2::bufread::DeflateDecoder;

use super::archive::SUBJECT;
use super::assembly::{Assembly, read_exactly};
use super::error::Named;
use super::skipped::is_skipped;
use super::{Error, RelativePath};
use records::{CentralEntry, Directory, LocalHeader};

const STORED: u16 = 0;
const DEFLATED: u16 = 8;

/// Reads a whole archive. What the directory announces of an entry is held against the limits before it is inflated, and
/// inflating ends where that is reached.
pub(super) fn read(archive: &[u8], assembly: &mut Assembly<'_>) -> Result<(), Error> {
    let directory = Directory::find(archive)?;
    let mut entries = Vec::new();
    for entry in directory.entries() {
        let entry = entry?;
        assembly.listed(subject(&entry))?;
        acceptable(&entry)?;
        entries.push(entry);
    }
    proportionate(archive, &entries, assembly)?;
    let contents = contents(archive, &directory, &mut entries)?;
    entries.iter().zip(contents).try_for_each(|(entry, content)| take(entry, &archive[content], assembly))
}

fn subject<'a>(entry: &CentralEntry<'a>) -> Named<'a> {
    Named { kind: "archive entry", name: entry.name }
}

/// What an entry may be, by what the directory says of it.
fn acceptable(entry: &CentralEntry<'_>) -> Result<(), Error> {
    let refused = |reason: &str| Err(Error::refused(subject(entry), reason));
    if entry.is_encrypted() {
        return refused("is encrypted; make the archive without a password");
    }
    match entry.unix_kind() {
        0 | 0o100_000 | 0o040_000 => {}
        0o120_000 => return refused("is a symbolic link; put the file itself there"),
        0o060_000 | 0o020_000 => return refused("is a device; leave it out"),
        0o010_000 => return refused("is a named pipe; leave it out"),
        0o140_000 => return refused("is a socket; leave it out"),
        _ => return refused("is neither a file nor a folder; leave it out"),
    }
    if !matches!(entry.method, STORED | DEFLATED) {
        let reason = format!("is compressed with method {}; use DEFLATE, or none", entry.method);
        return Err(Error::refused(subject(entry), reason));
    }
    if entry.uses_zip64() {
        return refused("uses zip64, for archives above 4 GiB; make the archive without it");
    }
    if entry.unicode_name()?.is_some_and(|name| name != entry.name) {
        return refused("has another name in an extra field; make the archive with UTF-8 names");
    }
    Ok(())
}

fn proportionate(archive: &[u8], entries: &[CentralEntry<'_>], assembly: &Assembly<'_>) -> Result<(), Error> {
    let limits = assembly.limits();
    let expanded: u64 = entries.iter().map(|entry| u64::from(entry.size)).sum();
    if expanded <= limits.expansion_max(archive.len() as u64) || expanded > limits.expanded_bytes_max {
        return Ok(());
    }
    let reason = format!("expands to more than {} times its size; leave out what is empty", limits.expansion_ratio_max);
    Err(Error::too_large(SUBJECT, reason))
}

/// Where the contents lie, with `entries` sorted by it. Local entries must follow each other from the first byte to the
/// directory, so that none hides between them and no two share bytes.
fn contents(
    archive: &[u8],
    directory: &Directory<'_>,
    entries: &mut [CentralEntry<'_>],
) -> Result<Vec<Range<usize>>, Error> {
    entries.sort_by_key(|entry| entry.offset);
    let mut contents = Vec::new();
    let mut end = 0;
    for entry in entries.iter() {
        if entry.offset != end {
            let how = if entry.offset < end {
                "overlaps with another entry"
            } else {
                "comes after bytes that belong to no entry"
            };
            return Err(Error::refused(subject(entry), format!("{how}; make the archive again")));
        }
        let local = LocalHeader::read(archive, entry)?;
        end = local.end;
        contents.push(local.content);
    }
    if end == directory.start {
        return Ok(contents);
    }
    Err(Error::refused(SUBJECT, "has bytes before its directory that belong to no entry; make it again"))
}

fn take(entry: &CentralEntry<'_>, content: &[u8], assembly: &mut Assembly<'_>) -> Result<(), Error> {
    let subject = subject(entry);
    if let Some(name) = entry.name.strip_suffix(b"/") {
        if entry.size != 0 {
            return Err(Error::damaged(subject, "is a folder with content; make the archive again"));
        }
        let path = RelativePath::checked(Named { name, ..subject })?;
        return assembly.folder(subject, &path);
    }
    if entry.unix_kind() == 0o040_000 {
        return Err(Error::refused(subject, "is a folder whose name does not end in a slash; make the archive again"));
    }
    let path = RelativePath::checked(subject)?;
    if is_skipped(&path) {
        assembly.announced(subject, u64::from(entry.size))?;
        return expand(entry, content).map(drop);
    }
    assembly.file(subject, &path, u64::from(entry.size))?;
    assembly.keep(path, expand(entry, content)?);
    Ok(())
}

/// The content, which must be exactly as long as the directory says and have its checksum.
fn expand(entry: &CentralEntry<'_>, content: &[u8]) -> Result<Vec<u8>, Error> {
    let expanded = if entry.method == STORED { content.to_vec() } else { inflate(entry, content)? };
    let mut crc = Crc::new();
    crc.update(&expanded);
    if expanded.len() as u64 != u64::from(entry.size) {
        return Err(Error::damaged(subject(entry), "has another size than the directory says; send it again"));
    }
    if crc.sum() != entry.crc {
        return Err(Error::damaged(subject(entry), "has a wrong checksum; send it again"));
    }
    Ok(expanded)
}

fn inflate(entry: &CentralEntry<'_>, content: &[u8]) -> Result<Vec<u8>, Error> {
    let mut decoder = DeflateDecoder::new(content);
    let expanded = read_exactly(&mut decoder, u64::from(entry.size)).map_err(Error::decoding(subject(entry)))?;
    let more = decoder.read(&mut [0]).map_err(Error::decoding(subject(entry)))?;
    if more != 0 || !decoder.into_inner().is_empty() {
        return Err(Error::damaged(subject(entry), "goes on after the size that the directory says; send it again"));
    }
    Ok(expanded)
}
