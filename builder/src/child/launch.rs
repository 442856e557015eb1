//! What runs between fork and exec: all the unsafe code of the builder.
//!
//! We have threads, so after a fork only async-signal-safe code may run: no allocation, no locks, no panics. Everything here is
//! system calls on numbers and on memory that [`Orders`] holds since before the fork. The two processes in between never
//! leave this file: each closes all files but its pipes, has all signals blocked, and ends with `_exit`.

#![expect(unsafe_code, reason = "fork, namespaces and limits of a child have no safe calls")]

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

use libc::{c_int, c_long, pid_t};
use seccompiler::BpfProgram;

/// How the tool's processes are held together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Namespaces of processes and users: for everybody, where the system permits it.
    User,
    /// A namespace of processes, made by one who is privileged.
    Privileged,
    /// None: a subreaper.
    Plain,
}

impl Mode {
    /// The best comes first.
    pub(super) const ALL: [Self; 3] = [Self::User, Self::Privileged, Self::Plain];

    fn flags(self, network: c_int) -> c_int {
        match self {
            Self::User => libc::CLONE_NEWUSER | libc::CLONE_NEWPID | libc::CLONE_NEWIPC | network,
            Self::Privileged => libc::CLONE_NEWPID | libc::CLONE_NEWIPC | network,
            Self::Plain => 0,
        }
    }
}

/// All that is done to a child, made before the fork.
pub(super) struct Orders {
    pub(super) mode: Mode,
    pub(super) own_network: bool,
    /// Lines of `uid_map` and `gid_map`.
    pub(super) maps: [Vec<u8>; 2],
    pub(super) limits: Vec<(c_int, u64, u64)>,
    pub(super) landlock: Option<OwnedFd>,
    pub(super) filter: BpfProgram,
    /// Hangs up when the tool is to end.
    pub(super) control: OwnedFd,
    /// Takes records of two numbers, see [`Tag`].
    pub(super) report: OwnedFd,
}

/// What a number in the report is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Tag {
    Status = 1,
    CpuMicros = 2,
    FailedStage = 3,
}

/// What failed before the tool was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Namespaces = 1,
    Limits = 2,
    Files = 3,
    Network = 4,
}

/// Lets `command` follow the orders when it is spawned.
pub(super) fn arm(command: &mut Command, orders: Orders) {
    // SAFETY: `enter` and all that it calls is async-signal-safe: it makes system calls, and neither allocates nor locks.
    unsafe { command.pre_exec(move || enter(&orders)) };
}

/// Whether the system permits a mode. `command` is not run: the spawn fails with the answer.
pub(super) fn arm_probe(command: &mut Command, mode: Mode, own_network: bool, maps: [Vec<u8>; 2]) {
    // SAFETY: as above. The fork of the fork ends in here.
    unsafe {
        command.pre_exec(move || {
            let pid = clone(mode.flags(network_flag(own_network)));
            if pid == 0 {
                let ready = mode != Mode::User || map_user(&maps).is_ok();
                libc::_exit(c_int::from(!ready));
            }
            let mut status = 0;
            let permitted = pid > 0 && libc::waitpid(pid, &raw mut status, 0) == pid && status == 0;
            Err(io::Error::from_raw_os_error(if permitted { PERMITTED } else { libc::EPERM }))
        });
    }
}

/// What a probe's spawn fails with if the mode is permitted: no error that the system has.
pub(super) const PERMITTED: i32 = libc::EXFULL;

fn network_flag(own: bool) -> c_int {
    if own { libc::CLONE_NEWNET } else { 0 }
}

/// Becomes three: only the tool's process returns.
fn enter(orders: &Orders) -> io::Result<()> {
    // SAFETY: system calls without pointers but to locals.
    unsafe {
        libc::setsid();
        libc::umask(0o077);
        libc::signal(libc::SIGCHLD, libc::SIG_DFL);
        signals(libc::SIG_BLOCK);
        match clone(orders.mode.flags(network_flag(orders.own_network))) {
            0 => {}
            pid if pid < 0 => return Err(failed(orders, Stage::Namespaces)),
            pid => wait_for(pid, orders),
        }
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
        if orders.mode == Mode::User && map_user(&orders.maps).is_err() {
            return Err(failed(orders, Stage::Namespaces));
        }
        // the tool is of the same user, and must not take us over
        libc::prctl(libc::PR_SET_DUMPABLE, 0);
        libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1);
        match clone(0) {
            0 => {}
            pid if pid < 0 => return Err(failed(orders, Stage::Namespaces)),
            pid => supervise(pid, orders),
        }
        confine(orders)
    }
}

