//! Compiles ahead what held artifacts need and this engine has no native code for: after an upgrade, all of it.
//!
//! One thread, at low priority, goes from the most recently used component to the least. It holds the lock of the one that it compiles and
//! no other, so a request for a component that has not had its turn compiles it itself, and is not compiled twice.
//! Old native code is not removed here, see [`ArtifactStore::trim`].

use std::collections::HashMap;
use std::io;
use std::thread::{self, JoinHandle};
use std::time::SystemTime;

use bytes::Bytes;
use hks_engine::{ArtifactStore, Compiled, Digest, Engine};

use crate::child::Cancel;

/// Why one component was not compiled.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The lowest priority that there is: what is not requested has time.
const NICENESS: i32 = 19;

/// How far it is.
#[derive(Debug)]
#[non_exhaustive]
pub enum Progress<'a> {
    /// Begins with a component.
    Compiling {
        /// The component.
        component: Digest,
        /// It and those that come after it.
        left: usize,
    },
    /// Native code of the component is there.
    Ready(Digest),
    /// It is not. A request for it will try again.
    Failed(Digest, &'a Failure),
}

/// How it ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rebuilt {
    /// Components whose native code was made, by this or meanwhile by a request.
    pub ready: usize,
    /// Components that could not be read or compiled.
    pub failed: usize,
    /// Components that it did not come to, because it was canceled.
    pub left: usize,
}

/// What compiles, and for whom.
pub struct Rebuild<Fetch, Compile> {
    /// Where native code is kept.
    pub native: ArtifactStore,
    /// Which engine it is for.
    pub engine: Engine,
    /// Reads a component of the store.
    pub fetch: Fetch,
    /// Compiles it, in a process with limits. It ends early when `cancel` says so.
    pub compile: Compile,
    /// Ends the work after the component that is being compiled, or with it.
    pub cancel: Cancel,
}

