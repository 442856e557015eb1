use std::collections::BTreeMap;
use std::io::{self, Cursor, Read};

use cap_std::ambient_authority;
use proptest::prelude::*;
use tempfile::TempDir;

use super::fuzzing::{check, gzip};
use super::*;

/// What the sender of `archive` is told.
pub(super) fn refusal(archive: &[u8]) -> String {
    match SourceTree::from_archive(archive, &SourceLimits::default()) {
        Ok(tree) => panic!("accepted: {tree:?}"),
        Err(error) => error.to_string(),
    }
}

/// Some bytes, and then a sender that never stops.
pub(super) struct Endless {
    first: Cursor<Vec<u8>>,
    pub(super) given: u64,
}

impl Endless {
    pub(super) fn after(first: Vec<u8>) -> Self {
        Self { first: Cursor::new(first), given: 0 }
    }
}

impl Read for Endless {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = match self.first.read(into)? {
            0 => {
                into.fill(0);
                into.len()
            }
            read => read,
        };
        self.given += read as u64;
        Ok(read)
    }
}

fn limits() -> SourceLimits {
    SourceLimits::default()
}

fn opened(folder: &TempDir) -> Dir {
    Dir::open_ambient_dir(folder.path(), ambient_authority()).unwrap()
}

fn example() -> SourceTree {
    let files = [("main.py", "import lib.text"), ("lib/text.py", "x = 1"), ("lib/日本.txt", ""), ("data/é", "e")];
    SourceTree::from_files(files, &limits()).unwrap()
}

#[test]
fn the_same_files_have_one_digest_wherever_they_come_from() {
    let tree = example();
    let folder = TempDir::new().unwrap();
    tree.write_to(&opened(&folder)).unwrap();
    let others = [
        SourceTree::from_files(tree.iter().rev_paths(), &limits()).unwrap(),
        SourceTree::from_folder(&opened(&folder), &limits()).unwrap(),
        SourceTree::from_archive(&tree.to_tar_gz()[..], &limits()).unwrap(),
        SourceTree::from_archive(&zipped::tests::pack(&tree, true)[..], &limits()).unwrap(),
    ];
    for other in others {
        assert_eq!(other, tree);
        assert_eq!(other.digest(), tree.digest());
    }
}

/// Against the order in which a tree keeps its files.
trait RevPaths<'a> {
    fn rev_paths(self) -> Vec<(&'a RelativePath, Bytes)>;
}

impl<'a, I: Iterator<Item = (&'a RelativePath, &'a Bytes)>> RevPaths<'a> for I {
    fn rev_paths(self) -> Vec<(&'a RelativePath, Bytes)> {
        let mut files: Vec<_> = self.map(|(path, content)| (path, content.clone())).collect();
        files.reverse();
        files
    }
}

/// The same four files, packed by GNU tar, Python, git and Info-ZIP: as files, and as streams whose writers did not know the
/// sizes when they began.
#[test]
fn archives_of_the_usual_programs_have_one_digest() {
    let archives: [&[u8]; 8] = [
        include_bytes!("fixtures/git.tar.gz"),
        include_bytes!("fixtures/git.zip"),
        include_bytes!("fixtures/gnu.tar.gz"),
        include_bytes!("fixtures/info-zip-streamed.zip"),
        include_bytes!("fixtures/info-zip.zip"),
        include_bytes!("fixtures/posix.tar.gz"),
        include_bytes!("fixtures/python-streamed.zip"),
        include_bytes!("fixtures/python.tar.gz"),
    ];
    let numbers = (1..=300).map(|number| format!("{number}\n")).collect();
    let files = [
        ("main.py", "import lib.text\n".to_string()),
        ("lib/text.py", numbers),
        ("lib/日本.txt", "e".into()),
        ("lib/empty", String::new()),
    ];
    let expected = SourceTree::from_files(files, &limits()).unwrap();
    for archive in archives {
        let tree = SourceTree::from_archive(archive, &limits()).unwrap().without_common_folder();
        assert_eq!(tree, expected);
        assert_eq!(tree.digest(), expected.digest());
    }
}

