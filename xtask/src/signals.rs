//! Ctrl-C and SIGTERM end the children first, then us.
//!
//! A child that was started through cargo, pip or maturin has children of its own; each lives in the process group of
//! the one that we started, and the signal goes to the group.

use std::collections::BTreeSet;
use std::process::{self, Child, ExitStatus};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process_group};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// How long children may take to clean up after themselves.
const GRACE: Duration = Duration::from_secs(3);

static RUNNING: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());
static STOPPING: AtomicBool = AtomicBool::new(false);

/// Starts the thread that waits for signals.
pub(crate) fn install() -> Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).context("cannot wait for Ctrl-C")?;
    thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            stop(signal);
        }
    });
    Ok(())
}

/// To be called with every child, right after it was started as the leader of a new group.
pub(crate) fn started(child: &Child) {
    RUNNING.lock().expect("no one panics while holding it").insert(child.id());
    if STOPPING.load(Ordering::SeqCst) {
        send(child.id(), Signal::KILL);
    }
}

/// Waits for a child. Does not return once we are being ended ourselves: its failure is then no news.
pub(crate) fn wait(child: &mut Child) -> Result<ExitStatus> {
    let status = child.wait().context("cannot wait for a child process")?;
    RUNNING.lock().expect("no one panics while holding it").remove(&child.id());
    while STOPPING.load(Ordering::SeqCst) {
        thread::park();
    }
    Ok(status)
}

/// Ends one child and all that it started.
pub(crate) fn kill(child: u32) {
    send(child, Signal::KILL);
}

fn stop(signal: i32) -> ! {
    STOPPING.store(true, Ordering::SeqCst);
    eprintln!("\nstopping …");
    let started = Instant::now();
    send_to_all(Signal::TERM);
    while started.elapsed() < GRACE && !running().is_empty() {
        thread::sleep(Duration::from_millis(20));
    }
    send_to_all(Signal::KILL);
    process::exit(128 + signal)
}

fn send_to_all(signal: Signal) {
    for leader in running() {
        send(leader, signal);
    }
}

fn running() -> BTreeSet<u32> {
    RUNNING.lock().expect("no one panics while holding it").clone()
}

fn send(leader: u32, signal: Signal) {
    if let Some(group) = i32::try_from(leader).ok().and_then(Pid::from_raw) {
        // It may have ended by itself a moment ago; there is nothing else to do about an error.
        let _ = kill_process_group(group, signal);
    }
}
