//! What waits for its next use, and the processor whose caches still hold it.
//!
//! An execution touches some hundreds of KiB of its slot. Where another core used the slot last, they come over from there
//! one cache line at a time, which takes longer than much of what guests do.

use rustix::thread::sched_getcpu;

/// Things that wait, in the order in which they came.
pub(super) struct Near<T> {
    waiting: Vec<(usize, T)>,
}

impl<T> Default for Near<T> {
    fn default() -> Self {
        Self { waiting: Vec::new() }
    }
}

impl<T> Near<T> {
    /// The last that was put on this processor; without one, that which is longest away from the others.
    pub(super) fn take(&mut self) -> Option<T> {
        self.take_for(sched_getcpu())
    }

    fn take_for(&mut self, processor: usize) -> Option<T> {
        let near = self.waiting.iter().rposition(|(last, _)| *last == processor);
        match near {
            Some(near) => Some(self.waiting.remove(near).1),
            None => self.take_oldest(),
        }
    }

    pub(super) fn put(&mut self, thing: T) {
        self.waiting.push((sched_getcpu(), thing));
    }

    pub(super) fn take_oldest(&mut self) -> Option<T> {
        (!self.waiting.is_empty()).then(|| self.waiting.remove(0).1)
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.waiting.iter().map(|(_, thing)| thing)
    }

    #[cfg(any(test, fuzzing))]
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.waiting.iter_mut().map(|(_, thing)| thing)
    }
}

#[cfg(test)]
mod tests {
    use super::Near;

    #[test]
    fn the_last_of_the_own_processor_comes_first() {
        let mut near = Near { waiting: vec![(0, "a"), (1, "b"), (0, "c"), (1, "d")] };
        let taken = [1, 1, 1, 0, 0].map(|processor| near.take_for(processor));
        assert_eq!(taken, [Some("d"), Some("b"), Some("a"), Some("c"), None]);
    }
}