/// The tool's process, just before it is the tool.
fn confine(orders: &Orders) -> io::Result<()> {
    // SAFETY: system calls with pointers to locals and to `orders`.
    unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
        libc::setsid();
        signals(libc::SIG_SETMASK);
        for (resource, soft, hard) in &orders.limits {
            let limit = libc::rlimit64 { rlim_cur: *soft, rlim_max: *hard };
            let none = std::ptr::null_mut::<libc::rlimit64>();
            if libc::syscall(libc::SYS_prlimit64, 0, *resource, &raw const limit, none) != 0 {
                return Err(failed(orders, Stage::Limits));
            }
        }
        if close_range(3, libc::CLOSE_RANGE_CLOEXEC as c_int) != 0 {
            return Err(failed(orders, Stage::Limits));
        }
        // of the namespace, or of root; who has none is refused
        for capability in 0..64 {
            libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0);
        }
        if libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 {
            return Err(failed(orders, Stage::Limits));
        }
        if let Some(rules) = &orders.landlock
            && libc::syscall(libc::SYS_landlock_restrict_self, rules.as_raw_fd(), 0) != 0
        {
            return Err(failed(orders, Stage::Files));
        }
        if !orders.filter.is_empty() && seccompiler::apply_filter(&orders.filter).is_err() {
            return Err(failed(orders, Stage::Network));
        }
    }
    Ok(())
}

/// The first process in between: outlives the namespace and so knows what all of it has used.
fn wait_for(pid: pid_t, orders: &Orders) -> ! {
    // SAFETY: system calls with pointers to locals; an all-zero `rusage` is one.
    unsafe {
        keep_pipes(orders);
        let mut status = 0;
        while libc::waitpid(pid, &raw mut status, 0) < 0 && *libc::__errno_location() == libc::EINTR {}
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_CHILDREN, &raw mut usage);
        let micros =
            |time: libc::timeval| (time.tv_sec as u64).wrapping_mul(1_000_000).wrapping_add(time.tv_usec as u64);
        tell(REPORT, Tag::CpuMicros, micros(usage.ru_utime).wrapping_add(micros(usage.ru_stime)));
        libc::_exit(0)
    }
}

/// The second: reaps orphans until the tool ends or is to end. The kernel then ends the namespace that it was the first of.
fn supervise(tool: pid_t, orders: &Orders) -> ! {
    // SAFETY: system calls with pointers to locals.
    unsafe {
        keep_pipes(orders);
        let handle = libc::syscall(libc::SYS_pidfd_open, tool, 0) as c_int;
        // a kernel without handles of processes is asked more often
        let pause_ms = if handle < 0 { 20 } else { 1000 };
        loop {
            let watched = |fd| libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
            let mut files = [watched(CONTROL), watched(handle)];
            libc::poll(files.as_mut_ptr(), 2, pause_ms);
            if files[0].revents != 0 {
                break;
            }
            if let Some(status) = reap(tool) {
                tell(REPORT, Tag::Status, u64::from(status as u32));
                break;
            }
        }
        if orders.mode == Mode::Plain {
            kill_descendants(tool);
        }
        libc::_exit(0)
    }
}

/// The status of the tool, if it is among those who have ended.
fn reap(tool: pid_t) -> Option<c_int> {
    let mut status = 0;
    loop {
        // SAFETY: the pointer is to a local.
        match unsafe { libc::waitpid(-1, &raw mut status, libc::WNOHANG | libc::__WALL) } {
            pid if pid == tool => return Some(status),
            pid if pid <= 0 => return None,
            _ => {}
        }
    }
}