#[test]
fn a_digest_tells_where_a_path_ends_and_its_content_begins() {
    let digest = |files: &[(&'static str, &'static str)]| {
        SourceTree::from_files(files.iter().copied(), &limits()).unwrap().digest()
    };
    let digests = [
        digest(&[("a", "bc")]),
        digest(&[("ab", "c")]),
        digest(&[("a", ""), ("b", "c")]),
        digest(&[("a", "b"), ("c", "")]),
        digest(&[("a/b", "c")]),
    ];
    for (index, one) in digests.iter().enumerate() {
        assert!(!digests[index + 1..].contains(one));
    }
}

/// The digest is stored: a change to it needs a new version in its context.
#[test]
fn the_digest_is_stable() {
    let tree = SourceTree::from_file("main.py", "pass", &limits()).unwrap();
    assert_eq!(tree.digest().to_string(), "d0b33e7ff70c5e90531612efab29c4a49a556590c5b6fb89b987b6c6f8217d68");
}

#[test]
fn a_common_folder_is_taken_off_when_asked_for() {
    let tree =
        |names: &[&'static str]| SourceTree::from_files(names.iter().map(|name| (*name, "")), &limits()).unwrap();
    assert_eq!(tree(&["repo-1/a", "repo-1/b/c"]).without_common_folder(), tree(&["a", "b/c"]));
    assert_eq!(tree(&["x/y/a"]).without_common_folder(), tree(&["y/a"]));
    for kept in [tree(&["a"]), tree(&["a", "b/c"]), tree(&["a/b", "c/d"])] {
        assert_eq!(kept.without_common_folder(), kept);
    }
}

#[test]
fn the_kind_is_told_by_the_first_bytes() {
    let tar = [&[0; 257][..], b"ustar\0", &[0; 249]].concat();
    let cases: [(&[u8], _); 9] = [
        (b"", "archive: is empty; send a tar compressed with gzip, or a zip"),
        (&[0x28, 0xb5, 0x2f, 0xfd, 0], "archive: is compressed with zstd; send a tar compressed with gzip, or a zip"),
        (b"BZh9", "archive: is compressed with bzip2; send a tar compressed with gzip, or a zip"),
        (b"\xfd7zXZ\0", "archive: is compressed with xz; send a tar compressed with gzip, or a zip"),
        (b"7z\xbc\xaf\x27\x1c", "archive: is a 7z archive; send a tar compressed with gzip, or a zip"),
        (b"Rar!\x1a\x07", "archive: is a rar archive; send a tar compressed with gzip, or a zip"),
        (b"\0asm\x01\0\0\0", "archive: is a WebAssembly file; send a tar compressed with gzip, or a zip"),
        (&tar, "archive: is a tar that is not compressed; send a tar compressed with gzip, or a zip"),
        (b"def handler", "archive: is no archive that is known here; send a tar compressed with gzip, or a zip"),
    ];
    for (archive, message) in cases {
        assert_eq!(refusal(archive), message);
    }
}

#[test]
fn an_archive_is_read_up_to_its_limit_and_not_beyond() {
    for archive in [example().to_tar_gz(), zipped::tests::pack(&example(), true)] {
        let exact = SourceLimits { archive_bytes_max: archive.len() as u64, ..limits() };
        assert_eq!(SourceTree::from_archive(&archive[..], &exact).unwrap(), example());
        let less = SourceLimits { archive_bytes_max: archive.len() as u64 - 1, ..limits() };
        let error = SourceTree::from_archive(&archive[..], &less).unwrap_err();
        assert!(matches!(error, Error::TooLarge { .. }), "{error}");
    }
    for magic in [&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff][..], b"PK\x03\x04"] {
        let mut endless = Endless::after(magic.into());
        let small = SourceLimits { archive_bytes_max: 1 << 20, ..limits() };
        assert!(SourceTree::from_archive(&mut endless, &small).is_err());
        assert!(endless.given <= (1 << 20) + 1, "{}", endless.given);
    }
}

