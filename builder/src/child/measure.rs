//! What a tool uses just now: memory and tasks of all its processes, and the disk below its folder.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Tasks and memory.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Usage {
    pub(super) tasks: u64,
    pub(super) memory_bytes: u64,
}

/// Of the processes that descend from `waiting` by way of the one that supervises; neither of the two counts.
/// Memory is not looked at above `tasks_max`: a fork bomb gains on those who count for long.
pub(super) fn usage(waiting: u32, tasks_max: u64) -> Usage {
    let mut children: HashMap<u32, Vec<(u32, u64)>> = HashMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        if let Some((parent, tasks)) =
            fs::read_to_string(entry.path().join("stat")).ok().as_deref().and_then(parse_stat)
        {
            children.entry(parent).or_default().push((pid, tasks));
        }
    }
    let below = |pid: &u32| children.get(pid).cloned().unwrap_or_default();
    let mut open: Vec<(u32, u64)> = below(&waiting).iter().flat_map(|(supervisor, _)| below(supervisor)).collect();
    let mut usage = Usage::default();
    // parents cannot form a ring, but they are read one after the other
    let mut seen = HashSet::new();
    while let Some((pid, tasks)) = open.pop() {
        if seen.insert(pid) {
            usage.tasks += tasks;
            open.extend(below(&pid));
        }
    }
    if usage.tasks <= tasks_max {
        usage.memory_bytes = seen.iter().map(|pid| memory_bytes(*pid)).sum();
    }
    usage
}

/// The parent and the number of threads.
fn parse_stat(stat: &str) -> Option<(u32, u64)> {
    // a name in parentheses may hold anything
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace();
    Some((fields.nth(1)?.parse().ok()?, fields.nth(15)?.parse().ok()?))
}

fn memory_bytes(pid: u32) -> u64 {
    let statm = fs::read_to_string(format!("/proc/{pid}/statm")).unwrap_or_default();
    let pages: Vec<u64> = statm.split_ascii_whitespace().map_while(|field| field.parse().ok()).collect();
    let [_, resident, shared, ..] = pages[..] else { return 0 };
    resident.saturating_sub(shared) * rustix::param::page_size() as u64
}

/// How often the kernel has killed for want of memory, on all of the machine.
pub(super) fn memory_kills() -> u64 {
    let vmstat = fs::read_to_string("/proc/vmstat").unwrap_or_default();
    vmstat.lines().find_map(|line| line.strip_prefix("oom_kill ")?.parse().ok()).unwrap_or(0)
}

/// Whether a folder is larger than both bounds allow. Looks at no more entries than one above, and follows no links.
pub(super) fn is_above(folder: &Path, bytes_max: u64, entries_max: u64) -> bool {
    let mut folders: Vec<PathBuf> = vec![folder.to_path_buf()];
    let mut linked = HashSet::new();
    let (mut bytes, mut entries) = (0_u64, 0_u64);
    while let Some(folder) = folders.pop() {
        // what vanishes meanwhile takes nothing
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            entries += 1;
            if let Ok(metadata) = entry.metadata()
                && (metadata.is_dir() || metadata.nlink() == 1 || linked.insert((metadata.dev(), metadata.ino())))
            {
                bytes = bytes.saturating_add(metadata.blocks().saturating_mul(512));
                if metadata.is_dir() {
                    folders.push(entry.path());
                }
            }
            if bytes > bytes_max || entries > entries_max {
                return true;
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_forge_the_numbers_behind_it() {
        let stat = "7 (a) R 1 (b) S 42 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 3 0 99";
        assert_eq!(parse_stat(stat), Some((42, 3)));
        assert_eq!(parse_stat("7 (a"), None);
    }

    #[test]
    fn a_file_with_two_names_takes_its_space_once() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a"), vec![1; 1 << 20]).unwrap();
        fs::hard_link(folder.path().join("a"), folder.path().join("b")).unwrap();
        assert!(!is_above(folder.path(), 3 << 19, 2));
        assert!(is_above(folder.path(), 1 << 19, 2));
        assert!(is_above(folder.path(), 3 << 19, 1));
    }
}
