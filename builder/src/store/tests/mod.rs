//! What holds for every place, operations cut short and mixed with each other, and a plain model of it all.

mod conformance;
mod interleaving;
mod model;
mod s3;
mod stepped;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use object_store::ObjectStore;
use object_store::memory::InMemory;

use super::clock::{Clock, Moment};
use super::objects::Objects;
use super::*;

/// Stands still until it is moved.
#[derive(Debug)]
struct ManualClock(AtomicU64);

impl ManualClock {
    fn new() -> Arc<Self> {
        Arc::new(Self(AtomicU64::new(1_700_000_000_000)))
    }

    fn advance(&self, time: Duration) {
        self.0.fetch_add(u64::try_from(time.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Moment {
        Moment::from_millis(self.0.load(Ordering::SeqCst))
    }
}

const GRACE: Duration = collect::GRACE_MIN;
const MINUTE: Duration = Duration::from_secs(60);

fn grace() -> Grace {
    Grace::new(GRACE).unwrap()
}

fn holder(name: &str) -> Holder {
    name.parse().unwrap()
}

/// A store, its time, and its objects as they are.
struct Fixture {
    store: Store,
    clock: Arc<ManualClock>,
    raw: Arc<dyn ObjectStore>,
    folder: Option<tempfile::TempDir>,
}

impl Fixture {
    async fn over(raw: Arc<dyn ObjectStore>, folder: Option<tempfile::TempDir>) -> Self {
        let clock = ManualClock::new();
        let path = folder.as_ref().map(|folder| folder.path().to_owned());
        let store = Store::with(Objects::new(Arc::clone(&raw), "the store"), clock.clone(), path).await.unwrap();
        Self { store, clock, raw, folder }
    }

    async fn memory() -> Self {
        Self::over(Arc::new(InMemory::new()), None).await
    }

    /// The names of all objects, sorted.
    async fn names(&self) -> Vec<String> {
        let listed: Vec<_> = self.raw.list(None).try_collect().await.unwrap();
        let mut names: Vec<_> = listed.iter().map(|object| object.location.to_string()).collect();
        names.sort();
        names
    }

    /// Objects of a kind with this content, without what marks them.
    async fn generations(&self, kind: Kind, digest: Digest) -> Vec<Path> {
        let names = self.names().await.into_iter().map(Path::from);
        let of_it = |path: &Path| {
            path.as_ref().starts_with(kind.folder())
                && layout::Name::parse(path).is_some_and(|name| name.digest == digest && name.mark.is_none())
        };
        names.filter(of_it).collect()
    }
}

#[tokio::test]
async fn operations_run_on_any_thread() {
    let it = Fixture::memory().await;
    let store = it.store.clone();
    let held = tokio::spawn(async move {
        let blob = store.put(Bytes::from_static(b"1")).await?;
        let artifact = store.put_document(Bytes::from_static(b"{}"), &[blob]).await?;
        store.hold(artifact, &holder("a")).await?;
        store.release(artifact, &holder("a")).await?;
        store.collect(grace(), Sweep::Remove).await?;
        store.blob(blob, 1).await
    });
    assert_eq!(held.await.unwrap().unwrap(), "1");
}