#[test]
fn what_fits_as_files_fits_in_every_archive() {
    let tree = example();
    let exact = SourceLimits { expanded_bytes_max: tree.size_bytes(), files_max: 4, ..limits() };
    for archive in [tree.to_tar_gz(), zipped::tests::pack(&tree, true)] {
        assert_eq!(SourceTree::from_archive(&archive[..], &exact).unwrap(), tree);
    }
}

#[test]
fn a_broken_connection_is_not_blamed_on_the_archive() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::ConnectionReset.into())
        }
    }
    for archive in [example().to_tar_gz(), zipped::tests::pack(&example(), true)] {
        let error = SourceTree::from_archive(archive[..archive.len() - 4].chain(Broken), &limits()).unwrap_err();
        assert!(matches!(error, Error::Io { .. }), "{error}");
        assert_eq!(error.to_string(), "read archive: connection reset");
    }
}

#[test]
fn debug_shows_no_contents() {
    let shown = format!("{:?}", SourceTree::from_file("main.py", "s3cret", &limits()).unwrap());
    assert_eq!(shown, r#"{"main.py": 6}"#);
}

fn component() -> impl Strategy<Value = String> {
    "[a-zA-Zéß日 ._-]{1,12}"
}

fn files() -> impl Strategy<Value = BTreeMap<String, Vec<u8>>> {
    let path = prop::collection::vec(component(), 1..5).prop_map(|components| components.join("/"));
    let content =
        prop_oneof![prop::collection::vec(any::<u8>(), 0..2000), (0usize..9000).prop_map(|size| vec![b'x'; size])];
    prop::collection::btree_map(path, content, 1..12)
}

fn trees() -> impl Strategy<Value = SourceTree> {
    // Each file alone says whether its name is good; those that collide with an earlier one are left out.
    files().prop_filter_map("no file is left", |files| {
        let mut kept: Vec<(String, Vec<u8>)> = Vec::new();
        for file in files {
            kept.push(file);
            if SourceTree::from_files(kept.clone(), &limits()).is_err() {
                kept.pop();
            }
        }
        SourceTree::from_files(kept, &limits()).ok()
    })
}

/// Bytes to put in place of others.
fn damages() -> impl Strategy<Value = Vec<(prop::sample::Index, u8)>> {
    prop::collection::vec(any::<(prop::sample::Index, u8)>(), 1..6)
}

proptest! {
    #[test]
    fn trees_survive_every_journey(tree in trees(), is_deflated in any::<bool>()) {
        let folder = TempDir::new().unwrap();
        tree.write_to(&opened(&folder)).unwrap();
        let journeys = [
            SourceTree::from_archive(&tree.to_tar_gz()[..], &limits()).unwrap(),
            SourceTree::from_archive(&zipped::tests::pack(&tree, is_deflated)[..], &limits()).unwrap(),
        ];
        for arrived in journeys {
            prop_assert_eq!(arrived.digest(), tree.digest());
            prop_assert_eq!(&arrived, &tree);
        }
        prop_assert_eq!(SourceTree::from_folder(&opened(&folder), &limits()).unwrap().digest(), tree.digest());
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000), kind in 0..4usize) {
        let magic = [&b""[..], b"\x1f\x8b\x08\0", b"PK\x03\x04", b"PK\x05\x06"][kind];
        check(&[magic, &bytes].concat());
        check(&gzip(&bytes));
    }

    #[test]
    fn no_damaged_archive_panics(tree in trees(), is_zip in any::<bool>(), damages in damages()) {
        let mut archive = if is_zip { zipped::tests::pack(&tree, true) } else { tarball::tests::ungzip(&tree.to_tar_gz()) };
        for (at, byte) in damages {
            let at = at.index(archive.len());
            archive[at] = byte;
        }
        check(&if is_zip { archive } else { gzip(&archive) });
    }
}
