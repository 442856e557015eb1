//! `uv`, the client that resolves and installs packages: how it is asked for those of another machine.
//!
//! pip could download for the guest too, but it evaluates markers for the machine that it runs on, refuses packages whose only
//! wheels are native before it can be asked for their Python part, and takes three times as long. uv resolves for an
//! environment that is described to it: with markers as the guest has them, and only wheels that run anywhere fit.
//!
//! Nothing of a package is run: sources are never built, and wheels are only unpacked. uv needs any Python on the machine to
//! look at, and is kept from fetching one.

use std::fs;
use std::path::PathBuf;

use super::fallback::FALLBACKS;
use super::pylock::Pylock;
use super::requirement::Requirement;
use super::{GUEST_VERSION, MARKERS};
use crate::child::{Network, Tool};
use crate::toolchain::Toolchain;
use crate::{Error, Workshop};

/// The platform whose wheels are taken where only their Python is wanted: the same one on every builder, so that all take
/// the same files.
const STAND_IN: &str = "x86_64-manylinux_2_28";
const RESOLVE: &str = "resolve packages";
const INSTALL: &str = "install packages";

const WANTED: &str = "requirements.in";
const CONSTRAINTS: &str = "constraints.txt";
const PINNED: &str = "pinned.in";
const LOCKED: &str = "locked.txt";
const TARGET: &str = "installed";

/// `uv` in a folder of the build.
pub(super) struct Uv {
    toolchain: Toolchain,
    folder: PathBuf,
}

impl Uv {
    /// # Errors
    /// [`Error::MissingTool`] if there is no uv.
    pub(super) fn new(workshop: &Workshop<'_>) -> Result<Self, Error> {
        let toolchain = workshop.toolchains().require("uv")?;
        let folder = workshop.folder().join("packages");
        fs::create_dir_all(&folder).map_err(Error::host("make a folder for packages"))?;
        let uv = Self { toolchain, folder };
        uv.write("pyproject.toml", &settings())?;
        Ok(uv)
    }

    /// Writes what is wanted where all resolutions look.
    pub(super) fn want(&self, wanted: &[Requirement], constraints: &[Requirement]) -> Result<(), Error> {
        self.write(WANTED, &lines(wanted))?;
        self.write(CONSTRAINTS, &lines(constraints))
    }

    /// Resolves for the guest: wheels that run anywhere, or packages that do without their native part.
    pub(super) fn resolve(&self, workshop: &mut Workshop<'_>) -> Result<Pylock, Error> {
        let fallbacks = FALLBACKS.iter().flat_map(|name| ["--no-binary", name]);
        let tool = self.compile(WANTED, "pylock.toml").arguments(["--universal"]).arguments(fallbacks);
        parsed(&workshop.capture(RESOLVE, &tool, Network::Allowed)?)
    }

    /// Resolves for a machine that native code runs on.
    pub(super) fn resolve_native(&self, workshop: &mut Workshop<'_>) -> Result<Pylock, Error> {
        let tool = self.compile(WANTED, "pylock.toml").arguments(["--python-platform", STAND_IN]);
        parsed(&workshop.capture(RESOLVE, &tool, Network::Allowed)?)
    }

    /// The same as a list of packages, each with those that need it.
    pub(super) fn explain_native(&self, workshop: &mut Workshop<'_>) -> Result<String, Error> {
        let tool = self.compile(WANTED, "requirements.txt");
        let tool = tool.arguments(["--python-platform", STAND_IN, "--annotate", "--annotation-style", "line"]);
        workshop.capture(RESOLVE, &tool, Network::Allowed)
    }

    /// Files of these very versions, with native code or without.
    pub(super) fn files_of(&self, pinned: &str, workshop: &mut Workshop<'_>) -> Result<Pylock, Error> {
        self.write(PINNED, pinned)?;
        let tool = self.compile(PINNED, "pylock.toml").arguments(["--no-deps", "--python-platform", STAND_IN]);
        parsed(&workshop.capture(RESOLVE, &tool, Network::Allowed)?)
    }

    /// Unpacks exactly the files of a lock, and says where.
    pub(super) fn install(&self, lock: &str, workshop: &mut Workshop<'_>) -> Result<PathBuf, Error> {
        self.write(LOCKED, lock)?;
        let tool = self.tool(["pip", "install"]).arguments(["--target", TARGET, "--requirement", LOCKED]).arguments([
            "--require-hashes",
            "--no-deps",
            "--python-platform",
            STAND_IN,
            "--link-mode",
            "copy",
        ]);
        workshop.run(INSTALL, &tool, Network::Allowed)?;
        Ok(self.folder.join(TARGET))
    }

    fn compile(&self, file: &str, format: &str) -> Tool {
        let tool = self.tool(["pip", "compile"]).arguments(["--format", format, "--no-header"]);
        let tool = if file == WANTED { tool.arguments(["--constraints", CONSTRAINTS, "--no-annotate"]) } else { tool };
        tool.arguments([file])
    }

    fn tool(&self, command: [&str; 2]) -> Tool {
        self.toolchain.tool(&self.folder).arguments(command).arguments([
            "--python-version",
            GUEST_VERSION,
            "--only-binary",
            ":all:",
            "--no-sources",
            "--no-python-downloads",
            "--no-progress",
            "--color",
            "never",
        ])
    }

    fn write(&self, file: &str, text: &str) -> Result<(), Error> {
        fs::write(self.folder.join(file), text).map_err(Error::host("write what uv is asked for"))
    }
}

/// uv takes the environment to resolve for from a project's settings only. It may take those with a fallback from their
/// sources, as sources count as a kind of file that fits anywhere, and their metadata is given so that none is built for it.
fn settings() -> String {
    let markers: Vec<String> = MARKERS.iter().map(|(name, value)| format!("{name} == '{value}'")).collect();
    let mut text = format!(
        "[project]\nname = \"function\"\nversion = \"0\"\nrequires-python = \"=={GUEST_VERSION}\"\n\n\
         [tool.uv]\nenvironments = [\"{}\"]\n",
        markers.join(" and ")
    );
    for name in FALLBACKS {
        text += &format!("\n[[tool.uv.dependency-metadata]]\nname = \"{name}\"\n");
    }
    text
}

fn lines(requirements: &[Requirement]) -> String {
    requirements.iter().map(|requirement| format!("{requirement}\n")).collect()
}

fn parsed(text: &str) -> Result<Pylock, Error> {
    Pylock::parse(text).map_err(Error::Host)
}
