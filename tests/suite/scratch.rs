//! The private `/tmp`: nothing of the host is reachable from it, it is bounded, and it is gone with its execution.

use std::fs;
use std::time::{Duration, Instant};

use hks_protocol::Outcome;

use crate::harness::Language::Python;
use crate::harness::{House, MIB, assert_ended_in, house, open_files, take_turn, value};

/// What every function of these tests starts with.
const TOOLS: &str = "
    import os, errno
    def attempt(action, *arguments):
        try: return repr(action(*arguments))
        except OSError as error: return errno.errorcode.get(error.errno, str(error.errno))
    def read(path):
        with open(path, 'rb') as file: return file.read(1000)
    def fill(path, size, block=65536):
        with open(path, 'wb', buffering=0) as file:
            for _ in range(size // block): file.write(b'x' * block)
";

fn with_tools(body: &str) -> String {
    Python.handler(&format!("{}\n{}", crate::harness::dedent(TOOLS), crate::harness::dedent(body)))
}

#[track_caller]
fn run(body: &str) -> serde_json::Value {
    value(&house().call(Python, with_tools(body)).tmp_bytes(4 * MIB).attack())
}

#[test]
fn files_work_and_are_gone_afterwards() {
    take_turn();
    let house = House::with_places(2);
    let body = "
        os.makedirs('/tmp/a/b'); os.chdir('/tmp/a')
        with open('b/file', 'w') as file: file.write('hello')
        with open('/tmp/a/b/file', 'a') as file: file.write(' world')
        os.rename('b/file', '/tmp/moved')
        before = sorted(os.listdir('/tmp'))
        kept = open('/tmp/kept', 'w')
        return [before, read('/tmp/moved').decode(), os.stat('/tmp/moved').st_size, len(os.listdir('/tmp/a/b'))]";
    let expected = serde_json::json!([["a", "moved"], "hello world", 11, 0]);
    for _ in 0..5 {
        assert_eq!(value(&house.call(Python, with_tools(body)).report()), expected);
        house.assert_nothing_left();
    }
    let ends = [
        "1 / 0",
        "while True: pass",
        "import posix; posix._exit(1)",
        "bytearray(10 ** 9)",
        "import time; time.sleep(60)",
    ];
    for end in ends {
        let body = format!("os.makedirs('/tmp/a/b'); kept = open('/tmp/a/b/file', 'w'); kept.write('x')\n{end}");
        let report = house.call(Python, with_tools(&body)).timeout_ms(300).report();
        assert_ne!(report.outcome, Outcome::Succeeded);
        house.assert_nothing_left();
    }
}

/// A folder that was given back unused tells nothing about who had it before.
#[test]
fn a_folder_shows_no_trace_of_an_earlier_attempt() {
    take_turn();
    let house = House::with_places(1);
    let looks = "
        import time; seen = os.stat('/tmp')
        return [os.listdir('/tmp'), seen.st_nlink, attempt(os.stat, '/tmp/canary'), seen.st_mtime - time.time() > 1]";
    let nothing = serde_json::json!([[], 2, "ENOENT", false]);
    let traces = [
        "return 1",
        "os.utime('/tmp', (2 ** 33, 2 ** 33))",
        "open('/tmp/canary', 'w').close(); os.unlink('/tmp/canary')",
        "os.mkdir('/tmp/canary'); os.rmdir('/tmp/canary')",
        "os.mkdir('/tmp/canary')",
        "os.symlink('x', '/tmp/canary')",
        "attempt(os.chmod, '/tmp', 0)",
        "attempt(os.rmdir, '/tmp'); attempt(os.rename, '/tmp', '/tmp2')",
        "kept = open('/tmp/canary', 'w'); os.unlink('/tmp/canary'); import posix; posix._exit(1)",
    ];
    for trace in traces {
        let _ = house.call(Python, with_tools(trace)).report();
        let seen = value(&house.call(Python, with_tools(looks)).report());
        assert_eq!(seen, nothing, "after {trace}");
    }
    house.assert_nothing_left();
}

#[test]
fn no_path_leads_out() {
    let secret = std::env::current_exe().unwrap();
    let secrets = [secret.to_str().unwrap(), "/etc/passwd", "/proc/self/environ", "/proc/self/maps", "/dev/zero"];
    for path in secrets {
        let body = format!(
            "
            path = {path:?}
            up = '../' * 20 + path[1:]
            for target, name in (path, 'absolute'), (up, 'relative'), ('..', 'd/up'), ('/', 'root'), ('..', 'parent'):
                os.makedirs('/tmp/d', exist_ok=True); attempt(os.symlink, target, '/tmp/' + name)
            seen = [attempt(read, each) for each in (path, '/tmp/' + up, up, '/tmp/absolute', '/tmp/relative',
                '/tmp/d/../..' + path, '/tmp/d/up/up/../..' + path, '/tmp/parent' + path, '/tmp/d/up/parent' + path, '/tmp/root' + path, '/tmp/./..' + path, '//' + path,
                '/tmp/../tmp/..' + path, path + '/../..' + path, '/proc/self/cwd' + path, '/tmp\\\\..\\\\' + path)]
            seen += [attempt(os.stat, '/tmp/absolute'), attempt(os.listdir, '/tmp/root'), attempt(os.listdir, '/tmp/parent'), attempt(os.listdir, '/tmp/..')]
            seen += [attempt(os.listdir, each) for each in ('..', '../..', '/proc', '/etc', '/dev', '/sys', '/root')]
            seen += [attempt(os.link, path, '/tmp/hard'), attempt(os.rename, path, '/tmp/taken'),
                attempt(os.link, '/tmp/absolute', '/tmp/hard2') and attempt(read, '/tmp/hard2')]
            return [each for each in seen if not each.startswith('E')]"
        );
        let report = house().call(Python, with_tools(&body)).attack();
        let allowed = serde_json::json!([]);
        assert_eq!(value(&report), allowed, "{path} was reached");
    }
}

#[test]
fn nothing_is_written_outside() {
    let outside = tempfile::tempdir().unwrap();
    let target = outside.path().join("target");
    fs::write(&target, "untouched").unwrap();
    let (folder, target_text) = (outside.path().to_str().unwrap(), target.to_str().unwrap());
    let body = format!(
        "
        folder, target = {folder:?}, {target_text:?}
        up = '/tmp/' + '../' * 20
        attempt(os.symlink, target, '/tmp/link'); attempt(os.symlink, folder, '/tmp/folder')
        attempt(os.symlink, '../' * 20 + folder[1:], '/tmp/folder'); open('/tmp/own', 'w').close()
        return [attempt(action, *arguments) for action, *arguments in (
            (fill, target, 65536), (fill, '/tmp/link', 65536), (fill, '/tmp/folder/new', 65536),
            (fill, up + target, 65536), (os.truncate, '/tmp/link', 0), (os.truncate, target, 0),
            (os.rename, '/tmp/own', folder + '/own'), (os.rename, '/tmp/own', '/tmp/folder/own'),
            (os.rename, '/tmp/own', up + folder + '/own'), (os.link, '/tmp/own', '/tmp/folder/own'),
            (os.mkdir, '/tmp/folder/made'), (os.mkdir, folder + '/made'), (os.rmdir, folder),
            (os.unlink, target), (os.unlink, '/tmp/folder/target'), (os.symlink, 'x', '/tmp/folder/made'),
            (os.utime, '/tmp/link', (0, 0)), (os.remove, up + target))]"
    );
    // Links that lead out are refused when they are made, so that some of these write to a file of that name.
    let results = value(&house().call(Python, with_tools(&body)).attack());
    println!("{results}");
    assert_eq!(fs::read_to_string(&target).unwrap(), "untouched");
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
}

#[test]
fn its_size_is_bounded_whatever_fills_it() {
    // wasi-libc has one errno for whatever stops a stream, so that a refused `write` is EIO; the log says why.
    let (full, stopped) = ("ENOSPC", "EIO");
    assert_eq!(run("return attempt(fill, '/tmp/big', 8 << 20)"), stopped);
    assert_eq!(run("open('/tmp/sparse', 'w').close(); return attempt(os.truncate, '/tmp/sparse', 1 << 30)"), full);
    assert_eq!(
        run("
        file = open('/tmp/sparse', 'wb', buffering=0); file.seek(1 << 30)
        return attempt(file.write, b'x')"),
        full
    );
    assert_eq!(
        run("
        fd = os.open('/tmp/sparse', os.O_RDWR | os.O_CREAT)
        return attempt(os.posix_fallocate, fd, 0, 1 << 30) if hasattr(os, 'posix_fallocate') else 'ENOSPC'"),
        full
    );
    let many = "
        made = 0
        try:
            while made < 5000: {make}; made += 1
        except OSError as error: return [error.errno in (errno.ENOSPC, errno.EIO), made]
        return [False, made]";
    for make in [
        "open(f'/tmp/{made}', 'w').close()",
        "os.mkdir(f'/tmp/{made}')",
        "os.symlink('x' * 100, f'/tmp/{made}')",
        "os.link('/tmp/own', f'/tmp/{made}') if made else open('/tmp/own', 'w').close()",
        "fill(f'/tmp/{made}', 1000, 1000)",
        "os.mkdir('x'); os.chdir('x')",
    ] {
        let seen = run(&many.replace("{make}", make));
        assert_eq!(seen[0], true, "{make}: {seen}");
        assert!((10..=1024).contains(&seen[1].as_u64().unwrap()), "{make}: {seen}");
    }
}

#[test]
fn files_that_were_removed_but_are_open_count() {
    let body = "
        kept = []
        try:
            for n in range(100):
                kept.append(open('/tmp/file', 'wb', buffering=0)); os.unlink('/tmp/file')
                for _ in range(16): kept[-1].write(b'x' * 65536)
        except OSError as error: return [error.errno in (errno.ENOSPC, errno.EIO), len(kept)]
        return [False, len(kept)]";
    assert_eq!(run(body), serde_json::json!([true, 4]));
}

#[test]
fn rewriting_and_removing_gives_space_back() {
    let body = "
        for n in range(20):
            fill('/tmp/same', 3 << 20); os.truncate('/tmp/same', 0)
            fill('/tmp/other', 3 << 20); os.unlink('/tmp/other')
        return os.listdir('/tmp')";
    assert_eq!(run(body), serde_json::json!(["same"]));
}

#[test]
fn a_full_folder_leaves_the_function_alive() {
    let body = "
        first = attempt(fill, '/tmp/big', 8 << 20)
        os.unlink('/tmp/big')
        return [first, attempt(fill, '/tmp/small', 1 << 20)]";
    assert_eq!(run(body), serde_json::json!(["EIO", "None"]));
}

#[test]
fn too_many_open_files_are_a_clear_failure() {
    let before = open_files();
    for open in [
        "open(f'/tmp/{len(kept)}', 'w')",
        "open('/tmp/same', 'a')",
        "os.open('/tmp', os.O_RDONLY)",
        "os.scandir('/tmp')",
    ] {
        let body = format!(
            "
            kept = []
            try:
                while len(kept) < 5000: kept.append({open})
            except OSError as error: return [errno.errorcode.get(error.errno), len(kept), str(error)]
            return [None, len(kept), '']"
        );
        let report = house().call(Python, with_tools(&body)).attack();
        println!("{open}");
        assert_ended_in(&report, &[Outcome::Succeeded], open);
        let seen = value(&report);
        assert!(["EMFILE", "ENFILE", "ENOMEM"].map(Into::into).contains(&seen[0]), "{open}: {seen}");
        assert!((16..=256).contains(&seen[1].as_u64().unwrap()), "{open}: {seen}");
    }
    // Others may run at the same time, and a report comes before its instance is gone, but none of these stays open.
    let patience = Instant::now() + Duration::from_secs(20);
    while open_files() >= before + 500 {
        assert!(Instant::now() < patience, "{} descriptors, {before} before", open_files());
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn no_space_at_all_is_fine_for_who_needs_none() {
    let none = |body: &str| house().call(Python, with_tools(body)).tmp_bytes(0).attack();
    assert_eq!(value(&none("return 42")), 42);
    let report = none("return attempt(fill, '/tmp/file', 65536)");
    assert_eq!(value(&report), "ENOSPC");
    assert_eq!(report.logs.stderr, ["hks: /tmp is full, its limit is 0 B"]);
}

#[test]
fn databases_and_archives_work_in_it() {
    let body = "
        import sqlite3, zipfile, tempfile, shutil
        with sqlite3.connect('/tmp/data.db') as db:
            db.execute('create table t (n)'); db.executemany('insert into t values (?)', [(n,) for n in range(1000)])
        total = sqlite3.connect('/tmp/data.db').execute('select sum(n) from t').fetchone()[0]
        with zipfile.ZipFile('/tmp/a.zip', 'w') as archive: archive.writestr('x/y.txt', 'inside')
        with zipfile.ZipFile('/tmp/a.zip') as archive: archive.extractall('/tmp/out')
        with tempfile.NamedTemporaryFile('w') as file: file.write('x')
        shutil.copytree('/tmp/out', '/tmp/copy'); shutil.rmtree('/tmp/out')
        return [total, read('/tmp/copy/x/y.txt').decode(), sorted(os.listdir('/tmp'))]";
    assert_eq!(run(body), serde_json::json!([499_500, "inside", ["a.zip", "copy", "data.db"]]));
}
