use std::fs;
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};

use landlock::{
    ABI, Access, AccessFs, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError, Scope,
    path_beneath_rules,
};
use rustix::process::{Resource, getegid, geteuid, getrlimit};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};

use super::launch::{self, Mode};
use super::{ChildLimits, MemoryOf, Tool};

/// Whether a tool may use the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// No sockets, not even to itself.
    Denied,
    /// All that we reach: for a step that fetches dependencies.
    Allowed,
}

/// What to do where the system lacks Landlock, or the means to deny the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Isolation {
    /// Do not run. The default: a build that was to have no network must not have it because of where it runs.
    #[default]
    Required,
    /// Run with what there is, and say so in [`Confinement`](super::Confinement).
    BestEffort,
}

/// What every tool may read and execute, if it exists. Not `/etc`, `/run`, `/var`, or anybody's home; of `/etc` only what
/// names, certificates and libraries are looked up in.
pub const SYSTEM: &[&str] = &[
    "/bin",
    "/etc/alternatives",
    "/etc/ca-certificates",
    "/etc/group",
    "/etc/host.conf",
    "/etc/hosts",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/localtime",
    "/etc/mime.types",
    "/etc/nsswitch.conf",
    "/etc/os-release",
    "/etc/passwd",
    "/etc/pki/tls",
    "/etc/protocols",
    "/etc/resolv.conf",
    "/etc/services",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/lib",
    "/lib32",
    "/lib64",
    "/nix/store",
    "/opt",
    "/proc",
    "/sbin",
    "/sys/devices/system/cpu",
    "/sys/fs/cgroup",
    "/sys/kernel/mm/transparent_hugepage",
    "/usr",
];

/// What is read and written without harm.
const DEVICES: [&str; 5] = ["/dev/full", "/dev/null", "/dev/random", "/dev/urandom", "/dev/zero"];

/// The newest rules for files that our tools are known to live with; older kernels enforce what they know of them.
const RULES: ABI = ABI::V3;

/// Rules for files, or none where the kernel has no Landlock.
pub(super) fn landlock(tool: &Tool) -> Result<Option<OwnedFd>, RulesetError> {
    let read = AccessFs::from_read(RULES);
    let mut rules = Ruleset::default()
        .handle_access(AccessFs::from_all(RULES))?
        .scope(Scope::from_all(ABI::V6))?
        .create()?
        .add_rules(path_beneath_rules(SYSTEM, read))?
        .add_rules(path_beneath_rules(&tool.readable, read))?
        .add_rules(path_beneath_rules(DEVICES, AccessFs::ReadFile | AccessFs::WriteFile))?;
    if let Ok(folder) = PathFd::new(&tool.folder) {
        rules = rules.add_rule(PathBeneath::new(folder, AccessFs::from_all(RULES)))?;
    }
    Ok(rules.into())
}

/// Refuses all sockets but pairs, which reach nobody else. An empty filter where the processor is unknown.
pub(super) fn no_sockets() -> BpfProgram {
    // a second table of calls of x86_64, which the kernel may have
    #[cfg(target_arch = "x86_64")]
    const TABLES: [i64; 2] = [0, 0x4000_0000];
    #[cfg(not(target_arch = "x86_64"))]
    const TABLES: [i64; 1] = [0];
    // io_uring makes sockets without the call
    let calls = [libc::SYS_socket, libc::SYS_io_uring_setup];
    let rules = TABLES.iter().flat_map(|table| calls.map(|call| (call + table, Vec::new()))).collect();
    let refused = SeccompAction::Errno(libc::EACCES.unsigned_abs());
    std::env::consts::ARCH
        .try_into()
        .and_then(|arch| SeccompFilter::new(rules, SeccompAction::Allow, refused, arch))
        .and_then(TryInto::try_into)
        .unwrap_or_default()
}

/// How processes can be held together here: the first of `modes` that is permitted.
pub(super) fn mode(modes: &[Mode], own_network: bool) -> Mode {
    let permitted = |mode: &Mode| {
        let mut probe = Command::new("/");
        probe.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        launch::arm_probe(&mut probe, *mode, own_network, user_maps());
        probe.spawn().is_err_and(|error| error.raw_os_error() == Some(launch::PERMITTED))
    };
    modes.iter().copied().find(permitted).unwrap_or(Mode::Plain)
}

/// Who we are, as in `uid_map` and `gid_map`.
pub(super) fn user_maps() -> [Vec<u8>; 2] {
    [geteuid().as_raw(), getegid().as_raw()].map(|id| format!("{id} {id} 1").into_bytes())
}

/// Limits of each process that the kernel holds, none above what we have ourselves.
pub(super) fn resource_limits(limits: &ChildLimits, mode: Mode) -> Vec<(i32, u64, u64)> {
    let cpu_seconds = limits.cpu_time_max.as_secs().max(1);
    let memory = match limits.memory_of {
        MemoryOf::Data => (Resource::Data, libc::RLIMIT_DATA),
        MemoryOf::AddressSpace => (Resource::As, libc::RLIMIT_AS),
    };
    let mut wanted = vec![
        ((Resource::Core, libc::RLIMIT_CORE), 0, 0),
        // the signal comes first, so that a time-out can be told from a kill
        ((Resource::Cpu, libc::RLIMIT_CPU), cpu_seconds, cpu_seconds + 1),
        ((Resource::Fsize, libc::RLIMIT_FSIZE), limits.file_bytes_max, limits.file_bytes_max),
        ((Resource::Nofile, libc::RLIMIT_NOFILE), limits.open_files_max, limits.open_files_max),
        (memory, limits.memory_bytes_max, limits.memory_bytes_max),
    ];
    if mode == Mode::User && counts_tasks_by_namespace() {
        wanted.push(((Resource::Nproc, libc::RLIMIT_NPROC), limits.tasks_max, limits.tasks_max));
    }
    let bounded = |((resource, number), soft, hard): ((Resource, libc::__rlimit_resource_t), u64, u64)| {
        let ours = getrlimit(resource).maximum.unwrap_or(u64::MAX);
        (number.cast_signed(), soft.min(ours), hard.min(ours))
    };
    wanted.into_iter().map(bounded).collect()
}

/// Since Linux 5.14 `RLIMIT_NPROC` counts what a user runs in a user namespace; before, all that the user runs.
fn counts_tasks_by_namespace() -> bool {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(|number| number.parse::<u32>().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= (5, 14)
}