/// Without a namespace: whose parent is killed becomes our child, and comes next. Bounded, for those that fork as fast.
fn kill_descendants(tool: pid_t) {
    const ROUNDS_MAX: usize = 1000;
    // SAFETY: system calls with pointers to locals.
    unsafe {
        libc::kill(-tool, libc::SIGKILL);
        for _ in 0..ROUNDS_MAX {
            kill_children();
            while libc::waitpid(-1, std::ptr::null_mut(), libc::WNOHANG | libc::__WALL) > 0 {}
            if *libc::__errno_location() == libc::ECHILD {
                return;
            }
            libc::poll(std::ptr::null_mut(), 0, 2);
        }
    }
}

fn kill_children() {
    let mut text = [0_u8; 4096];
    // SAFETY: the path ends with a zero, and the buffer is as long as is said. Children are not reaped meanwhile, so their
    // numbers are theirs; the last may be cut off, and is therefore left for the next round unless a space follows.
    unsafe {
        let file = libc::open(c"/proc/thread-self/children".as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC);
        let length = libc::read(file, text.as_mut_ptr().cast(), text.len());
        libc::close(file);
        let mut pid: pid_t = 0;
        for byte in text.iter().take(usize::try_from(length).unwrap_or(0)) {
            if byte.is_ascii_digit() {
                pid = pid.wrapping_mul(10).wrapping_add(pid_t::from(byte - b'0'));
            } else {
                if pid > 1 {
                    libc::kill(pid, libc::SIGKILL);
                }
                pid = 0;
            }
        }
    }
}

/// Where [`keep_pipes`] puts them.
const CONTROL: c_int = 0;
const REPORT: c_int = 1;

/// Closes all files of a process in between but the two pipes; one must not keep open what is our parent's, nor the pipe by
/// which a spawn learns that the program has started.
fn keep_pipes(orders: &Orders) {
    // SAFETY: system calls on numbers. Neither pipe is number 0 to 2, which the standard streams took before the fork.
    unsafe {
        libc::dup2(orders.control.as_raw_fd(), CONTROL);
        libc::dup2(orders.report.as_raw_fd(), REPORT);
        if close_range(2, 0) != 0 {
            libc::_exit(1);
        }
    }
}

fn close_range(first: c_int, flags: c_int) -> c_long {
    // SAFETY: no pointers; nobody uses the files after, but for exec.
    unsafe { libc::syscall(libc::SYS_close_range, first, c_int::MAX, flags) }
}

/// As `fork`, with namespaces, and without the C library's handlers.
fn clone(flags: c_int) -> pid_t {
    // SAFETY: without `CLONE_VM` the child has a copy of all memory, its stack too, as `fork` gives it.
    unsafe { libc::syscall(libc::SYS_clone, c_long::from(flags | libc::SIGCHLD), 0, 0, 0, 0) as pid_t }
}

/// Blocks all signals, or (`SIG_SETMASK`) none.
fn signals(how: c_int) {
    // SAFETY: an all-zero set is an empty one; pointers are to locals.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        if how == libc::SIG_BLOCK {
            libc::sigfillset(&raw mut set);
        }
        libc::sigprocmask(how, &raw const set, std::ptr::null_mut());
    }
}

/// In a new user namespace we remain who we are.
fn map_user(maps: &[Vec<u8>; 2]) -> io::Result<()> {
    write_file(c"/proc/self/setgroups", b"deny")?;
    write_file(c"/proc/self/uid_map", &maps[0])?;
    write_file(c"/proc/self/gid_map", &maps[1])
}

fn write_file(path: &std::ffi::CStr, text: &[u8]) -> io::Result<()> {
    // SAFETY: the path ends with a zero, and the text is as long as is said.
    unsafe {
        let file = libc::open(path.as_ptr(), libc::O_WRONLY | libc::O_CLOEXEC);
        let written = libc::write(file, text.as_ptr().cast(), text.len());
        let error = io::Error::last_os_error();
        libc::close(file);
        if usize::try_from(written) == Ok(text.len()) { Ok(()) } else { Err(error) }
    }
}

fn failed(orders: &Orders, stage: Stage) -> io::Error {
    let error = io::Error::last_os_error();
    tell(orders.report.as_raw_fd(), Tag::FailedStage, stage as u64);
    error
}

/// One record; a pipe takes so few bytes at once or not at all.
fn tell(report: c_int, tag: Tag, value: u64) {
    let record = [tag as u64, value];
    // SAFETY: the pointer is to a local of the length said.
    unsafe { libc::write(report, record.as_ptr().cast(), size_of_val(&record)) };
}
