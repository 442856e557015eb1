use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::launch::Mode;
use super::*;

/// No test waits so long; a tool that nobody ends does.
const FOREVER: &str = "exec python3 -c 'import signal; [signal.pause() for _ in range(1000000)]'";

struct Build {
    folder: TempDir,
    limits: ChildLimits,
    network: Network,
    cancel: Cancel,
    modes: &'static [Mode],
    environment: Vec<(&'static str, String)>,
}

impl Build {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            limits: ChildLimits::default(),
            network: Network::Denied,
            cancel: Cancel::new(),
            modes: &Mode::ALL,
            environment: Vec::new(),
        }
    }

    fn limited(change: impl FnOnce(&mut ChildLimits)) -> Self {
        let mut build = Self::new();
        change(&mut build.limits);
        build
    }

    fn path(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap()
    }

    fn tool(&self, script: &str) -> Tool {
        let tool = Tool::new("/bin/sh", self.path()).arguments(["-c", script]);
        self.environment.iter().fold(tool, |tool, (name, value)| tool.environment(name, value))
    }

    fn run(&self, script: &str) -> Ended {
        self.logged(script, |_| {})
    }

    fn logged(&self, script: &str, log: impl FnMut(Line)) -> Ended {
        let mut child = Child::new(self.limits.clone(), Isolation::Required);
        child.modes = self.modes;
        child.run(&self.tool(script), self.network, &self.cancel, log).unwrap()
    }

    fn lines(&self, script: &str) -> Vec<String> {
        let mut lines = Vec::new();
        let ended = self.logged(script, |line| lines.push(line.text));
        assert_eq!(ended.outcome, Outcome::Succeeded, "{lines:?}");
        lines
    }
}

fn exited(code: i32) -> Outcome {
    Outcome::Failed { status: std::process::ExitStatus::from_raw(code << 8) }
}

/// Whether a process of this machine has `marker` in its command line.
fn runs(marker: &str) -> bool {
    let lines =
        fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    lines.map(|line| String::from_utf8_lossy(&line).into_owned()).any(|line| line.contains(marker))
}

#[test]
fn a_tool_runs_in_its_folder_and_says_how_it_ended() {
    let build = Build::new();
    assert_eq!(build.lines("pwd; echo text > file; cat file"), [build.path().to_str().unwrap(), "text"]);
    assert_eq!(build.run("exit 7").outcome, exited(7));
    let killed = Outcome::Failed { status: std::process::ExitStatus::from_raw(libc::SIGTERM) };
    assert_eq!(build.run("kill -TERM $$").outcome, killed);
    let ended = build.run("true");
    assert!(ended.confinement.files && ended.confinement.network_denied && !ended.log_truncated);
}

#[test]
fn a_missing_program_is_named() {
    let build = Build::new();
    let tool = Tool::new("hks-no-such-program", build.path());
    let child = Child::default();
    let error = child.run(&tool, Network::Denied, &build.cancel, |_| {}).unwrap_err();
    assert!(matches!(error, Error::Start { .. }));
    assert!(error.to_string().starts_with("cannot start \"hks-no-such-program\": "), "{error}");
}

#[test]
fn the_environment_is_empty_but_for_what_is_named() {
    let mut build = Build::new();
    build.environment = vec![("GIVEN", "1".to_owned())];
    let mut names: Vec<_> = build.lines("env").iter().map(|line| line.split('=').next().unwrap().to_owned()).collect();
    names.sort();
    names.retain(|name| name != "PWD" && name != "_");
    assert_eq!(names, ["GIVEN", "HOME", "LANG", "PATH", "TMPDIR"]);
    assert_eq!(build.lines("echo $HOME; umask; cat; test -w $TMPDIR"), [build.path().to_str().unwrap(), "0077"]);
}

