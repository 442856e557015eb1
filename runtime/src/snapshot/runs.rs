//! Runs of pages: checked, found, merged, and laid out in a file. Pure, so that it can be tested without memory.

use std::io::{Error, ErrorKind, Result};
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::PAGE_BYTES;

/// A slot has at most so many mappings of its overlay; what more there is, is copied into it, and copied back after every
/// execution. Each splits the base below it, so that a slot has twice as many; a process has 65,530 mappings in all, and a
/// thousand slots should fit.
pub(super) const RUNS_MAX: usize = 20;

/// Neighbouring pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Run {
    /// Number of the first page.
    pub(crate) first: u32,
    /// How many.
    pub(crate) count: u32,
}

/// Joins neighbouring runs, nearest first, until there are at most `max`. What lies between them becomes part of them.
pub(super) fn join(runs: &mut Vec<Run>, max: usize) {
    let gap = |pair: &[Run]| pair[1].first - (pair[0].first + pair[0].count);
    let mut gaps: Vec<u32> = runs.windows(2).map(gap).collect();
    let Some(excess) = runs.len().checked_sub(max).filter(|excess| *excess > 0) else { return };
    gaps.sort_unstable();
    let widest = gaps[excess - 1];
    runs.dedup_by(|next, run| {
        let joined = next.first - (run.first + run.count) <= widest;
        if joined {
            run.count = next.first + next.count - run.first;
        }
        joined
    });
}

