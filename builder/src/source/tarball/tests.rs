use std::io::Cursor;

use super::*;
use crate::source::fuzzing::gzip;
use crate::source::tests::{Endless, refusal};

/// One entry as it stands in a tar, whatever it says.
struct Raw {
    header: Header,
    content: Vec<u8>,
}

fn raw(name: &[u8], kind: u8, content: &[u8]) -> Raw {
    let mut header = Header::new_gnu();
    header.as_mut_bytes()[..name.len()].copy_from_slice(name);
    header.set_entry_type(EntryType::new(kind));
    header.set_size(content.len() as u64);
    Raw { header, content: content.into() }
}

fn file(name: &str) -> Raw {
    raw(name.as_bytes(), b'0', b"x")
}

fn pax(kind: u8, key: &str, value: &str) -> Raw {
    let record = |length: usize| format!("{length} {key}={value}\n");
    let mut length = record(0).len();
    while record(length).len() != length {
        length = record(length).len();
    }
    raw(b"pax", kind, record(length).as_bytes())
}

pub(in crate::source) fn ungzip(bytes: &[u8]) -> Vec<u8> {
    let mut expanded = Vec::new();
    GzDecoder::new(bytes).read_to_end(&mut expanded).unwrap();
    expanded
}

fn blocks(entries: Vec<Raw>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for Raw { mut header, content } in entries {
        header.set_cksum();
        bytes.extend(header.as_bytes());
        bytes.extend(&content);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
    }
    bytes
}

fn tar_gz(entries: Vec<Raw>) -> Vec<u8> {
    let mut bytes = blocks(entries);
    bytes.resize(bytes.len() + 1024, 0);
    gzip(&bytes)
}

fn accepted(entries: Vec<Raw>) -> SourceTree {
    SourceTree::from_archive(&tar_gz(entries)[..], &SourceLimits::default()).unwrap()
}

