//! Which pages a slot keeps of its own between executions, and which it gives back.
//!
//! A page that every execution writes is cheaper to copy back than to give back and fault in again; one that a single heavy
//! execution wrote is not worth its memory. A slot learns which is which: every few executions it compares its own pages
//! with the snapshot, and gives back those that were not changed several times in a row. Pure, so that it can be tested
//! without memory.

/// Own pages are compared on every so-many-th execution; on the others they are just copied back.
const COMPARED_EVERY: u32 = 8;

/// A page that was found unchanged so often in a row is given back for the first time.
const IDLE_MAX: u8 = 4;

/// Each time after that takes twice as long, but for this limit.
const RETURNED_MAX: u8 = 5;

/// What a slot knows about its pages.
pub(super) struct HotSet {
    /// How often in a row each page was found unchanged.
    idle: Vec<u8>,
    /// How often each page was given back. A page that comes back is given more time: some are written with what they hold.
    returned: Vec<u8>,
    kept: usize,
    kept_max: usize,
    executions: u32,
}

/// What to do with a page of the slot's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Make it equal to the snapshot, and keep it.
    Keep,
    /// Give it back; the snapshot's own page shows through.
    GiveBack,
}

impl HotSet {
    /// For so many pages, of which at most `kept_max` are kept.
    pub(super) fn new(pages: usize, kept_max: usize) -> Self {
        Self { idle: vec![0; pages], returned: vec![0; pages], kept: 0, kept_max, executions: 0 }
    }

    /// Begins the end of an execution: every own page is judged once.
    pub(super) fn begin(&mut self) {
        self.kept = 0;
        self.executions = self.executions.wrapping_add(1);
    }

    /// Whether pages are compared this time.
    pub(super) fn compares(&self) -> bool {
        self.executions.is_multiple_of(COMPARED_EVERY)
    }

    /// Judges a page; `changed` is asked only when pages are compared.
    pub(super) fn judge(&mut self, page: usize, changed: impl FnOnce() -> bool) -> Verdict {
        if self.kept >= self.kept_max {
            self.idle[page] = 0;
            return Verdict::GiveBack;
        }
        if self.compares() {
            self.idle[page] = if changed() { 0 } else { self.idle[page] + 1 };
            if self.idle[page] >= IDLE_MAX << self.returned[page] {
                self.idle[page] = 0;
                self.returned[page] = (self.returned[page] + 1).min(RETURNED_MAX);
                return Verdict::GiveBack;
            }
        }
        self.kept += 1;
        Verdict::Keep
    }

    /// Pages that were kept the last time.
    pub(super) fn kept(&self) -> usize {
        self.kept
    }

    /// All pages were given back.
    pub(super) fn clear(&mut self) {
        self.idle.fill(0);
        self.kept = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ends an execution that changed the pages of `changed`, with those of `own` being the slot's own.
    fn end(hot: &mut HotSet, own: &[usize], changed: &[usize]) -> Vec<usize> {
        hot.begin();
        own.iter().copied().filter(|page| hot.judge(*page, || changed.contains(page)) == Verdict::Keep).collect()
    }

    #[test]
    fn what_every_execution_writes_is_kept() {
        let mut hot = HotSet::new(4, 4);
        for _ in 0..100 {
            assert_eq!(end(&mut hot, &[1, 3], &[1, 3]), [1, 3]);
        }
        assert_eq!(hot.kept(), 2);
    }

    #[test]
    fn what_one_execution_wrote_is_given_back_some_time_later() {
        let mut hot = HotSet::new(4, 4);
        let mut own = vec![0, 1];
        own = end(&mut hot, &own, &[0, 1]);
        for _ in 0..COMPARED_EVERY * u32::from(IDLE_MAX) {
            assert!(own.contains(&0));
            own = end(&mut hot, &own, &[0]);
        }
        assert_eq!(own, [0]);
    }

    #[test]
    fn no_more_than_the_maximum_is_kept() {
        let mut hot = HotSet::new(100, 10);
        let all: Vec<usize> = (0..100).collect();
        assert_eq!(end(&mut hot, &all, &all).len(), 10);
        assert_eq!(hot.kept(), 10);
    }

    proptest::proptest! {
        #[test]
        #[cfg_attr(miri, ignore = "takes minutes")]
        fn kept_is_what_was_said_to_keep(
            executions in proptest::collection::vec(proptest::collection::btree_set(0_usize..64, 0..64), 1..60),
            max in 0_usize..80,
        ) {
            let mut hot = HotSet::new(64, max);
            let mut own = std::collections::BTreeSet::new();
            for changed in executions {
                own.extend(changed.iter().copied());
                let pages: Vec<usize> = own.iter().copied().collect();
                let changed: Vec<usize> = changed.into_iter().collect();
                own = end(&mut hot, &pages, &changed).into_iter().collect();
                proptest::prop_assert_eq!(own.len(), hot.kept());
                proptest::prop_assert!(own.len() <= max);
            }
        }
    }
}