/// A secret in our own environment: set by starting ourselves anew.
#[test]
fn a_secret_of_the_parent_is_out_of_reach() {
    if std::env::var_os("HKS_TEST_SECRET").is_some() {
        let parent = std::process::id();
        let script = format!("env; cat /proc/{parent}/environ /proc/$PPID/environ 2>/dev/null; echo end");
        let lines = Build::new().lines(&script);
        assert!(!lines.iter().any(|line| line.contains("hunter2")), "{lines:?}");
        assert_eq!(lines.last().map(String::as_str), Some("end"));
        return;
    }
    let mut again = Command::new(std::env::current_exe().unwrap());
    again.args(["--exact", "child::tests::a_secret_of_the_parent_is_out_of_reach"]).env("HKS_TEST_SECRET", "hunter2");
    let output = again.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
}

#[test]
fn no_open_file_of_ours_is_inherited() {
    let build = Build::new();
    let ours = File::open("/proc/self/status").unwrap();
    // `dup` of the C library, by way of rustix, makes it one that an exec does not close
    let leaked = rustix::io::dup(&ours).unwrap();
    let flags = fs::read_to_string(format!("/proc/self/fdinfo/{}", leaked.as_raw_fd())).unwrap();
    assert!(flags.lines().any(|line| line == "flags:\t0100000" || line == "flags:\t0400000"), "{flags}");
    // python opens the listing itself
    let script = "python3 -c 'import os; print([fd for fd in os.listdir(\"/proc/self/fd\") if int(fd) > 3])'";
    assert_eq!(build.lines(script), ["[]"]);
}

#[test]
fn only_the_folder_can_be_written_and_only_the_system_read() {
    let build = Build::new();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret"), "hunter2").unwrap();
    let outside = outside.path().canonicalize().unwrap();
    let path = outside.display();
    assert_eq!(build.run(&format!("cat {path}/secret")).outcome, exited(1));
    assert_eq!(build.run(&format!("echo a > {path}/new")).outcome, exited(2));
    assert_eq!(build.run(&format!("ln -s {path} out && cat out/secret")).outcome, exited(1));
    assert!(!outside.join("new").exists());
    let child = Child::default();
    let tool = build.tool(&format!("cat {path}/secret && ! echo a > {path}/secret")).readable(&outside);
    let ended = child.run(&tool, Network::Denied, &build.cancel, |_| {}).unwrap();
    assert_eq!(ended.outcome, Outcome::Succeeded);
}

/// What a denied tool cannot reach is there, and an allowed one reaches it.
#[test]
fn the_network_is_reached_only_if_allowed() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let script = format!("python3 -c 'import socket; socket.create_connection((\"127.0.0.1\", {port}))'");
    let mut build = Build::new();
    assert_eq!(build.run(&script).outcome, exited(1));
    let any =
        "import socket\nfor f in (1, 2, 10, 16):\n try: socket.socket(f); print(f)\n except PermissionError: pass";
    assert!(build.lines(&format!("python3 -c '{any}'")).is_empty());
    assert_eq!(
        build.lines("python3 -c 'import socket; a, b = socket.socketpair(); a.send(b\"a\"); print(len(b.recv(1)))'"),
        ["1"]
    );
    build.network = Network::Allowed;
    let ended = build.run(&script);
    assert_eq!(ended.outcome, Outcome::Succeeded);
    assert!(!ended.confinement.network_denied);
}

/// What a container without namespaces leaves is enough: the filter denies the network.
#[test]
fn the_network_is_denied_without_namespaces() {
    let build = Build { modes: &[Mode::Plain], ..Build::new() };
    let ended = build.run("python3 -c 'import socket; socket.socket()'");
    assert_eq!(ended.outcome, exited(1));
    assert_eq!(ended.confinement, Confinement { namespaces: false, files: true, network_denied: true });
}

#[test]
fn nothing_gives_privileges() {
    let status = Build::new().lines("grep -E '^(NoNewPrivs|CapEff|CapPrm|CapBnd):' /proc/self/status");
    assert!(status.iter().any(|line| line == "NoNewPrivs:\t1"), "{status:?}");
    let effective = |line: &&String| line.starts_with("CapEff") || line.starts_with("CapPrm");
    assert!(status.iter().filter(effective).all(|line| line.ends_with("0000000000000000")), "{status:?}");
}

