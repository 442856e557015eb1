//! Python: finding an interpreter, and virtual environments with exactly the pinned packages.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::hash::Key;
use crate::workspace::Workspace;
use crate::{cache, child, system_package, ui};

/// Major and minor, as in 3.14.
pub(crate) type Version = (u32, u32);

/// The oldest Python that the SDK supports.
pub(crate) const OLDEST: Version = (3, 9);

/// An interpreter of the machine.
#[derive(Debug)]
pub(crate) struct Python {
    program: PathBuf,
    version: Version,
}

impl Python {
    /// `$PYTHON`, or else `python3` on the `PATH`; at least [`OLDEST`].
    pub(crate) fn find(workspace: &Workspace) -> Result<Self> {
        let chosen = env::var_os("PYTHON").filter(|value| !value.is_empty());
        let program = chosen.clone().unwrap_or_else(|| "python3".into());
        let shown = program.to_string_lossy().into_owned();
        let Some(python) = Self::probe(workspace, program) else {
            bail!("{}", not_found(&shown, chosen.is_some()));
        };
        if python.version < OLDEST {
            bail!("{}", too_old(&shown, python.version));
        }
        Ok(python)
    }

    /// Any interpreter that is at least `oldest`: on the `PATH`, or where pyenv and uv keep theirs.
    pub(crate) fn find_at_least(workspace: &Workspace, oldest: Version) -> Option<Self> {
        let versioned = (oldest.1..=oldest.1 + 4).rev().map(|minor| OsString::from(format!("python3.{minor}")));
        let candidates = env::var_os("PYTHON").into_iter().chain(["python3".into()]).chain(versioned).chain(managed());
        candidates.filter_map(|program| Self::probe(workspace, program)).find(|python| python.version >= oldest)
    }

    /// Its absolute path.
    pub(crate) fn program(&self) -> &Path {
        &self.program
    }

    /// The folder that it was installed into.
    pub(crate) fn prefix(&self, workspace: &Workspace) -> Result<PathBuf> {
        let script = "import sys; print(sys.base_prefix)";
        Ok(child::capture(workspace.command(&self.program).args(["-c", script]))?.trim_end().into())
    }

    fn probe(workspace: &Workspace, program: OsString) -> Option<Self> {
        let script = "import sys; print(sys.version_info[0], sys.version_info[1], sys.executable)";
        // A version manager's stub may be there without the version behind it, and complains on standard error.
        let quiet = std::process::Stdio::null();
        let text = child::capture(workspace.command(program).args(["-c", script]).stderr(quiet)).ok()?;
        parse(&text)
    }

    /// The packages of a requirements file and nothing else, in the cache that all checkouts share.
    pub(crate) fn tools(&self, workspace: &Workspace, name: &str, requirements: &Path) -> Result<Venv> {
        let key = Key::new("venv")
            .file("requirements", requirements)?
            .bytes("python", format!("{} {:?}", self.program.display(), self.version).as_bytes());
        let folder = workspace.cached(format!("tools/{name}-{}", key.finish()));
        cache::folder(&folder, |folder| {
            ui::step(&format!("install the tools for {name}"), || {
                self.create(workspace, folder)?.install(workspace, &format!("pip-{name}"), requirements)
            })
        })?;
        Ok(Venv(folder))
    }

    /// A virtual environment of the checkout. Made anew when it belongs to another interpreter.
    pub(crate) fn venv(&self, workspace: &Workspace, name: &str) -> Result<Venv> {
        let folder = workspace.path(".hks").join(name);
        let stamp = folder.join(".made-with");
        let made_with = format!("{} {:?}", self.program.display(), self.version);
        if fs::read_to_string(&stamp).is_ok_and(|text| text == made_with) && folder.join("bin/python").exists() {
            return Ok(Venv(folder));
        }
        cache::remove(&folder)?;
        let venv = self.create(workspace, &folder)?;
        fs::write(&stamp, made_with).with_context(|| format!("cannot write {}", stamp.display()))?;
        Ok(venv)
    }

    fn create(&self, workspace: &Workspace, folder: &Path) -> Result<Venv> {
        if !child::succeeds(workspace.command(&self.program).args(["-c", "import venv, ensurepip"])) {
            let reason = format!("{} cannot make virtual environments", self.program.display());
            system_package::install(workspace, "python3-venv", &reason)?;
        }
        workspace.run("venv", workspace.command(&self.program).args(["-m", "venv"]).arg(folder))?;
        Ok(Venv(folder.to_path_buf()))
    }
}

/// A virtual environment.
#[derive(Debug)]
pub(crate) struct Venv(PathBuf);

