use std::io::Write;

use flate2::Compression;
use flate2::write::DeflateEncoder;

use super::*;
use crate::source::tests::refusal;
use crate::source::{SourceLimits, SourceTree};

/// One entry as both of its headers say, with room to say different things.
#[derive(Clone)]
struct Raw {
    central: Header,
    local: Header,
    content: Vec<u8>,
    descriptor: Vec<u8>,
    attributes: u32,
    /// Where the directory says that it lies, if not where it does.
    offset: Option<u32>,
}

#[derive(Clone)]
struct Header {
    name: Vec<u8>,
    flags: u16,
    method: u16,
    crc: u32,
    compressed: u32,
    size: u32,
    extra: Vec<u8>,
}

const DESCRIPTOR: u16 = 1 << 3;

impl Raw {
    fn stored(name: &[u8], content: &[u8]) -> Self {
        Self::new(name, STORED, content, content.into())
    }

    fn deflated(name: &[u8], content: &[u8]) -> Self {
        let mut deflate = DeflateEncoder::new(Vec::new(), Compression::best());
        deflate.write_all(content).unwrap();
        Self::new(name, DEFLATED, content, deflate.finish().unwrap())
    }

    fn new(name: &[u8], method: u16, content: &[u8], packed: Vec<u8>) -> Self {
        let mut crc = Crc::new();
        crc.update(content);
        let (compressed, size) = (packed.len() as u32, content.len() as u32);
        let header = Header { name: name.into(), flags: 0, method, crc: crc.sum(), compressed, size, extra: vec![] };
        Self {
            central: header.clone(),
            local: header,
            content: packed,
            descriptor: vec![],
            attributes: 0o100_644 << 16,
            offset: None,
        }
    }

    /// As programs write that do not know the size when they begin.
    fn with_descriptor(mut self, has_magic: bool) -> Self {
        for number in [0x0807_4b50, self.central.crc, self.central.compressed, self.central.size]
            .iter()
            .skip(usize::from(!has_magic))
        {
            self.descriptor.extend(u32::to_le_bytes(*number));
        }
        (self.central.flags, self.local.flags) = (DESCRIPTOR, DESCRIPTOR);
        (self.local.crc, self.local.compressed, self.local.size) = (0, 0, 0);
        self
    }

    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    fn both(mut self, change: impl Fn(&mut Header)) -> Self {
        change(&mut self.central);
        change(&mut self.local);
        self
    }
}

fn file(name: &str) -> Raw {
    Raw::stored(name.as_bytes(), b"x")
}

fn push(bytes: &mut Vec<u8>, shorts: &[u16], longs: &[u32]) {
    shorts.iter().for_each(|number| bytes.extend(number.to_le_bytes()));
    longs.iter().for_each(|number| bytes.extend(number.to_le_bytes()));
}

fn lengths(header: &Header) -> [u16; 2] {
    [header.name.len() as u16, header.extra.len() as u16]
}

/// Local entries, directory, end record.
fn parts(entries: &[Raw]) -> [Vec<u8>; 3] {
    let [mut locals, mut directory, mut end] = [const { Vec::new() }; 3];
    for Raw { central, local, content, descriptor, attributes, offset } in entries {
        let offset = offset.unwrap_or(locals.len() as u32);
        locals.extend(b"PK\x03\x04");
        push(&mut locals, &[20, local.flags, local.method, 0, 0], &[local.crc, local.compressed, local.size]);
        push(&mut locals, &lengths(local), &[]);
        [&local.name, &local.extra, content, descriptor].iter().for_each(|part| locals.extend(*part));
        directory.extend(b"PK\x01\x02");
        push(
            &mut directory,
            &[0x0314, 20, central.flags, central.method, 0, 0],
            &[central.crc, central.compressed, central.size],
        );
        push(&mut directory, &lengths(central), &[]);
        push(&mut directory, &[0, 0, 0], &[*attributes, offset]);
        [&central.name, &central.extra].iter().for_each(|part| directory.extend(*part));
    }
    let entries = entries.len() as u16;
    end.extend(b"PK\x05\x06");
    push(&mut end, &[0, 0, entries, entries], &[directory.len() as u32, locals.len() as u32]);
    push(&mut end, &[0], &[]);
    [locals, directory, end]
}

fn archive(entries: &[Raw]) -> Vec<u8> {
    parts(entries).concat()
}

/// A tree as a zip.
pub(in crate::source) fn pack(tree: &SourceTree, is_deflated: bool) -> Vec<u8> {
    let pack = if is_deflated { Raw::deflated } else { Raw::stored };
    archive(&tree.iter().map(|(path, content)| pack(path.as_str().as_bytes(), content)).collect::<Vec<_>>())
}

