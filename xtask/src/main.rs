//! The project's own commands: `cargo xtask --help`.
//!
//! A fresh machine needs Rust, Python and a C compiler; everything else is fetched here from package registries with
//! their ordinary clients. This crate stays light, because it is compiled before anything else can be said to a user.

mod bench;
mod cache;
mod child;
mod clean_cache;
mod fuse;
mod guests;
mod hash;
mod python;
mod quickstart;
mod signals;
mod soak;
mod steps;
mod system_package;
mod test;
mod toolchain;
mod toolchains;
mod ui;
mod wheel;
mod workspace;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::builder::PossibleValue;
use clap::{Parser, Subcommand};

use crate::guests::Guest;
use crate::toolchains::Toolset;
use crate::workspace::Workspace;

/// The project's own commands.
///
/// Built things are kept, named by their content, in $HKS_CACHE_DIR, $XDG_CACHE_HOME/hks or ~/.cache/hks, below `build/`.
/// Python is $PYTHON, or python3 on the PATH. Logs of children are in .hks/logs/.
#[derive(Debug, Parser)]
#[command(name = "xtask", bin_name = "cargo xtask", version)]
struct Cli {
    /// Stream the output of every child instead of keeping it in .hks/logs/.
    #[arg(long, short, global = true)]
    verbose: bool,
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// From a fresh checkout to the first answer: build what is missing, install the Python package into
    /// .hks/venv, run examples/quickstart.py.
    Quickstart,
    /// Everything that CI checks. All steps run even when one fails; the exit code is 1 if any did.
    Test {
        /// Only these steps and those that they need.
        #[arg(long, num_args = 1.., value_name = "NAME", value_parser = step_names())]
        only: Vec<String>,
        /// Run nothing after the first failure.
        #[arg(long)]
        fail_fast: bool,
    },
    /// The fast part of `test`: format, clippy, ruff, links.
    Lint {
        /// Mend what can be mended, then check.
        #[arg(long)]
        fix: bool,
    },
    /// Build the interpreter guests into sdk-python/python/hks_sdk/_guests/; both when none is named.
    Guests { guests: Vec<Guest> },
    /// Provide what functions are built with, such as compilers, and describe it for the builder; all when none is named.
    ///
    /// What is on the PATH and new enough is used; the rest is installed into the cache from package registries.
    Toolchains { toolsets: Vec<Toolset> },
    /// Make one core module of those that a component links, as is done to the Python guest.
    ///
    /// Components from componentize-py link a dozen core modules anew in every instance, which takes longer than many a
    /// function. The output has one, and imports, exports and does what the input did. Whatever is not known to stay the
    /// same is refused with the reason, and then nothing is written. Names of functions are left out.
    ///
    /// docs/adr/0011-fused-python-guest.md says why, guests/pack/src/fuse how.
    Fuse {
        /// A component with at least one core module, a table and a memory.
        #[arg(value_name = "INPUT.wasm")]
        input: PathBuf,
        /// Where the fused component goes; replaced if it is there, and only by a whole one.
        #[arg(value_name = "OUTPUT.wasm")]
        output: PathBuf,
    },
    /// Compare with peers: installs the package and the peers, builds what measures from within, then runs bench/run.py.
    Bench {
        /// One benchmark; all when absent.
        name: Option<String>,
        /// Passed on to bench/run.py, after `--`.
        #[arg(last = true)]
        arguments: Vec<String>,
    },
    /// Run very many executions of all kinds, and say whether memory, files, mappings or anything of a tenant is left over.
    Soak {
        /// How many. A million take about half an hour on two cores.
        #[arg(long, default_value_t = 1_000_000)]
        executions: u64,
    },
    /// Delete built guests, tools and environments, and say what is deleted.
    CleanCache,
}

fn step_names() -> clap::builder::PossibleValuesParser {
    steps::ALL.iter().map(|step| PossibleValue::new(step.name).help(step.about)).collect::<Vec<_>>().into()
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match signals::install().and_then(|()| run(cli)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            ui::error(&error);
            let child = error.chain().find_map(|cause| cause.downcast_ref::<child::Failed>());
            child.map_or(ExitCode::FAILURE, |child| child.exit_code().into())
        }
    }
}

fn run(cli: Cli) -> Result<()> {
    let workspace = Workspace::locate(cli.verbose)?;
    match cli.task {
        Task::Quickstart => quickstart::run(&workspace),
        Task::Test { only, fail_fast } => test::run(&workspace, &only, fail_fast),
        Task::Lint { fix } => {
            if fix {
                ui::step("fix", || steps::fix(&workspace))?;
            }
            test::run(&workspace, &steps::FAST.map(String::from), false)
        }
        Task::Guests { guests } => {
            let named = if guests.is_empty() { Guest::ALL.to_vec() } else { guests };
            named.into_iter().try_for_each(|guest| guests::provide(&workspace, guest).map(drop))
        }
        Task::Toolchains { toolsets } => {
            let named = if toolsets.is_empty() { Toolset::ALL.to_vec() } else { toolsets };
            toolchains::provide(&workspace, &named)
        }
        Task::Fuse { input, output } => fuse::run(&workspace, &input, &output),
        Task::Bench { name, arguments } => {
            bench::run(&workspace, &name.into_iter().chain(arguments).collect::<Vec<_>>())
        }
        Task::Soak { executions } => soak::run(&workspace, executions),
        Task::CleanCache => clean_cache::run(&workspace),
    }
}
