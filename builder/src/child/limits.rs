use std::time::Duration;

/// What a tool may use. Every field is finite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChildLimits {
    /// From start to end. A bundler with an optimiser takes minutes, a cold build of a large crate graph ten.
    pub wall_time_max: Duration,
    /// Processor time of each process: a spinning one ends before the wall time does, on a machine with other work.
    pub cpu_time_max: Duration,
    /// Resident memory of all processes together, without what they share with files. Compilers of one function stay below 2 GiB.
    pub memory_bytes_max: u64,
    /// What the kernel counts for each process against `memory_bytes_max`.
    pub memory_of: MemoryOf,
    /// Processes and threads together; Go, Node and cargo start some for each processor. Where the tool has a user namespace and
    /// is not root's, the kernel refuses more; elsewhere the tool is ended, because the kernel would count all that its user
    /// runs, or, for root, nothing.
    pub tasks_max: u64,
    /// One file. A compiled module has some megabytes; a debug build of a large program a few hundred.
    pub file_bytes_max: u64,
    /// Open files of each process. Bundlers hold many; select(2) ends at 1,024, more than that works.
    pub open_files_max: u64,
    /// What the folder may take on disk, with what was in it before. Dependencies of a large front end take 1 GiB.
    pub disk_bytes_max: u64,
    /// Files and folders in the folder: bounds the work to measure it, and the inodes of the disk.
    pub disk_entries_max: u64,
    /// Output that is kept; more is read and dropped. A person reads none of it beyond the first pages and the last.
    pub log_bytes_max: u64,
    /// One line; longer ones are cut. Bundlers print whole minified lines.
    pub line_bytes_max: usize,
}

/// How the kernel limits the memory of one process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MemoryOf {
    /// Writable private memory (`RLIMIT_DATA`). Holds for all tools: what Go and Node only reserve is not counted.
    Data,
    /// All of the address space (`RLIMIT_AS`). Stricter; Go, Node and sanitizers reserve far more than they use, and fail.
    AddressSpace,
}

impl Default for ChildLimits {
    fn default() -> Self {
        Self {
            wall_time_max: Duration::from_secs(15 * 60),
            cpu_time_max: Duration::from_secs(15 * 60),
            memory_bytes_max: 4 << 30,
            memory_of: MemoryOf::Data,
            tasks_max: 1024,
            file_bytes_max: 1 << 30,
            open_files_max: 4096,
            disk_bytes_max: 4 << 30,
            disk_entries_max: 400_000,
            log_bytes_max: 8 << 20,
            line_bytes_max: 16 << 10,
        }
    }
}