fn accepted(archive: &[u8]) -> SourceTree {
    SourceTree::from_archive(archive, &SourceLimits::default()).unwrap()
}

/// Info-ZIP's extra field with another name, for a CRC that nobody looks at.
fn unicode_path(name: &[u8]) -> Vec<u8> {
    let mut extra = vec![0x75, 0x70];
    extra.extend((name.len() as u16 + 5).to_le_bytes());
    extra.extend([1, 0, 0, 0, 0]);
    extra.extend(name);
    extra
}

#[test]
fn hostile_entries_are_refused_by_name() {
    let kind = |kind: u32| file("e").with(|entry| entry.attributes = kind << 16);
    let cases = [
        (
            vec![file("../etc/passwd")],
            r#"archive entry "../etc/passwd": leads out of the function's folder; use paths below it"#,
        ),
        (
            vec![file("/etc/passwd")],
            r#"archive entry "/etc/passwd": is an absolute path; use paths below the function's folder"#,
        ),
        (
            vec![file("a\\..\\b")],
            r#"archive entry "a\\..\\b": holds '\\', which not every system can write; rename it"#,
        ),
        (vec![file("a/../b")], r#"archive entry "a/../b": leads out of the function's folder; use paths below it"#),
        (
            vec![Raw::stored(b"a/../", b"")],
            r#"archive entry "a/..": leads out of the function's folder; use paths below it"#,
        ),
        (vec![file("a\0.py")], r#"archive entry "a\0.py": holds '\0', which not every system can write; rename it"#),
        (
            vec![Raw::stored(b"\xff", b"")],
            "archive entry \"\u{fffd}\": is not UTF-8; rename it, or make the archive with UTF-8 names",
        ),
        (vec![kind(0o120_777)], r#"archive entry "e": is a symbolic link; put the file itself there"#),
        (vec![kind(0o020_644)], r#"archive entry "e": is a device; leave it out"#),
        (vec![kind(0o060_644)], r#"archive entry "e": is a device; leave it out"#),
        (vec![kind(0o010_644)], r#"archive entry "e": is a named pipe; leave it out"#),
        (vec![kind(0o140_644)], r#"archive entry "e": is a socket; leave it out"#),
        (vec![kind(0o170_644)], r#"archive entry "e": is neither a file nor a folder; leave it out"#),
        (
            vec![kind(0o040_755)],
            r#"archive entry "e": is a folder whose name does not end in a slash; make the archive again"#,
        ),
        (vec![file("a/")], r#"archive entry "a/": is a folder with content; make the archive again"#),
        (vec![file("a"), file("a")], r#"archive entry "a": comes twice; keep one of them"#),
        (
            vec![file("A.py"), file("a.py")],
            r#"archive entry "a.py": "a.py" and "A.py" differ only in case; rename one of them"#,
        ),
        (
            vec![file("a"), file("a/b")],
            r#"archive entry "a/b": needs "a" to be a file and a folder; rename one of them"#,
        ),
        (
            vec![file("e").both(|header| header.flags = 1)],
            r#"archive entry "e": is encrypted; make the archive without a password"#,
        ),
        (
            vec![file("e").both(|header| header.flags = 1 << 6)],
            r#"archive entry "e": is encrypted; make the archive without a password"#,
        ),
        (
            vec![file("e").both(|header| header.flags = 1 << 13)],
            r#"archive entry "e": is encrypted; make the archive without a password"#,
        ),
        (
            vec![file("e").both(|header| header.method = 99)],
            r#"archive entry "e": is compressed with method 99; use DEFLATE, or none"#,
        ),
        (
            vec![file("e").both(|header| header.method = 9)],
            r#"archive entry "e": is compressed with method 9; use DEFLATE, or none"#,
        ),
        (
            vec![file("e").both(|header| header.size = u32::MAX)],
            r#"archive entry "e": uses zip64, for archives above 4 GiB; make the archive without it"#,
        ),
        (
            vec![file("e").with(|entry| entry.central.extra = unicode_path(b"evil"))],
            r#"archive entry "e": has another name in an extra field; make the archive with UTF-8 names"#,
        ),
        (
            vec![file("e").with(|entry| entry.central.extra = vec![1, 0, 9, 9])],
            r#"archive entry "e": has an extra field that is cut off; send it again"#,
        ),
        (vec![file("__MACOSX/a"), file(".DS_Store")], "archive: holds no files; a function is made of at least one"),
        (vec![], "archive: holds no files; a function is made of at least one"),
    ];
    for (entries, message) in cases {
        assert_eq!(refusal(&archive(&entries)), message);
    }
}

#[test]
fn what_is_said_twice_must_be_said_alike() {
    let differs = |what: &str| {
        format!(r#"archive entry "e": has {what} that differs from the directory; make the archive again"#)
    };
    let cases = [
        (file("e").with(|entry| entry.local.name = b"f".into()), differs("a name")),
        (file("e").with(|entry| entry.local.name = b"ee".into()), differs("a name")),
        (file("e").with(|entry| entry.local.extra = unicode_path(b"evil")), differs("a name in an extra field")),
        (file("e").with(|entry| entry.local.method = DEFLATED), differs("a method or a flag")),
        (file("e").with(|entry| entry.local.flags = 1), differs("a method or a flag")),
        (file("e").with(|entry| entry.local.crc = 0), differs("a size or a checksum")),
        (file("e").with(|entry| entry.local.size = 2), differs("a size or a checksum")),
        (file("e").with(|entry| entry.local.compressed = 0), differs("a size or a checksum")),
        (file("e").with_descriptor(true).with(|entry| entry.descriptor[5] ^= 1), differs("a descriptor")),
        (file("e").with_descriptor(false).with(|entry| entry.descriptor.truncate(11)), differs("a descriptor")),
    ];
    for (entry, message) in cases {
        assert_eq!(refusal(&archive(&[entry])), message);
    }
}

#[test]
fn every_byte_belongs_to_one_entry() {
    let overlapping = [file("a"), file("b").with(|entry| entry.offset = Some(0))];
    let hidden = [file("a"), file("b").with(|entry| entry.descriptor = b"hidden".into()), file("c")];
    let hidden_last = [file("a").with(|entry| entry.descriptor = b"hidden".into())];
    let beyond = [file("a").with(|entry| entry.offset = Some(1 << 20))];
    let cases = [
        (archive(&overlapping), r#"archive entry "b": overlaps with another entry; make the archive again"#),
        (archive(&hidden), r#"archive entry "c": comes after bytes that belong to no entry; make the archive again"#),
        (archive(&hidden_last), "archive: has bytes before its directory that belong to no entry; make it again"),
        (archive(&beyond), r#"archive entry "a": comes after bytes that belong to no entry; make the archive again"#),
    ];
    for (archive, message) in cases {
        assert_eq!(refusal(&archive), message);
    }
}

#[test]
fn the_end_is_where_every_reader_finds_it() {
    let [locals, directory, end] = parts(&[file("a")]);
    let whole = [&locals[..], &directory, &end].concat();
    let changed = |at: usize, byte: u8| {
        let mut end = end.clone();
        end[at] = byte;
        [&locals[..], &directory, &end].concat()
    };
    let mut ends = end.clone();
    ends[20] = 22;
    let cases = [
        ([&whole[..], b"garbage"].concat(), "archive: has no directory at its end; send it again"),
        (whole[..whole.len() - 1].into(), "archive: has no directory at its end; send it again"),
        (locals.clone(), "archive: has no directory at its end; send it again"),
        ([&locals[..], &directory, &ends, &end].concat(), "archive: has two ends; make it again without a comment"),
        (
            [&locals[..], &directory, b"gap", &end].concat(),
            "archive: has a directory that does not reach from its entries to its end; make it again",
        ),
        (changed(16, 0), "archive: has a directory that does not reach from its entries to its end; make it again"),
        (changed(4, 1), "archive: is one of several parts; make it again as one"),
        (changed(8, 2), "archive: is one of several parts; make it again as one"),
        (
            [&locals[..], &directory, b"PK\x05\x06\0\0\0\0\xff\xff\xff\xff", &end[12..]].concat(),
            "archive: uses zip64, for archives above 4 GiB; make it again without",
        ),
        (
            [&locals[..], &directory, b"PK\x05\x06\0\0\0\0\x02\0\x02\0", &end[12..]].concat(),
            "archive: has a directory with more or fewer entries than it says; send it again",
        ),
        (
            [&locals[..], &directory, b"PK\x05\x06\0\0\0\0\0\0\0\0", &end[12..]].concat(),
            "archive: has a directory with more or fewer entries than it says; send it again",
        ),
    ];
    for (archive, message) in cases {
        assert_eq!(refusal(&archive), message);
    }
}

#[test]
fn zip64_is_refused_by_name() {
    let [locals, directory, end] = parts(&[file("a")]);
    let zip64 = [&b"PK\x06\x06"[..], &[0; 52], b"PK\x06\x07", &[0; 16]].concat();
    let message = "archive: uses zip64, for archives above 4 GiB; make it again without";
    assert_eq!(refusal(&[locals, directory, zip64, end].concat()), message);
}

#[test]
fn damage_is_noticed() {
    let text = b"text ".repeat(100);
    let with_size = |size| Raw::deflated(b"e", &text).both(|header| header.size = size);
    let cases = [
        (file("e").with(|entry| entry.content[0] ^= 1), r#"archive entry "e": has a wrong checksum; send it again"#),
        (
            file("e").both(|header| header.size = 2),
            r#"archive entry "e": has another size than the directory says; send it again"#,
        ),
        (with_size(499), r#"archive entry "e": goes on after the size that the directory says; send it again"#),
        (with_size(501), r#"archive entry "e": ends too early; send it again"#),
        (Raw::new(b"e", DEFLATED, b"x", vec![0xff; 9]), r#"archive entry "e": corrupt deflate stream; send it again"#),
        (Raw::new(b"e", DEFLATED, b"x", vec![]), r#"archive entry "e": ends too early; send it again"#),
    ];
    for (entry, message) in cases {
        assert_eq!(refusal(&archive(&[entry])), message);
    }
}

#[test]
fn what_archivers_write_is_read() {
    let folder = |name| Raw::stored(name, b"").with(|entry| entry.attributes = 0o040_755 << 16 | 0x10);
    let entries = [
        folder(b"a/"),
        Raw::deflated(b"a/b", &b"text ".repeat(100)),
        Raw::deflated(b"c", b"c").with_descriptor(true),
        Raw::stored(b"d", b"d").with_descriptor(false),
        Raw::stored("é".as_bytes(), b"e").both(|header| header.flags = 1 << 11),
        file("f").with(|entry| entry.attributes = 0x20),
        file("g").with(|entry| entry.central.extra = [unicode_path(b"g"), vec![0, 0]].concat()),
        file("__MACOSX/a/._b"),
        folder(b"empty/"),
    ];
    let [locals, directory, mut end] = parts(&entries);
    end[20] = 7;
    end.extend(b"comment");
    let tree = accepted(&[locals, directory, end].concat());
    assert_eq!(tree.iter().map(|(path, _)| path.as_str()).collect::<Vec<_>>(), ["a/b", "c", "d", "f", "g", "é"]);
    assert_eq!(&tree.get("a/b").unwrap()[..], b"text ".repeat(100));
}

#[test]
fn the_order_of_the_directory_does_not_matter() {
    let [locals, directory, end] = parts(&[file("a"), file("b")]);
    let (one, other) = directory.split_at(directory.len() / 2);
    let turned = [&locals[..], other, one, &end].concat();
    assert_eq!(accepted(&turned), accepted(&archive(&[file("a"), file("b")])));
}

/// The bombs of <https://www.bamsoftware.com/hacks/zipbomb/>: many directory entries for one content.
#[test]
fn overlapping_bombs_are_refused_before_anything_is_inflated() {
    let kernel = Raw::deflated(b"0", &b"text ".repeat(400));
    let mut entries = vec![kernel.clone()];
    entries.extend((1..500).map(|number: u32| {
        kernel.clone().with(|entry| {
            entry.offset = Some(0);
            entry.central.name = number.to_string().into();
        })
    }));
    assert_eq!(
        refusal(&archive(&entries)),
        r#"archive entry "1": overlaps with another entry; make the archive again"#
    );
}

#[test]
fn bombs_are_refused_by_what_they_announce() {
    let limits = SourceLimits::default();
    let zeros = archive(&[Raw::deflated(b"zeros", &vec![0; 30 << 20])]);
    let lie = archive(&[Raw::deflated(b"lie", &vec![0; 30 << 20]).both(|header| header.size = 1 << 20)]);
    let huge = archive(&[file("huge").both(|header| header.size = u32::MAX - 1)]);
    for (archive, message, announced) in [
        (zeros, "archive: expands to more than 200 times its size; leave out what is empty", 0),
        (lie, r#"archive entry "lie": goes on after the size that the directory says; send it again"#, 1 << 20),
        (huge, r#"archive entry "huge": 4.0 GiB is more than the maximum of 32 MiB for one file"#, 0),
    ] {
        let mut assembly = Assembly::new(&limits);
        assert_eq!(read(&archive, &mut assembly).unwrap_err().to_string(), message);
        assert_eq!(assembly.announced_bytes(), announced, "{message}");
    }
}

#[test]
fn more_entries_than_the_limit_are_too_many() {
    let limits = SourceLimits { entries_max: 2, ..SourceLimits::default() };
    let error = SourceTree::from_archive(&archive(&[file("a"), file("b"), file("c")])[..], &limits).unwrap_err();
    assert_eq!(
        error.to_string(),
        r#"archive entry "c": there are more than 2 files and folders; leave out what is not needed"#
    );
}