/// Where the runs of an overlay lie in its file, one after the other, and how they get into a memory.
pub(super) struct Layout(Vec<Placed>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Placed {
    pub(super) run: Run,
    /// Number of its first page in the file.
    at: usize,
    pub(super) is_mapped: bool,
}

impl Placed {
    pub(super) fn memory(&self) -> Range<usize> {
        bytes_of(pages_of(self.run))
    }

    pub(super) fn file(&self) -> Range<usize> {
        bytes_of(self.at..self.at + self.run.count as usize)
    }

    /// Where a page of the run is in the file.
    pub(super) fn file_of(&self, page: usize) -> Range<usize> {
        let at = self.at + (page - self.run.first as usize);
        bytes_of(at..at + 1)
    }
}

impl Layout {
    /// For runs that [`check_runs`] accepts. Without `mappable`, all of them are copied.
    pub(super) fn new(runs: &[Run], mappable: bool) -> Self {
        let mut at = 0;
        let mut placed = Vec::with_capacity(runs.len());
        for run in runs {
            placed.push(Placed { run: *run, at, is_mapped: false });
            at += run.count as usize;
        }
        let mut longest: Vec<&mut Placed> = placed.iter_mut().filter(|_| mappable).collect();
        longest.sort_by_key(|placed| std::cmp::Reverse(placed.run.count));
        longest.into_iter().take(RUNS_MAX).for_each(|placed| placed.is_mapped = true);
        Self(placed)
    }

    pub(super) fn runs(&self) -> &[Placed] {
        &self.0
    }

    /// Size of the file.
    pub(super) fn bytes(&self) -> usize {
        self.0.last().map_or(0, |placed| placed.file().end)
    }

    /// The run that has a page.
    pub(super) fn find(&self, page: usize) -> Option<&Placed> {
        let after = self.0.partition_point(|placed| placed.run.first as usize <= page);
        let placed = self.0[..after].last()?;
        pages_of(placed.run).contains(&page).then_some(placed)
    }
}

fn bytes_of(pages: Range<usize>) -> Range<usize> {
    pages.start * PAGE_BYTES..pages.end * PAGE_BYTES
}

/// Runs are ascending, do not touch, lie within the memory, and have as many pages as are there.
pub(super) fn check_runs(runs: &[Run], bytes: usize, pages_bytes: usize) -> Result<()> {
    let invalid = |reason| Err(Error::new(ErrorKind::InvalidData, format!("the runs of pages {reason}")));
    let (mut end, mut pages) = (0_u64, 0_u64);
    for run in runs {
        let first = u64::from(run.first);
        if run.count == 0 || (pages > 0 && first <= end) {
            return invalid("are empty, touch or are not in order");
        }
        end = first + u64::from(run.count);
        pages += u64::from(run.count);
    }
    if end * PAGE_BYTES as u64 > bytes as u64 {
        return invalid("reach beyond the memory");
    }
    if pages * PAGE_BYTES as u64 != pages_bytes as u64 {
        return invalid("and the pages have different lengths");
    }
    Ok(())
}

pub(super) fn pages_of(run: Run) -> Range<usize> {
    run.first as usize..run.first as usize + run.count as usize
}

/// Adds a page that comes after all that are there.
pub(super) fn push(runs: &mut Vec<Run>, page: usize) -> Result<()> {
    let page = u32::try_from(page).map_err(|_| ErrorKind::InvalidInput)?;
    match runs.last_mut() {
        Some(run) if run.first + run.count == page => run.count += 1,
        _ => runs.push(Run { first: page, count: 1 }),
    }
    Ok(())
}

/// The same pages in ascending ranges that do not overlap.
pub(super) fn union(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_unstable_by_key(|range| range.start);
    let mut merged = Vec::<Range<usize>>::new();
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn runs_of(pages: &BTreeSet<usize>) -> Vec<Run> {
        let mut runs = Vec::new();
        for page in pages {
            push(&mut runs, *page).unwrap();
        }
        runs
    }

    fn invalid(runs: &[(u32, u32)], bytes: usize, pages_bytes: usize) -> bool {
        let runs: Vec<Run> = runs.iter().map(|(first, count)| Run { first: *first, count: *count }).collect();
        check_runs(&runs, bytes, pages_bytes).is_err()
    }

    #[test]
    fn numbers_that_lie_are_refused() {
        const PAGE: usize = PAGE_BYTES;
        assert!(!invalid(&[(0, 1), (2, 2)], 4 * PAGE, 3 * PAGE));
        assert!(!invalid(&[], 0, 0));
        assert!(invalid(&[(0, 0)], PAGE, 0), "empty");
        assert!(invalid(&[(1, 1), (0, 1)], 4 * PAGE, 2 * PAGE), "order");
        assert!(invalid(&[(0, 2), (1, 1)], 4 * PAGE, 3 * PAGE), "overlap");
        assert!(invalid(&[(0, 1), (1, 1)], 4 * PAGE, 2 * PAGE), "touch");
        assert!(invalid(&[(3, 2)], 4 * PAGE, 2 * PAGE), "beyond");
        assert!(invalid(&[(u32::MAX, u32::MAX)], 4 * PAGE, PAGE), "far beyond");
        assert!(invalid(&[(0, u32::MAX)], 4 * PAGE, PAGE), "long");
        assert!(invalid(&[(0, u32::MAX), (u32::MAX, 1)], 4 * PAGE, 0), "a sum that wraps in 32 bits");
        assert!(invalid(&[(0, 1)], 4 * PAGE, 2 * PAGE), "pages left over");
        assert!(invalid(&[(0, 2)], 4 * PAGE, PAGE), "pages missing");
        assert!(invalid(&[(0, 1)], PAGE - 1, PAGE), "a memory that ends within a page");
    }

    #[test]
    fn the_nearest_runs_are_joined() {
        let runs = |pairs: &[(u32, u32)]| -> Vec<Run> {
            pairs.iter().map(|(first, count)| Run { first: *first, count: *count }).collect()
        };
        let scattered = runs(&[(0, 1), (3, 1), (10, 2), (14, 1), (100, 5)]);
        for (max, expected) in [
            (9, scattered.clone()),
            (5, scattered.clone()),
            (4, runs(&[(0, 4), (10, 5), (100, 5)])),
            (2, runs(&[(0, 15), (100, 5)])),
            (1, runs(&[(0, 105)])),
        ] {
            let mut joined = scattered.clone();
            join(&mut joined, max);
            assert_eq!(joined, expected, "{max}");
        }
        join(&mut Vec::new(), 0);
    }

    #[test]
    fn only_the_longest_runs_are_mapped() {
        let long = RUNS_MAX as u32 + 3;
        let runs: Vec<Run> = (0..long).map(|number| Run { first: number * 1000, count: 1 + number }).collect();
        let layout = Layout::new(&runs, true);
        let mapped: Vec<u32> = layout.runs().iter().filter(|run| run.is_mapped).map(|run| run.run.first).collect();
        let expected: Vec<u32> = (3..long).map(|number| number * 1000).collect();
        assert_eq!(mapped, expected);
        assert!(Layout::new(&runs, false).runs().iter().all(|run| !run.is_mapped));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases / if cfg!(miri) { 128 } else { 1 }, failure_persistence: None, ..ProptestConfig::default() })]

        /// What is pushed is accepted, found again, and laid out without gaps.
        #[test]
        fn every_page_is_found_and_no_other(pages in proptest::collection::btree_set(0_usize..200, 0..150)) {
            let runs = runs_of(&pages);
            prop_assert!(check_runs(&runs, 200 * PAGE_BYTES, pages.len() * PAGE_BYTES).is_ok());
            let layout = Layout::new(&runs, true);
            prop_assert_eq!(layout.bytes(), pages.len() * PAGE_BYTES);
            let mut at = 0;
            for page in 0..210 {
                let found = layout.find(page).map(|placed| placed.file_of(page));
                prop_assert_eq!(found.is_some(), pages.contains(&page));
                if let Some(found) = found {
                    prop_assert_eq!(found, at..at + PAGE_BYTES);
                    at += PAGE_BYTES;
                }
            }
        }

        #[test]
        fn a_union_has_the_same_pages(ranges in proptest::collection::vec((0_usize..100, 0_usize..20), 0..20)) {
            let ranges: Vec<Range<usize>> = ranges.into_iter().map(|(start, count)| start..start + count).collect();
            let pages: BTreeSet<usize> = ranges.iter().cloned().flatten().collect();
            let merged = union(ranges);
            prop_assert!(merged.windows(2).all(|pair| pair[0].end < pair[1].start));
            prop_assert_eq!(merged.into_iter().flatten().collect::<Vec<_>>(), pages.into_iter().collect::<Vec<_>>());
        }
    }
}
