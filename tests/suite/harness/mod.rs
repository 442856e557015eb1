//! What the tests share: a house to run guests in, calls to make there, components from text, and looks at the process.

mod call;
pub(crate) mod canaries;
mod command;
mod component;
mod house;
mod language;
mod process;
mod report;
mod server;
mod workbench;

pub(crate) use call::{Call, Running, call, fork, fork_refused, wait};
pub(crate) use command::Command;
pub(crate) use component::Handler;
pub(crate) use house::{House, cache, house};
pub(crate) use language::{Language, dedent, linked_python};
pub(crate) use process::{alone, open_files, peak_rss_bytes, reset_peak_rss, rss_bytes, take_turn};
pub(crate) use report::{assert_ended, assert_ended_in, assert_says, value};
pub(crate) use server::Server;
pub(crate) use workbench::{Workbench, tree};

pub(crate) const MIB: u64 = 1 << 20;
