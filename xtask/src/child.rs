//! Runs other programs: streamed, into a log file, or captured.
//!
//! Every child leads a process group of its own and is known to [`crate::signals`], so that ending us ends it with all
//! that it started. Children get no standard input: a build that asks a question would wait for ever.

use std::fmt;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::{signals, ui};

/// How much of a failed child's log is shown; the whole of it is in the file.
const LINES_SHOWN_MAX: usize = 300;

/// How often a silent child is mentioned, so that a CI system does not take it for dead.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// A program that ended with an error. Its exit code becomes ours.
#[derive(Debug)]
pub(crate) struct Failed {
    shown: String,
    status: ExitStatus,
}

impl Failed {
    /// As a shell would report it: the child's code, or 128 and the signal that ended it.
    pub(crate) fn exit_code(&self) -> u8 {
        let code = self.status.code().unwrap_or_else(|| 128 + self.status.signal().unwrap_or(0));
        u8::try_from(code).unwrap_or(1)
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` failed ({})", self.shown, self.status)
    }
}

impl std::error::Error for Failed {}

/// The child writes to our terminal.
pub(crate) fn stream(command: &mut Command) -> Result<()> {
    let mut child = spawn(command.stdin(Stdio::null()))?;
    finish(command, signals::wait(&mut child)?)
}

/// The child writes to the file `log`, whose end is shown when it fails.
pub(crate) fn logged(command: &mut Command, log: &Path) -> Result<()> {
    let status = into_log(command, log, None)?;
    if !status.success() {
        show(log)?;
    }
    finish(command, status)
}

/// The child writes to the file `log` and is ended after `limit`. A failure shows nothing: the caller expects it, and
/// finds the reason in the log.
pub(crate) fn quiet_within(limit: Duration, command: &mut Command, log: &Path) -> Result<()> {
    let status = into_log(command, log, Some(limit))?;
    finish(command, status)
}

fn into_log(command: &mut Command, log: &Path, limit: Option<Duration>) -> Result<ExitStatus> {
    let file = create(log)?;
    let copy = file.try_clone().with_context(|| format!("cannot write {}", log.display()))?;
    let mut child = spawn(command.stdin(Stdio::null()).stdout(copy).stderr(file))?;
    let watch = Watch { child: child.id(), log: log.to_path_buf(), started: Instant::now(), limit };
    watch.during(|| signals::wait(&mut child))
}

/// What the child writes to standard output; its standard error goes to our terminal.
pub(crate) fn capture(command: &mut Command) -> Result<String> {
    let mut child = spawn(command.stdin(Stdio::null()).stdout(Stdio::piped()))?;
    let mut text = String::new();
    let pipe = child.stdout.as_mut().context("the pipe was asked for above")?;
    pipe.read_to_string(&mut text).with_context(|| format!("cannot read what `{}` prints", shown(command)))?;
    finish(command, signals::wait(&mut child)?)?;
    Ok(text)
}

/// Whether the child can be run and succeeds; what it prints is of no interest.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    spawn(quiet).and_then(|mut child| signals::wait(&mut child)).is_ok_and(|status| status.success())
}

/// For what may fail without harm: the failure is told, and the work goes on.
pub(crate) fn or_note(consequence: &str, result: Result<()>) {
    if let Err(error) = result {
        ui::warn(&format!("{error:#}; {consequence}"));
    }
}

fn spawn(command: &mut Command) -> Result<Child> {
    let child = command.process_group(0).spawn().with_context(|| format!("cannot start `{}`", shown(command)))?;
    signals::started(&child);
    Ok(child)
}

fn finish(command: &Command, status: ExitStatus) -> Result<()> {
    if status.success() {
        return Ok(());
    }
    Err(Failed { shown: shown(command), status }.into())
}

fn create(log: &Path) -> Result<File> {
    let folder = log.parent().context("a log lies in a folder")?;
    fs::create_dir_all(folder)
        .and_then(|()| File::create(log))
        .with_context(|| format!("cannot write the log {}", log.display()))
}

/// Keeps an eye on a child that writes to a log.
struct Watch {
    child: u32,
    log: PathBuf,
    started: Instant,
    limit: Option<Duration>,
}

impl Watch {
    /// Runs `wait` on this thread and watches on another.
    fn during<T>(self, wait: impl FnOnce() -> T) -> T {
        let (done, ended) = mpsc::channel();
        let watcher = thread::spawn(move || self.until(&ended));
        let result = wait();
        drop(done);
        watcher.join().expect("watching does not panic");
        result
    }

    fn until(&self, ended: &Receiver<()>) {
        let pause = self.limit.map_or(HEARTBEAT, |limit| limit.min(HEARTBEAT));
        while ended.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
            if self.limit.is_some_and(|limit| self.started.elapsed() >= limit) {
                signals::kill(self.child);
            }
            let text = fs::read(&self.log).unwrap_or_default();
            ui::still_running(self.started.elapsed(), last_lines(&String::from_utf8_lossy(&text), 1));
        }
    }
}

fn show(log: &Path) -> Result<()> {
    let text = fs::read(log).with_context(|| format!("cannot read the log {}", log.display()))?;
    let text = String::from_utf8_lossy(&text);
    eprintln!("{}", last_lines(&text, LINES_SHOWN_MAX));
    eprintln!("    (the whole output: {})", log.display());
    Ok(())
}

/// The last `count` lines; progress bars that rewrite their line count as one.
fn last_lines(text: &str, count: usize) -> &str {
    let text = text.trim_end();
    let start = text.rmatch_indices(['\n', '\r']).nth(count - 1).map_or(0, |(index, _)| index + 1);
    &text[start..]
}

/// The command line, as short as a reader needs it: paths and options, no environment.
fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_the_end_of_the_text() {
        assert_eq!(last_lines("a\nb\nc\n", 2), "b\nc");
        assert_eq!(last_lines("a\nb\n", 5), "a\nb");
        assert_eq!(last_lines("", 1), "");
        assert_eq!(last_lines("10%\r100%", 1), "100%");
    }

    #[test]
    fn the_exit_code_is_passed_on() {
        let error = stream(Command::new("sh").args(["-c", "exit 7"])).unwrap_err();
        assert_eq!(error.downcast_ref::<Failed>().map(Failed::exit_code), Some(7));
        assert_eq!(error.to_string(), "`sh -c exit 7` failed (exit status: 7)");
    }

    #[test]
    fn a_child_that_takes_too_long_is_ended() {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        let limit = Duration::from_millis(50);
        let error = quiet_within(limit, command.args(["-c", "sleep 600"]), &folder.path().join("log")).unwrap_err();
        assert_eq!(error.downcast_ref::<Failed>().map(Failed::exit_code), Some(137));
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = stream(&mut Command::new("hks-no-such-program")).unwrap_err();
        assert_eq!(error.to_string(), "cannot start `hks-no-such-program`");
    }

    #[test]
    fn output_is_captured() {
        assert_eq!(capture(Command::new("sh").args(["-c", "echo 42"])).unwrap(), "42\n");
    }

    #[test]
    fn a_log_keeps_both_streams() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("logs/step.log");
        logged(Command::new("sh").args(["-c", "echo out; echo err >&2"]), &log).unwrap();
        assert_eq!(fs::read_to_string(log).unwrap(), "out\nerr\n");
    }
}
