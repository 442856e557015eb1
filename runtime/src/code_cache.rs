//! What an interpreter made of sources that were seen before, so that no request compiles them again.
//!
//! The code is made in an instance of its own, from the source alone: never by an instance that ran a function, which could
//! hand out something else for those who come later. Each project has its own entries, and cannot push out another's.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hks_engine::Digest;

/// Sources of a project that are remembered.
const SOURCES_MAX: usize = 512;
/// Code that is kept of a project.
const PROJECT_BYTES_MAX: usize = 4 << 20;
/// Code of one source; what is larger is compiled every time.
const CODE_BYTES_MAX: usize = 1 << 20;
/// Projects that are remembered; the one that ran nothing for longest makes room.
const PROJECTS_MAX: usize = 128;

/// Which interpreter, and which source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) interpreter: Digest,
    pub(crate) source: Digest,
}

/// Compiled code by project and source.
#[derive(Default)]
pub(crate) struct CodeCache(Mutex<Projects>);

#[derive(Default)]
struct Projects {
    by_name: HashMap<String, Project>,
    uses: u64,
}

#[derive(Default)]
struct Project {
    sources: HashMap<Key, Source>,
    bytes: usize,
    used: u64,
}

struct Source {
    state: State,
    used: u64,
}

#[derive(Clone)]
enum State {
    /// Seen once. Most sources that agents write are never seen again, so nothing is done for them yet.
    Seen,
    /// Somebody was told to compile it.
    Asked,
    Ready(Arc<[u8]>),
}

/// What is known of a source.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Lookup {
    /// The code.
    Ready(Arc<[u8]>),
    /// It is seen for the second time: the caller has it compiled, and says what came of it by [`CodeCache::put`].
    Compile,
    /// Nothing, and nothing is to be done.
    Unknown,
}

impl CodeCache {
    pub(crate) fn look_up(&self, project: &str, key: Key) -> Lookup {
        let mut projects = self.lock();
        let used = projects.tick();
        let project = projects.project(project, used);
        if let Some(source) = project.sources.get_mut(&key) {
            source.used = used;
            return match &source.state {
                State::Ready(code) => Lookup::Ready(Arc::clone(code)),
                State::Asked => Lookup::Unknown,
                State::Seen => {
                    source.state = State::Asked;
                    Lookup::Compile
                }
            };
        }
        project.sources.insert(key, Source { state: State::Seen, used });
        project.make_room();
        Lookup::Unknown
    }

    /// Keeps the code of a source that was to be compiled. What is too large, or did not compile, is not asked for again as
    /// long as the source is remembered.
    pub(crate) fn put(&self, project: &str, key: Key, code: &[u8]) {
        if code.len() > CODE_BYTES_MAX {
            return;
        }
        let mut projects = self.lock();
        let used = projects.tick();
        let project = projects.project(project, used);
        project.remove(key);
        project.bytes += code.len();
        project.sources.insert(key, Source { state: State::Ready(code.into()), used });
        project.make_room();
    }

    /// For a source that was to be compiled, and for which there is no room to do it now: the next one is asked.
    pub(crate) fn put_off(&self, project: &str, key: Key) {
        let mut projects = self.lock();
        let used = projects.tick();
        let source = projects.project(project, used).sources.get_mut(&key);
        if let Some(source) = source.filter(|source| matches!(source.state, State::Asked)) {
            source.state = State::Seen;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Projects> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Projects {
    fn tick(&mut self) -> u64 {
        self.uses += 1;
        self.uses
    }

    fn project(&mut self, name: &str, used: u64) -> &mut Project {
        if !self.by_name.contains_key(name) {
            if self.by_name.len() >= PROJECTS_MAX {
                let oldest = self.by_name.iter().min_by_key(|(_, project)| project.used).map(|(name, _)| name.clone());
                oldest.map(|name| self.by_name.remove(&name));
            }
            self.by_name.insert(name.to_owned(), Project::default());
        }
        let project = self.by_name.get_mut(name).expect("it is there since just now");
        project.used = used;
        project
    }
}

impl Project {
    fn make_room(&mut self) {
        while self.sources.len() > SOURCES_MAX || self.bytes > PROJECT_BYTES_MAX {
            let Some(oldest) = self.sources.iter().min_by_key(|(_, source)| source.used).map(|(key, _)| *key) else {
                return;
            };
            self.remove(oldest);
        }
    }

    fn remove(&mut self, key: Key) {
        if let Some(Source { state: State::Ready(code), .. }) = self.sources.remove(&key) {
            self.bytes -= code.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(source: &str) -> Key {
        Key { interpreter: Digest::of(b"interpreter"), source: Digest::of(source.as_bytes()) }
    }

    #[test]
    fn a_source_is_compiled_when_it_comes_again() {
        let cache = CodeCache::default();
        assert_eq!(cache.look_up("p", key("a")), Lookup::Unknown);
        assert_eq!(cache.look_up("p", key("a")), Lookup::Compile);
        assert_eq!(cache.look_up("p", key("a")), Lookup::Unknown, "once is enough");
        cache.put("p", key("a"), b"code");
        assert_eq!(cache.look_up("p", key("a")), Lookup::Ready(b"code"[..].into()));
    }

    #[test]
    fn what_was_put_off_is_asked_for_again() {
        let cache = CodeCache::default();
        assert_eq!(cache.look_up("p", key("a")), Lookup::Unknown);
        assert_eq!(cache.look_up("p", key("a")), Lookup::Compile);
        cache.put_off("p", key("a"));
        assert_eq!(cache.look_up("p", key("a")), Lookup::Compile);
        cache.put("p", key("a"), b"code");
        cache.put_off("p", key("a"));
        assert!(matches!(cache.look_up("p", key("a")), Lookup::Ready(_)));
    }

    #[test]
    fn projects_see_nothing_of_each_other() {
        let cache = CodeCache::default();
        cache.put("p", key("a"), b"code");
        assert_eq!(cache.look_up("q", key("a")), Lookup::Unknown);
    }

    #[test]
    fn the_least_recently_used_makes_room() {
        let cache = CodeCache::default();
        cache.put("p", key("used"), b"code");
        for number in 0..2 * SOURCES_MAX {
            assert!(matches!(cache.look_up("p", key("used")), Lookup::Ready(_)));
            cache.put("p", key(&number.to_string()), b"other");
        }
        let projects = cache.lock();
        let project = &projects.by_name["p"];
        assert_eq!(project.sources.len(), SOURCES_MAX);
        assert_eq!(project.bytes, 4 + 5 * (SOURCES_MAX - 1));
    }

    #[test]
    fn code_is_bounded() {
        let cache = CodeCache::default();
        cache.put("p", key("large"), &vec![0; CODE_BYTES_MAX + 1]);
        assert_eq!(cache.look_up("p", key("large")), Lookup::Unknown);
        for number in 0..10 {
            cache.put("p", key(&number.to_string()), &vec![0; CODE_BYTES_MAX]);
        }
        assert_eq!(cache.lock().by_name["p"].bytes, PROJECT_BYTES_MAX);
        for number in 0..2 * PROJECTS_MAX {
            cache.look_up(&number.to_string(), key("a"));
        }
        assert_eq!(cache.lock().by_name.len(), PROJECTS_MAX);
    }
}