impl<Fetch, Compile> Rebuild<Fetch, Compile>
where
    Fetch: Fn(Digest) -> Result<Bytes, Failure> + Send + 'static,
    Compile: Fn(&[u8]) -> Result<Compiled, Failure> + Send + 'static,
{
    /// Begins with what `components` lack. Returns at once; the thread goes on, whether or not somebody waits for it.
    ///
    /// # Errors
    /// There can be no more threads.
    pub fn start(
        self,
        components: Vec<Digest>,
        mut progress: impl FnMut(Progress<'_>) + Send + 'static,
    ) -> io::Result<JoinHandle<Rebuilt>> {
        thread::Builder::new().name("hks-rebuild".into()).spawn(move || {
            // On Linux a thread has a priority of its own, and what it starts inherits it. Without it, it is only less polite.
            let _ = rustix::process::setpriority_process(None, NICENESS);
            self.run(components, &mut progress)
        })
    }

    fn run(&self, components: Vec<Digest>, progress: &mut dyn FnMut(Progress<'_>)) -> Rebuilt {
        let last_used = self.last_used();
        let queue = self.queue(components, &last_used);
        let mut rebuilt = Rebuilt::default();
        for (index, component) in queue.iter().copied().enumerate() {
            let left = queue.len() - index;
            if self.cancel.is_canceled() {
                rebuilt.left = left;
                break;
            }
            progress(Progress::Compiling { component, left });
            match self.rebuild(component, last_used.get(&component)) {
                Ok(()) => {
                    rebuilt.ready += 1;
                    progress(Progress::Ready(component));
                }
                Err(_) if self.cancel.is_canceled() => {
                    rebuilt.left = left;
                    break;
                }
                Err(failure) => {
                    rebuilt.failed += 1;
                    progress(Progress::Failed(component, &failure));
                }
            }
        }
        rebuilt
    }

    /// By any engine. Not knowing it only changes the order.
    fn last_used(&self) -> HashMap<Digest, SystemTime> {
        let mut times = HashMap::new();
        for file in self.native.files().unwrap_or_default() {
            let time = times.entry(file.source).or_insert(file.last_used);
            *time = file.last_used.max(*time);
        }
        times
    }

    /// What has no native code, each once, the most recently used first. What was never used here comes last, in the order given.
    fn queue(&self, mut components: Vec<Digest>, last_used: &HashMap<Digest, SystemTime>) -> Vec<Digest> {
        components.sort_by_key(|component| std::cmp::Reverse(last_used.get(component)));
        let mut seen = std::collections::HashSet::new();
        components.retain(|component| !self.native.contains(&self.engine, *component) && seen.insert(*component));
        components
    }

    fn rebuild(&self, component: Digest, last_used: Option<&SystemTime>) -> Result<(), Failure> {
        if self.native.contains(&self.engine, component) {
            return Ok(());
        }
        let wasm = (self.fetch)(component)?;
        let mut by_us = false;
        self.native.load_or(&self.engine, component, || {
            by_us = true;
            (self.compile)(&wasm)
        })?;
        // That it was compiled is no use of it: what was used least is to be the first that goes.
        if let Some(at) = last_used.filter(|_| by_us) {
            self.native.set_last_used(&self.engine, component, *at)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use hks_engine::{EngineConfig, Metering};

    use super::*;

    struct Fixture {
        native: ArtifactStore,
        before: Engine,
        now: Engine,
        components: Vec<(Digest, Bytes)>,
        _folder: tempfile::TempDir,
    }

    fn engine(metering: Metering) -> Engine {
        Engine::new(&EngineConfig { metering, ..EngineConfig::default() }).unwrap()
    }

    /// Components that an older engine compiled; the first was used least recently.
    fn upgraded() -> Fixture {
        let folder = tempfile::tempdir().unwrap();
        let native = ArtifactStore::open(folder.path()).unwrap();
        let (before, now) = (engine(Metering::Epoch), engine(Metering::FuelAndEpoch));
        let mut components = Vec::new();
        for number in 0..3 {
            let text = format!("(component (core module (func (export \"f{number}\"))))");
            let wasm = Bytes::from(wat::parse_str(text).unwrap());
            native.load_or_compile(&before, &wasm).unwrap();
            let digest = Digest::of(&wasm);
            let age = Duration::from_secs(3600 * (9 - number));
            native.set_last_used(&before, digest, SystemTime::now() - age).unwrap();
            components.push((digest, wasm));
        }
        Fixture { native, before, now, components, _folder: folder }
    }

    type Boxed<In, Out> = Box<dyn Fn(In) -> Result<Out, Failure> + Send>;

    impl Fixture {
        fn digests(&self) -> Vec<Digest> {
            self.components.iter().map(|(digest, _)| *digest).collect()
        }

        fn rebuild<C>(&self, compile: C) -> Rebuild<Boxed<Digest, Bytes>, C>
        where
            C: Fn(&[u8]) -> Result<Compiled, Failure> + Send + 'static,
        {
            let there: HashMap<Digest, Bytes> = self.components.iter().cloned().collect();
            Rebuild {
                native: self.native.clone(),
                engine: self.now.clone(),
                fetch: Box::new(move |digest| there.get(&digest).cloned().ok_or_else(|| "not there".into())),
                compile,
                cancel: Cancel::new(),
            }
        }

        fn compiler(&self) -> impl Fn(&[u8]) -> Result<Compiled, Failure> + Send + use<> {
            let engine = self.now.clone();
            move |wasm| Ok(Compiled::new(&engine, wasm)?)
        }
    }

    #[test]
    fn what_is_missing_is_compiled_the_most_recently_used_first() {
        let it = upgraded();
        let digests = it.digests();
        it.native.load_or_compile(&it.now, &it.components[1].1).unwrap();
        let unknown = Digest::of(b"unknown");
        let events = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&events);
        let record = move |progress: Progress<'_>| {
            let line = match progress {
                Progress::Compiling { left, .. } => format!("{left} left"),
                Progress::Ready(digest) => digest.to_string(),
                Progress::Failed(digest, failure) => format!("{digest}: {failure}"),
            };
            log.lock().unwrap().push(line);
        };
        let asked = [&[unknown], &digests[..], &digests[..]].concat();
        let rebuilt = it.rebuild(it.compiler()).start(asked, record).unwrap().join().unwrap();
        assert_eq!(rebuilt, Rebuilt { ready: 2, failed: 1, left: 0 });
        let expected = ["3 left", &digests[2].to_string(), "2 left", &digests[0].to_string(), "1 left"];
        let events = events.lock().unwrap();
        assert_eq!(events[..5], expected);
        assert_eq!(events[5], format!("{unknown}: not there"));
        assert!(digests.iter().all(|digest| it.native.contains(&it.now, *digest)));
        // That they were compiled is no use of them.
        let files = it.native.files().unwrap();
        let oldest = files.iter().rev().take(2).map(|file| file.source);
        assert!(oldest.eq([digests[0], digests[0]]), "{files:?}");
    }

    #[test]
    fn a_request_does_not_wait_for_the_queue() {
        let it = upgraded();
        let (compile, engine) = (it.compiler(), it.now.clone());
        let (begun, has_begun) = mpsc::channel();
        let (go_on, may_go_on) = mpsc::channel::<()>();
        let rebuild = it.rebuild(move |wasm: &[u8]| {
            begun.send(()).unwrap();
            let _ = may_go_on.recv();
            compile(wasm)
        });
        let thread = rebuild.start(it.digests(), |_| ()).unwrap();
        has_begun.recv().unwrap();
        // The thread stands still in the most recently used one; the others are there for who asks.
        for (digest, wasm) in &it.components[..2] {
            it.native.load_or_compile(&engine, wasm).unwrap();
            assert!(it.native.contains(&engine, *digest));
        }
        drop(go_on);
        assert_eq!(thread.join().unwrap(), Rebuilt { ready: 3, failed: 0, left: 0 });
        assert!(has_begun.try_recv().is_err(), "what requests compiled was compiled again");
    }

    #[test]
    fn it_ends_when_it_is_canceled() {
        let it = upgraded();
        let compile = it.compiler();
        let rebuild = it.rebuild(compile);
        let cancel = rebuild.cancel.clone();
        let thread = rebuild.start(it.digests(), move |progress| {
            if matches!(progress, Progress::Ready(_)) {
                cancel.cancel();
            }
        });
        assert_eq!(thread.unwrap().join().unwrap(), Rebuilt { ready: 1, failed: 0, left: 2 });
        assert!(it.native.contains(&it.now, it.digests()[2]));
    }

    #[test]
    fn old_native_code_goes_when_its_time_has_come_and_the_new_stays() {
        let it = upgraded();
        it.rebuild(it.compiler()).start(it.digests(), |_| ()).unwrap().join().unwrap();
        let keep = hks_engine::Keep { unused: Duration::from_secs(3600), bytes_max: u64::MAX };
        let trimmed = it.native.trim(&it.now, &it.digests().into_iter().collect(), &keep).unwrap();
        assert_eq!(trimmed.files, 3);
        for digest in it.digests() {
            assert!(it.native.contains(&it.now, digest) && !it.native.contains(&it.before, digest));
        }
    }
}