#[test]
fn lines_keep_their_order_and_their_stream() {
    let build = Build::new();
    let mut lines = Vec::new();
    build.logged("for i in 1 2 3; do echo o$i; echo e$i >&2; done; printf 'a\\377\\r\\nlast'", |line| lines.push(line));
    let of =
        |stream| lines.iter().filter(|line| line.stream == stream).map(|line| line.text.as_str()).collect::<Vec<_>>();
    assert_eq!(of(Stream::Output), ["o1", "o2", "o3", "a\u{fffd}", "last"]);
    assert_eq!(of(Stream::Error), ["e1", "e2", "e3"]);
}

#[test]
fn a_long_line_is_cut_and_a_long_log_ends() {
    let build = Build::limited(|limits| {
        limits.line_bytes_max = 100;
        limits.log_bytes_max = 10_000;
    });
    let mut lines = Vec::new();
    let script = "python3 -c 'print(\"a\" * 1000000); print(\"b\"); [print(i) for i in range(1000000)]'";
    let ended = build.logged(script, |line| lines.push(line));
    assert_eq!((ended.outcome, ended.log_truncated), (Outcome::Succeeded, true));
    assert_eq!((lines[0].text.len(), lines[0].cut), (100, true));
    assert_eq!((lines[1].text.as_str(), lines[1].cut), ("b", false));
    assert!(lines.iter().map(|line| line.text.len()).sum::<usize>() <= 10_000);
}

/// The listener waits for what the tool does only after it has printed more than a pipe holds.
#[test]
fn a_slow_listener_does_not_hold_up_the_tool() {
    let build = Build::new();
    let done = build.path().join("done");
    let script = "python3 -c 'print(\"a\\n\" * 200000)'; touch done; exit 3";
    let ended = build.logged(script, |_| wait_for(|| done.exists()));
    assert_eq!(ended.outcome, exited(3));
}

fn wait_for(condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(60), "this does not come");
        thread::yield_now();
    }
}

#[test]
fn a_tool_that_takes_too_long_is_ended() {
    let build = Build::limited(|limits| limits.wall_time_max = Duration::from_millis(300));
    assert_eq!(build.run(&format!("trap '' TERM INT HUP; {FOREVER}")).outcome, Outcome::TimedOut);
}

#[test]
fn a_tool_that_spins_is_ended() {
    let build = Build::limited(|limits| limits.cpu_time_max = Duration::from_secs(1));
    let ended = build.run("while :; do :; done");
    assert_eq!(ended.outcome, Outcome::TimedOut);
    // the kernel's limit counts ticks, what it reports is exact
    assert!(ended.cpu >= Duration::from_millis(500), "{ended:?}");
}

#[test]
fn memory_is_bounded_for_one_process_and_for_all() {
    let build = Build::limited(|limits| limits.memory_bytes_max = 200 << 20);
    let one = "exec python3 -c 'bytearray(1 << 30)'";
    assert_eq!(build.run(one).outcome, exited(1));
    let each = "import signal; a = bytearray(80 << 20); signal.pause()";
    let all = format!("for i in 1 2 3 4; do python3 -c '{each}' & done; wait");
    let ended = build.run(&all);
    assert_eq!(ended.outcome, Outcome::OutOfMemory);
    assert!(ended.peak_memory_bytes > 200 << 20);
}

#[test]
fn a_folder_that_grows_too_large_ends_the_tool() {
    let build = Build::limited(|limits| limits.disk_bytes_max = 8 << 20);
    let many = "i=0; while :; do i=$((i+1)); head -c 1048576 /dev/zero > f$i; done";
    assert_eq!(build.run(many).outcome, Outcome::DiskFull);
    let build = Build::limited(|limits| limits.disk_bytes_max = 8 << 20);
    assert_eq!(build.run("head -c 9000000 /dev/zero > file").outcome, Outcome::DiskFull, "seen at the end");
    let build = Build::limited(|limits| limits.file_bytes_max = 1 << 20);
    assert_eq!(build.run("exec head -c 2000000 /dev/zero > file").outcome, Outcome::DiskFull);
}