#[test]
fn hostile_entries_are_refused_by_name() {
    let with_size = |mut entry: Raw, size: u64| {
        entry.header.set_size(size);
        entry
    };
    let cases: Vec<(Vec<Raw>, &str)> = vec![
        (
            vec![file("../etc/passwd")],
            r#"archive entry "../etc/passwd": leads out of the function's folder; use paths below it"#,
        ),
        (
            vec![file("a/../../b")],
            r#"archive entry "a/../../b": leads out of the function's folder; use paths below it"#,
        ),
        (vec![raw(b"../", b'5', b"")], r#"archive entry "..": leads out of the function's folder; use paths below it"#),
        (
            vec![file("/etc/passwd")],
            r#"archive entry "/etc/passwd": is an absolute path; use paths below the function's folder"#,
        ),
        (vec![file("C:\\x")], r#"archive entry "C:\\x": holds ':', which not every system can write; rename it"#),
        (
            vec![file("a\x1b[2J")],
            r#"archive entry "a\u{1b}[2J": holds '\u{1b}', which not every system can write; rename it"#,
        ),
        (
            vec![raw(b"a\xff", b'0', b"")],
            "archive entry \"a\u{fffd}\": is not UTF-8; rename it, or make the archive with UTF-8 names",
        ),
        (vec![raw(b"l", b'2', b"")], r#"archive entry "l": is a symbolic link; put the file itself there"#),
        (vec![raw(b"l", b'1', b"")], r#"archive entry "l": is a hard link; put the file itself there"#),
        (
            vec![raw(b"././@LongLink", b'K', b"target\0"), raw(b"l", b'2', b"")],
            r#"archive entry "././@LongLink": is the target of a link; put the file itself there"#,
        ),
        (vec![raw(b"d", b'3', b"")], r#"archive entry "d": is a device; leave it out"#),
        (vec![raw(b"d", b'4', b"")], r#"archive entry "d": is a device; leave it out"#),
        (vec![raw(b"p", b'6', b"")], r#"archive entry "p": is a named pipe; leave it out"#),
        (vec![raw(b"s", b'S', b"")], r#"archive entry "s": is a sparse file; make the archive without `--sparse`"#),
        (vec![raw(b"v", b'V', b"")], r#"archive entry "v": is neither a file nor a folder; leave it out"#),
        (
            vec![raw(b"__MACOSX/l", b'2', b"")],
            r#"archive entry "__MACOSX/l": is a symbolic link; put the file itself there"#,
        ),
        (vec![file("a"), file("a")], r#"archive entry "a": comes twice; keep one of them"#),
        (vec![file("a"), file("./a")], r#"archive entry "./a": comes twice; keep one of them"#),
        (
            vec![file("A.py"), file("a.py")],
            r#"archive entry "a.py": "a.py" and "A.py" differ only in case; rename one of them"#,
        ),
        (
            vec![file("a"), file("a/b")],
            r#"archive entry "a/b": needs "a" to be a file and a folder; rename one of them"#,
        ),
        (
            vec![file("a"), raw(b"a/", b'5', b"")],
            r#"archive entry "a/": needs "a" to be a file and a folder; rename one of them"#,
        ),
        (vec![raw(b"a/", b'5', b"x")], r#"archive entry "a/": is a folder with content; make the archive again"#),
        (
            vec![with_size(file("a"), 1 << 62)],
            r#"archive entry "a": 4294967296 GiB is more than the maximum of 32 MiB for one file"#,
        ),
        (
            vec![with_size(file("a"), u64::MAX)],
            r#"archive entry "a": 17179869184.0 GiB is more than the maximum of 32 MiB for one file"#,
        ),
        (
            vec![with_size(raw(b"x", b'x', b""), u64::MAX)],
            "archive: has an extended header of 17179869184.0 GiB; the maximum is 64 KiB",
        ),
        (
            vec![with_size(raw(b"x", b'L', b""), 65 << 10)],
            "archive: has an extended header of 65 KiB; the maximum is 64 KiB",
        ),
        (
            vec![with_size(raw(b".DS_Store", b'0', b""), 1 << 30)],
            r#"archive entry ".DS_Store": brings the files to more than 64 MiB; leave out what is not needed"#,
        ),
        (
            vec![pax(b'x', "path", "../x"), file("a")],
            r#"archive entry "../x": leads out of the function's folder; use paths below it"#,
        ),
        (
            vec![pax(b'x', "size", "2048"), file("a")],
            r#"archive entry "a": has two sizes, in its header and beside it; make the archive again"#,
        ),
        (
            vec![pax(b'x', "size", "2048"), raw(b"L", b'L', b"long\0"), file("a")],
            r#"archive entry "long": has two sizes, in its header and beside it; make the archive again"#,
        ),
        (
            vec![pax(b'x', "size", "-1"), file("a")],
            "archive: has an extended header whose size is no number; make it again",
        ),
        (
            vec![pax(b'x', "path", "b"), raw(b"L", b'L', b"c\0"), file("a")],
            r#"archive entry "b": has two names in extended headers; make the archive again"#,
        ),
        (
            vec![raw(b"L", b'L', b"c\0d"), file("a")],
            r#"archive entry "c\0d": holds '\0', which not every system can write; rename it"#,
        ),
        (
            vec![pax(b'x', "GNU.sparse.major", "1"), file("a")],
            "archive: has a sparse file; make the archive without `--sparse`",
        ),
        (vec![pax(b'g', "path", "b"), file("a")], "archive: sets the path of all entries; make it again without"),
        (
            vec![raw(b"x", b'x', b"99 a=b\n"), file("a")],
            "archive: has an extended header that cannot be read; make it again",
        ),
        (vec![file("a"), raw(b"L", b'L', b"c")], "archive: ends after an extended header; send it again"),
        (vec![raw(b"", b'0', b"x")], r#"archive entry "": is empty; name the file"#),
        (vec![raw(b"a/", b'5', b"")], "archive: holds no files; a function is made of at least one"),
        (vec![], "archive: holds no files; a function is made of at least one"),
    ];
    for (entries, message) in cases {
        assert_eq!(refusal(&tar_gz(entries)), message);
    }
}

#[test]
fn extended_headers_hide_nothing() {
    let bad: [&[u8]; 9] = [
        b"99 a=b\n",
        b"5 a=b\n",
        b"0 a=b\n",
        b"+6 a=b\n",
        b"6 a=b\n\n10 path=x\n",
        b"\n10 path=x\n",
        b"6 a=b\n10 path=x",
        b"6 a=b\n\0",
        b"4 ab\n",
    ];
    for records in bad {
        let archive = tar_gz(vec![raw(b"x", b'x', records), file("a")]);
        assert_eq!(refusal(&archive), "archive: has an extended header that cannot be read; make it again");
    }
    let good: [&[u8]; 3] = [b"", b"6 a=b\n", b"17 SCHILY.x=\n\n\xff\n\n10 path=x\n"];
    for (records, name) in good.into_iter().zip(["a", "a", "x"]) {
        assert!(accepted(vec![raw(b"x", b'x', records), file("a")]).get(name).is_some());
    }
}

#[test]
fn damage_is_noticed() {
    let whole = tar_gz(vec![file("a")]);
    let mut wrong_crc = whole.clone();
    let crc = wrong_crc.len() - 8;
    wrong_crc[crc] ^= 1;
    let mut wrong_header = blocks(vec![file("a")]);
    wrong_header[0] = b'b';
    let cases = [
        (wrong_crc, "archive: corrupt gzip stream does not have a matching checksum; send it again"),
        (whole[..whole.len() - 1].into(), "archive: ends too early; send it again"),
        (whole[..whole.len() / 2].into(), "archive: ends too early; send it again"),
        (whole[..5].into(), "archive: ends too early; send it again"),
        (gzip(&blocks(vec![file("a")])), "archive: ends too early; send it again"),
        (gzip(&blocks(vec![file("a")])[..513]), r#"archive entry "a": ends too early; send it again"#),
        (gzip(&blocks(vec![file("a")])[..512]), r#"archive entry "a": ends too early; send it again"#),
        (gzip(b""), "archive: ends too early; send it again"),
        (gzip(&wrong_header), "archive: has a tar header whose checksum is wrong; send it again"),
        (gzip(&b"PK\x03\x04".repeat(300)), "archive: has a tar header whose checksum is wrong; send it again"),
    ];
    for (archive, message) in cases {
        let error = SourceTree::from_archive(&archive[..], &SourceLimits::default()).unwrap_err();
        assert_eq!(error.to_string(), message);
        assert!(matches!(error, Error::Damaged { .. }), "{message}");
    }
}

#[test]
fn nothing_may_follow_the_end() {
    let whole = tar_gz(vec![file("a")]);
    let mut more_files = blocks(vec![file("a")]);
    more_files.resize(more_files.len() + 1024, 0);
    more_files.extend(blocks(vec![file("b")]));
    let two_members = [&whole[..], &gzip(b"")].concat();
    let garbage = [&whole[..], b"garbage"].concat();
    assert_eq!(refusal(&gzip(&more_files)), "archive: goes on after the end of the tar; make it again as one");
    assert_eq!(refusal(&two_members), "archive: goes on after the end of the gzip stream; make it again as one");
    assert_eq!(refusal(&garbage), "archive: goes on after the end of the gzip stream; make it again as one");
}

#[test]
fn what_archivers_write_is_read() {
    let mut ustar = Header::new_ustar();
    ustar.set_path(format!("{}/{}", "p".repeat(120), "n".repeat(90))).unwrap();
    ustar.set_size(0);
    let long = "n".repeat(200);
    let tree = accepted(vec![
        pax(b'g', "comment", "0123456789abcdef"),
        raw(b"./", b'5', b""),
        raw(b"./a/", b'5', b""),
        raw(b"./a/b.py", b'0', b"b"),
        raw(b"old/", 0, b""),
        raw(b"old/c", 0, b"c"),
        raw(b"././@LongLink", b'L', format!("{long}\0").as_bytes()),
        file("short"),
        pax(b'x', "path", "pax/é"),
        file("pax"),
        pax(b'x', "mtime", "1.5"),
        file("timed"),
        Raw { header: ustar, content: vec![] },
        file("__MACOSX/._b.py"),
        file("a/._b.py"),
        file(".DS_Store"),
        file("pax_global_header"),
    ]);
    let paths: Vec<_> = tree.iter().map(|(path, _)| path.as_str().to_string()).collect();
    let joined = format!("{}/{}", "p".repeat(120), "n".repeat(90));
    assert_eq!(paths, ["a/b.py", &long, "old/c", "pax/é", &joined, "timed"]);
    assert_eq!(&tree.get("a/b.py").unwrap()[..], b"b");
}

#[test]
fn sizes_that_readers_take_for_different_numbers_are_refused() {
    for field in [
        &b"+0000000001\0"[..],
        b"00000000x01\0",
        b"0 0 1\0\0\0\0\0\0\0",
        b"\x80\0\0\x01\0\0\0\0\0\0\0\x01",
        b"\xff\xff\xff\xff\0\0\0\0\0\0\0\x01",
    ] {
        let mut entry = file("a");
        entry.header.as_old_mut().size.copy_from_slice(field);
        assert_eq!(refusal(&tar_gz(vec![entry])), "archive: has a tar header without a size; send it again");
    }
}

#[test]
fn padding_is_read_to_its_limit() {
    let with_padding = |bytes| {
        // What does not compress, so that the ratio is not what ends it.
        let noise =
            (0..20_000u32).flat_map(|number| *blake3::hash(&number.to_le_bytes()).as_bytes()).collect::<Vec<_>>();
        let mut tar = blocks(vec![raw(b"noise", b'0', &noise)]);
        tar.resize(tar.len() + 512 + bytes, 0);
        gzip(&tar)
    };
    assert!(SourceTree::from_archive(&with_padding(1 << 20)[..], &SourceLimits::default()).is_ok());
    assert_eq!(
        refusal(&with_padding((1 << 20) + 1)),
        "archive: has more than 1 MiB of zeros at its end; make it again"
    );
}

#[test]
fn packing_twice_gives_the_same_bytes() {
    let files = [("b".repeat(250), "1"), ("a".into(), "2"), (["d"; 30].join("/"), "3")];
    let tree = SourceTree::from_files(files.clone(), &SourceLimits::default()).unwrap();
    let again = SourceTree::from_files(files.into_iter().rev(), &SourceLimits::default()).unwrap();
    assert_eq!(tree.to_tar_gz(), again.to_tar_gz());
    assert_eq!(SourceTree::from_archive(&tree.to_tar_gz()[..], &SourceLimits::default()).unwrap(), tree);
}

#[test]
fn a_bomb_gives_out_no_more_than_its_share() {
    let bomb = gzip(&vec![0; 40 << 20]);
    let limits = SourceLimits::default();
    let archive = Consumed::of(Cursor::new(&bomb));
    let mut inflating = Inflating { inner: GzDecoder::new(archive), given: 0, limits: limits.clone() };
    let (mut given, mut buffer) = (0, [0; 16 << 10]);
    let error = loop {
        match inflating.read(&mut buffer) {
            Ok(read) => given += read as u64,
            Err(error) => break error,
        }
        assert!(given <= limits.expansion_max(inflating.inner.get_ref().bytes));
    };
    assert!(given < 2 << 20, "{given}");
    assert_eq!(
        Error::decoding("x")(error).to_string(),
        "archive: expands to more than 200 times its size; leave out what is empty"
    );
}

#[test]
fn a_bomb_is_left_after_its_first_bytes() {
    let mut entry = file("zeros");
    entry.content = vec![0; 30 << 20];
    entry.header.set_size(30 << 20);
    let bomb = tar_gz(vec![entry]);
    let mut assembly = Assembly::new(Box::leak(Box::default()));
    let mut archive = Cursor::new(&bomb);
    let error = crate::source::archive::read_into(&mut archive, &mut assembly).unwrap_err();
    assert_eq!(error.to_string(), "archive: expands to more than 200 times its size; leave out what is empty");
    assert!(archive.position() < 40 << 10, "read {} of {}", archive.position(), bomb.len());
}

#[test]
fn an_announced_size_is_not_waited_for() {
    let mut entry = file("huge");
    entry.header.set_size(1 << 63);
    let head = blocks(vec![Raw { content: vec![], ..entry }]);
    let mut endless = Endless::after(gzip(&head)[..].into());
    let error = SourceTree::from_archive(&mut endless, &SourceLimits::default()).unwrap_err();
    assert!(matches!(error, Error::TooLarge { .. }), "{error}");
    assert!(endless.given < 64 << 10, "{}", endless.given);
}

#[test]
fn more_entries_than_the_limit_are_too_many_whatever_they_are() {
    let limits = SourceLimits { entries_max: 3, ..SourceLimits::default() };
    let entries = (0..4).map(|_| raw(b"d/", b'5', b"")).collect();
    let error = SourceTree::from_archive(&tar_gz(entries)[..], &limits).unwrap_err();
    assert_eq!(
        error.to_string(),
        r#"archive entry "d/": there are more than 3 files and folders; leave out what is not needed"#
    );
}