impl Venv {
    /// One of its programs.
    pub(crate) fn bin(&self, program: &str) -> PathBuf {
        self.0.join("bin").join(program)
    }

    /// The `PATH` of a shell in which it is activated.
    pub(crate) fn path_with_programs(&self) -> Result<OsString> {
        let path = env::var_os("PATH").unwrap_or_default();
        let folders = [self.0.join("bin")].into_iter().chain(env::split_paths(&path));
        env::join_paths(folders).context("the folder of the cache must not contain a colon")
    }

    /// The folder with its packages.
    pub(crate) fn packages(&self, workspace: &Workspace) -> Result<PathBuf> {
        let script = "import sysconfig; print(sysconfig.get_path('purelib'))";
        Ok(child::capture(self.python(workspace).args(["-c", script]))?.trim_end().into())
    }

    /// Its interpreter, deaf to what the caller's environment says about Python.
    pub(crate) fn python(&self, workspace: &Workspace) -> Command {
        let mut command = workspace.command(self.bin("python"));
        command.env_remove("PYTHONPATH").env_remove("PYTHONHOME");
        command
    }

    /// `pip` with the options that make it quiet and strict.
    pub(crate) fn pip_install(&self, workspace: &Workspace) -> Command {
        let mut command = self.python(workspace);
        command.args(["-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--quiet"]);
        command
    }

    /// Installs exactly the files whose hashes a requirements file lists.
    pub(crate) fn install(&self, workspace: &Workspace, log: &str, requirements: &Path) -> Result<()> {
        install_pinned(self.pip_install(workspace), workspace, log, requirements)
    }

    /// The same into a folder of the environment, where its own interpreter does not find them.
    pub(crate) fn install_to(&self, folder: &str, workspace: &Workspace, log: &str, requirements: &Path) -> Result<()> {
        let folder = self.0.join(folder);
        cache::remove(&folder)?;
        let mut pip = self.pip_install(workspace);
        pip.arg("--target").arg(folder);
        install_pinned(pip, workspace, log, requirements)
    }

    /// Runs `work` unless it was run to its end for the same `key` before.
    pub(crate) fn once(&self, name: &str, key: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
        let stamp = self.0.join(format!(".installed-{name}"));
        if fs::read_to_string(&stamp).is_ok_and(|text| text == key) {
            return Ok(());
        }
        work()?;
        fs::write(&stamp, key).with_context(|| format!("cannot write {}", stamp.display()))
    }
}

fn install_pinned(mut pip: Command, workspace: &Workspace, log: &str, requirements: &Path) -> Result<()> {
    workspace
        .run(log, pip.args(["--require-hashes", "--only-binary", ":all:", "--requirement"]).arg(requirements))
        .with_context(|| format!("cannot install the packages of {}", workspace.shown(requirements)))
}

/// Interpreters that version managers installed, which need not be on the `PATH`.
fn managed() -> impl Iterator<Item = OsString> {
    let home = PathBuf::from(env::var_os("HOME").unwrap_or_default());
    let folders = [".pyenv/versions", ".local/share/uv/python"].map(|folder| home.join(folder));
    let entries = folders.into_iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten();
    entries.flatten().map(|entry| entry.path().join("bin/python3").into_os_string())
}

fn parse(text: &str) -> Option<Python> {
    let mut words = text.trim_end().splitn(3, ' ');
    let version = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    Some(Python { program: words.next()?.into(), version })
}

fn not_found(program: &str, chosen: bool) -> String {
    if chosen {
        return format!("PYTHON is set to {program:?}, which is no Python: set it to an interpreter, or unset it");
    }
    format!(
        "no `{program}` on the PATH: install Python {}.{} or newer, or set PYTHON to an interpreter",
        OLDEST.0, OLDEST.1
    )
}

fn too_old(program: &str, (major, minor): Version) -> String {
    format!(
        "`{program}` is Python {major}.{minor}, and {}.{} is the oldest that works: set PYTHON to a newer one",
        OLDEST.0, OLDEST.1
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interpreter_is_its_version_and_its_path() {
        let python = parse("3 11 /opt/my python/bin/python3\n").unwrap();
        assert_eq!(python.version, (3, 11));
        assert_eq!(python.program, Path::new("/opt/my python/bin/python3"));
        assert!(parse("").is_none());
    }

    #[test]
    fn messages_say_what_to_do_next() {
        assert!(not_found("python3", false).contains("install Python 3.9 or newer"));
        assert!(not_found("snake", true).contains("unset it"));
        assert!(too_old("python3", (3, 8)).contains("set PYTHON to a newer one"));
    }

    #[test]
    fn versions_compare_by_number() {
        assert!((3, 9) < (3, 10));
    }
}
