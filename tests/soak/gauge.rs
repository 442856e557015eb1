//! What the process uses, and whether it becomes more. Linux only.

use std::fmt;
use std::fs;

use anyhow::Context;

/// What the process uses at a moment when nothing runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Gauge {
    /// In RAM, with what is shared with files.
    resident_bytes: u64,
    /// In RAM, and nobody else's.
    private_bytes: u64,
    /// Open descriptors.
    files: u64,
    /// Lines of `/proc/self/maps`.
    mappings: u64,
}

impl Gauge {
    pub(crate) fn read() -> anyhow::Result<Self> {
        let status = fs::read_to_string("/proc/self/status")?;
        Ok(Self {
            resident_bytes: bytes(&status, "VmRSS:")?,
            private_bytes: bytes(&status, "RssAnon:")?,
            files: fs::read_dir("/proc/self/fd")?.count() as u64,
            mappings: fs::read_to_string("/proc/self/maps")?.lines().count() as u64,
        })
    }

    /// The last quarter against the first, by the least of each. What grows by a little in every execution is more at the
    /// end; what is more now and then, such as the pages of a slot that was just compared, is not.
    pub(crate) fn compare(gauges: &[Self]) -> [Verdict; 4] {
        let quarter = gauges.len().div_ceil(4);
        let (early, late) = (&gauges[..quarter], &gauges[gauges.len() - quarter..]);
        let least = |gauges: &[Self], of: fn(&Self) -> u64| gauges.iter().map(of).min().unwrap_or(0);
        let verdict = |what, of, slack| Verdict { what, early: least(early, of), late: least(late, of), slack };
        [
            // Of a slot that was just compared, all pages are there: 45 MiB in Python.
            verdict("bytes in RAM", |gauge| gauge.resident_bytes, 48 << 20),
            // Allocators keep pages for themselves, and slots learn pages that are seldom written.
            verdict("private bytes in RAM", |gauge| gauge.private_bytes, 16 << 20),
            // Folders that wait to be the `/tmp` of another attempt.
            verdict("open files", |gauge| gauge.files, 8),
            // A slot that was mapped anew has its mappings in other numbers than one that served long.
            verdict("mappings", |gauge| gauge.mappings, 100),
        ]
    }
}

fn bytes(status: &str, field: &str) -> anyhow::Result<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(field)).with_context(|| format!("no {field}"))?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? << 10)
}

impl fmt::Display for Gauge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { resident_bytes, private_bytes, files, mappings } = self;
        let (resident, private) = (resident_bytes >> 20, private_bytes >> 20);
        write!(f, "{resident} MiB in RAM, {private} of them private, {files} files, {mappings} mappings")
    }
}

/// One measure after the warm-up and at the end.
#[derive(Debug)]
pub(crate) struct Verdict {
    pub(crate) what: &'static str,
    early: u64,
    late: u64,
    slack: u64,
}

impl Verdict {
    pub(crate) fn is_flat(&self) -> bool {
        self.late <= self.early + self.slack
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, early, late, slack } = self;
        let judged = if self.is_flat() { "flat" } else { "GROWS" };
        write!(f, "{what}: {early} after the warm-up, {late} at the end, {slack} allowed: {judged}")
    }
}