/// The kernel refuses processes to those who are not root; root's tool is ended. The bomb is one of 256 processes: what no
/// limit stops must not take the machine along.
#[test]
fn a_fork_bomb_stays_small() {
    let build = Build::limited(|limits| {
        limits.tasks_max = 64;
        limits.wall_time_max = Duration::from_secs(5);
    });
    let bomb = "import os, signal\nfor _ in range(8):\n try: os.fork()\n except OSError: os._exit(1)\nsignal.pause()";
    let marker = format!("bomb-{}", std::process::id());
    let ended = build.run(&format!("exec python3 -c '{bomb}' '{marker}'"));
    let ends = matches!(ended.outcome, Outcome::TooManyTasks | Outcome::Failed { .. } | Outcome::TimedOut);
    assert!(ends, "{ended:?}");
    assert!(!runs(&marker));
}

/// With a namespace if one is permitted, and the way of systems that permit none.
const WAYS: [&[Mode]; 2] = [&Mode::ALL, &[Mode::Plain]];

fn in_both_ways(test: impl Fn(Build)) {
    for modes in WAYS {
        test(Build { modes, ..Build::new() });
    }
}

#[test]
fn cancel_ends_daemons_too() {
    in_both_ways(ends_daemons);
}

fn ends_daemons(build: Build) {
    let marker = format!("daemon-{}-{:?}", std::process::id(), thread::current().id());
    let daemon = "import os, signal, sys\nfor s in (1, 2, 15): signal.signal(s, signal.SIG_IGN)\n\
        if os.fork(): os._exit(0)\nos.setsid()\nif os.fork(): os._exit(0)\nprint(\"ready\", flush=True)\n\
        while True: signal.pause()";
    let (sender, ready) = mpsc::channel();
    let cancel = build.cancel.clone();
    let canceler = thread::spawn(move || {
        ready.recv().unwrap();
        cancel.cancel();
    });
    let ended = build.logged(&format!("python3 -c '{daemon}' '{marker}'; {FOREVER}"), |_| sender.send(()).unwrap());
    canceler.join().unwrap();
    assert_eq!(ended.outcome, Outcome::Canceled);
    assert!(!runs(&marker));
    assert_eq!(build.run("true").outcome, Outcome::Canceled, "nor does the next one run");
}

/// Where nothing keeps a tool from signalling its supervisor; here the listener does it for the tool.
#[test]
fn a_stopped_supervisor_does_not_hold_up_the_end() {
    let build = Build { modes: &[Mode::Plain], ..Build::new() };
    let ended = build.logged(&format!("echo $PPID; {FOREVER}"), |line| {
        let supervisor = rustix::process::Pid::from_raw(line.text.parse().unwrap()).unwrap();
        rustix::process::kill_process(supervisor, rustix::process::Signal::STOP).unwrap();
        build.cancel.cancel();
    });
    assert_eq!(ended.outcome, Outcome::Canceled);
}

#[test]
fn a_daemon_does_not_outlive_a_tool_that_succeeds() {
    in_both_ways(ends_orphans);
}

fn ends_orphans(build: Build) {
    let marker = format!("orphan-{}", std::process::id());
    let daemon = "import os, signal\nif os.fork(): os._exit(0)\nos.setsid()\nsignal.pause()";
    assert_eq!(build.run(&format!("python3 -c '{daemon}' '{marker}'")).outcome, Outcome::Succeeded);
    assert!(!runs(&marker));
}

#[test]
fn a_listener_that_panics_leaves_nothing_behind() {
    let build = Build::new();
    let marker = format!("panic-{}", std::process::id());
    let script = format!("echo a; sh -c '{}' '{marker}'", FOREVER.replace('\'', "\""));
    let result =
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| build.logged(&script, |_| panic!("listener"))));
    assert!(result.is_err());
    wait_for(|| !runs(&marker));
}

#[test]
fn the_system_folders_are_absolute() {
    assert!(SYSTEM.iter().all(|path| Path::new(path).is_absolute()));
}
