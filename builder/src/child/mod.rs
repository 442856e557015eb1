//! Runs one tool of a build, such as a compiler or a package installer, as a limited child process. Linux only.
//!
//! What a tool is given to build is foreign, and so is all that it starts. A tool therefore
//! - has an environment of its own: nothing of ours, nor any of our open files; its standard input is empty;
//! - writes only below the build's folder and reads only the [system's folders](SYSTEM) and what its [`Tool`] names (Landlock);
//! - has no sockets if its network is [`Network::Denied`] (a seccomp filter, and a network namespace of its own where the
//!   system permits one);
//! - gains no privileges, and has no capabilities, not even as root;
//! - is bounded by [`ChildLimits`], and ended with all that it started, whatever that made of its session or its parents.
//!
//! # Processes
//!
//! Between us and the tool stand two processes that never run its code: one that waits, and one that is the first of a process
//! namespace. When the first of a namespace ends, the kernel ends all others. It ends when the tool does, or when the pipe that
//! only we hold hangs up: because of a limit, a [`Cancel`], a panic, or because we are gone. Where no namespace may be made (in
//! most containers), it is a subreaper instead: it inherits all orphans, and kills them.
//!
//! They are forked from us and run a few system calls, see `launch.rs`, which has all the unsafe code. A program that limits
//! itself and then starts the tool would need none, but the builder may be part of a Python process: there is no program of
//! ours to start, and `prlimit` or `setpriv` are not everywhere. The price: while a tool runs, pages that we write are copied.
//!
//! # Not covered
//!
//! - Memory, processes and disk are measured a few times a second; what is over before is seen late or, if deleted, never.
//!   Files that are deleted but open count for none. Per process the kernel holds the limits at once.
//! - CPU time is limited for each process, not for all together; wall time bounds that.
//! - Command lines of other processes, and what is world-readable in `/proc`, can be seen.
//! - A tool with [`Network::Allowed`] reaches everything that we reach, local services too.
//! - As root, or without a user namespace, the kernel does not count tasks for us: a fork bomb is seen after some thousand
//!   processes, and may for a moment take more memory than granted. A container's own limit of processes bounds it.
//! - Without a process namespace: a tool that forks faster than it can be killed may leave processes behind; they
//!   stay without network and files. On kernels before 6.12 such a tool may also signal other processes of our user.

mod cancel;
mod confine;
mod error;
mod launch;
mod limits;
mod measure;
mod outcome;
mod output;
mod run;
mod tool;
mod watch;

#[cfg(test)]
mod tests;

pub use cancel::Cancel;
pub use confine::{Isolation, Network, SYSTEM};
pub use error::Error;
pub use limits::{ChildLimits, MemoryOf};
pub use outcome::{Confinement, Ended, Outcome};
pub use output::{Line, Stream};
pub use run::Child;
pub use tool::Tool;
