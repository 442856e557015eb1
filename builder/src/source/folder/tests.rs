use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;

use cap_std::ambient_authority;
use tempfile::TempDir;

use super::*;

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (path, content) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    folder
}

fn opened(folder: &TempDir) -> Dir {
    Dir::open_ambient_dir(folder.path(), ambient_authority()).unwrap()
}

fn read_all(folder: &TempDir) -> Result<SourceTree, Error> {
    SourceTree::from_folder(&opened(folder), &SourceLimits::default())
}

fn refusal(folder: &TempDir) -> String {
    read_all(folder).unwrap_err().to_string()
}

fn paths(tree: &SourceTree) -> Vec<&str> {
    tree.iter().map(|(path, _)| path.as_str()).collect()
}

#[test]
fn links_and_special_files_are_refused_by_name() {
    let link = "is a symbolic link; put the file itself there, or list the link in .hksignore";
    for target in ["/etc/passwd", "../outside", "main.py", "missing", "."] {
        let folder = folder(&[("main.py", ""), ("lib/a", "")]);
        symlink(target, folder.path().join("lib/link")).unwrap();
        assert_eq!(refusal(&folder), format!("file \"lib/link\": {link}"));
    }
    let with_socket = folder(&[("main.py", "")]);
    let _listener = UnixListener::bind(with_socket.path().join("s")).unwrap();
    assert_eq!(refusal(&with_socket), r#"file "s": is a pipe or a socket; remove it, or list it in .hksignore"#);
}

#[test]
fn a_pipe_is_refused_without_waiting_for_a_writer() {
    let folder = folder(&[("main.py", "")]);
    let pipe = folder.path().join("pipe");
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR).unwrap();
    assert_eq!(refusal(&folder), r#"file "pipe": is a pipe or a socket; remove it, or list it in .hksignore"#);
    // And should a file become one after it was looked at.
    let dir = opened(&folder);
    let entry = dir.entries().unwrap().map(Result::unwrap).find(|entry| entry.file_name() == "pipe").unwrap();
    assert!(open(&entry).unwrap().metadata().unwrap().file_type().is_fifo());
}

#[test]
fn names_that_cannot_travel_are_refused() {
    use std::os::unix::ffi::OsStrExt;
    let folder = folder(&[("main.py", ""), ("lib/a", "")]);
    if fs::write(folder.path().join("lib").join(std::ffi::OsStr::from_bytes(b"\xff")), "").is_ok() {
        assert_eq!(refusal(&folder), "file \"lib/\u{fffd}\": is not UTF-8; rename it");
    }
    let folder = self::folder(&[("main.py", ""), ("a\\b", "")]);
    assert_eq!(refusal(&folder), r#"file "a\\b": holds '\\', which not every system can write; rename it"#);
}

#[test]
fn what_is_ignored_is_not_even_looked_at() {
    let folder = folder(&[
        ("main.py", ""),
        (".hksignore", "*.log\n/data/*\n!/data/keep\nlink\n!.env.example\n!._kept\n"),
        ("a.log", ""),
        ("lib/b.log", ""),
        ("data/big", ""),
        ("data/keep", ""),
        (".git/config", ""),
        ("web/node_modules/x/index.js", ""),
        ("__pycache__/main.pyc", ""),
        (".env", "TOKEN=s3cret"),
        (".env.example", "TOKEN="),
        ("._kept", ""),
    ]);
    symlink("/", folder.path().join("link")).unwrap();
    symlink("/", folder.path().join("node_modules")).unwrap();
    fs::create_dir(folder.path().join(".venv")).unwrap();
    assert_eq!(
        refusal(&folder),
        r#"file "node_modules": is a symbolic link; put the file itself there, or list the link in .hksignore"#
    );
    fs::remove_file(folder.path().join("node_modules")).unwrap();
    assert_eq!(paths(&read_all(&folder).unwrap()), [".env.example", ".hksignore", "data/keep", "main.py"]);
}

#[test]
fn a_hostile_ignore_file_is_refused() {
    let long = "x".repeat((16 << 10) + 1);
    assert_eq!(
        refusal(&folder(&[(".hksignore", &long)])),
        r#"file ".hksignore": is longer than 16384 bytes; use fewer and wider patterns"#
    );
    let binary = folder(&[("main.py", "")]);
    fs::write(binary.path().join(".hksignore"), b"\xff").unwrap();
    assert_eq!(refusal(&binary), r#"file ".hksignore": is not UTF-8; save it as UTF-8"#);
    let linked = folder(&[("main.py", "")]);
    symlink("/etc/passwd", linked.path().join(".hksignore")).unwrap();
    assert!(refusal(&linked).starts_with(r#"file ".hksignore": is a symbolic link"#));
}

#[test]
fn an_empty_folder_is_no_function() {
    assert_eq!(refusal(&folder(&[])), "folder: holds no files; a function is made of at least one");
    assert_eq!(refusal(&folder(&[(".git/config", "")])), "folder: holds no files; a function is made of at least one");
}

#[test]
fn a_file_that_changes_is_noticed() {
    let folder = folder(&[("main.py", "one"), ("other", "two")]);
    let dir = opened(&folder);
    let subject = Named { kind: "file", name: b"main.py" };
    let message = r#"file "main.py": changed while it was read; try again when nothing writes to it"#;
    let seen = dir.symlink_metadata("main.py").unwrap();
    let look = || dir.symlink_metadata("main.py").unwrap();
    assert!(same(subject, &seen, &look()).is_ok());
    fs::write(folder.path().join("main.py"), "longer").unwrap();
    assert_eq!(same(subject, &seen, &look()).unwrap_err().to_string(), message);
    let seen = look();
    fs::rename(folder.path().join("other"), folder.path().join("main.py")).unwrap();
    assert_eq!(same(subject, &seen, &look()).unwrap_err().to_string(), message);
}

#[test]
fn limits_are_kept_without_opening_the_file() {
    let folder = folder(&[("a", ""), ("b", "")]);
    fs::File::create(folder.path().join("huge")).unwrap().set_len(1 << 40).unwrap();
    assert_eq!(refusal(&folder), r#"file "huge": 1024 GiB is more than the maximum of 32 MiB for one file"#);
    let few = SourceLimits { entries_max: 2, ..SourceLimits::default() };
    let error = SourceTree::from_folder(&opened(&folder), &few).unwrap_err();
    assert_eq!(error.to_string(), "folder: there are more than 2 files and folders; leave out what is not needed");
}

#[test]
fn a_folder_that_is_too_deep_is_not_followed_to_its_end() {
    let deep = ["d"; 40].join("/");
    let folder = folder(&[(&format!("{deep}/f"), "")]);
    assert!(refusal(&folder).ends_with("has more than 32 names in a row; move it up"));
}
