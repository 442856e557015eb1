//! Builds, deployments and collections of the same contents at once, in thousands of orders.

use std::task::Poll;

use super::stepped::Task;
use super::*;

/// Orders that are tried of each scene.
const ORDERS: u64 = 2_000;

/// The same numbers for the same seed (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % end
    }
}

/// Steps one task after another until all are done.
fn mix(fixture: &Fixture, tasks: &mut Vec<Task<Result<(), Error>>>, numbers: &mut Numbers) {
    // Some orders let one of them go ahead for a while, as slow machines and slow requests do.
    let stubborn = numbers.below(8);
    let mut chosen = 0;
    while !tasks.is_empty() {
        if numbers.below(stubborn + 1) == 0 {
            chosen = numbers.below(tasks.len());
        }
        chosen %= tasks.len();
        if let Poll::Ready(result) = tasks[chosen].step() {
            result.unwrap();
            drop(tasks.swap_remove(chosen));
        }
        fixture.clock.advance(Duration::from_millis(10));
    }
}

const BLOBS: [&[u8]; 2] = [b"first", b"second"];

fn digests() -> Vec<Digest> {
    BLOBS.iter().map(|blob| Digest::of(blob)).collect()
}

async fn build(store: &Store, text: &'static str) -> Result<Digest, Error> {
    for blob in BLOBS {
        store.put(Bytes::from_static(blob)).await?;
    }
    store.put_document(Bytes::from_static(text.as_bytes()), &digests()).await
}

/// An artifact that nobody has needed for longer than the grace time.
async fn old() -> Fixture {
    let fixture = Fixture::memory().await;
    build(&fixture.store, "old").await.unwrap();
    fixture.clock.advance(GRACE + MINUTE);
    fixture
}

async fn assert_complete(fixture: &Fixture, artifact: Digest, seed: u64) {
    let document = fixture.store.document(artifact).await;
    let references = document.unwrap_or_else(|error| panic!("seed {seed}: {error}")).references;
    for (digest, blob) in references.into_iter().map(|digest| (digest, fixture.store.blob(digest, 10))) {
        blob.await.unwrap_or_else(|error| panic!("seed {seed}: {digest}: {error}"));
    }
}

/// What is held stays, without surplus; what is not goes, without a trace.
async fn assert_settles(fixture: &Fixture, held: &[Hold], seed: u64) {
    for _ in 0..3 {
        fixture.clock.advance(GRACE + MINUTE);
        fixture.store.collect(grace(), Sweep::Remove).await.unwrap();
        for hold in held {
            assert_complete(fixture, hold.artifact, seed).await;
        }
    }
    for blob in digests() {
        assert_eq!(fixture.generations(Kind::Blob, blob).await.len(), usize::from(!held.is_empty()), "seed {seed}");
    }
    for hold in held {
        fixture.store.release(hold.artifact, &hold.holder).await.unwrap();
    }
    for _ in 0..2 {
        fixture.clock.advance(GRACE + MINUTE);
        fixture.store.collect(grace(), Sweep::Remove).await.unwrap();
    }
    assert_eq!(fixture.names().await, [layout::FORMAT], "seed {seed}");
}

fn collection(fixture: &Fixture) -> Task<Result<(), Error>> {
    Task::new(fixture, |store| async move { store.collect(grace(), Sweep::Remove).await.map(drop) })
}

/// Whatever a collection takes away meanwhile, a deployment ends with a complete artifact, or is asked to build again.
async fn deploy(store: Store, text: &'static str, name: &'static str) -> Result<(), Error> {
    loop {
        let built = build(&store, text).await;
        let held = match built {
            Ok(artifact) => store.hold(artifact, &holder(name)).await,
            Err(error) => Err(error),
        };
        if !matches!(held, Err(Error::Missing { .. })) {
            return held;
        }
    }
}

async fn in_many_orders(scene: impl Fn(&Fixture) -> Vec<Task<Result<(), Error>>>, names: &[(&'static str, &str)]) {
    for seed in 1..=ORDERS {
        let fixture = old().await;
        mix(&fixture, &mut scene(&fixture), &mut Numbers(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        let mut held = Vec::new();
        for (text, name) in names {
            let artifact = Digest::of(text.as_bytes());
            assert_complete(&fixture, artifact, seed).await;
            held.push(Hold { artifact, holder: holder(name) });
        }
        assert_settles(&fixture, &held, seed).await;
    }
}

#[tokio::test]
async fn a_build_keeps_what_a_collection_was_about_to_remove() {
    let scene = |fixture: &Fixture| {
        vec![collection(fixture), Task::new(fixture, |store| deploy(store, "new", "a")), collection(fixture)]
    };
    in_many_orders(scene, &[("new", "a")]).await;
}

#[tokio::test]
async fn the_same_artifact_is_built_again_while_two_collections_remove_it() {
    let scene = |fixture: &Fixture| {
        let deployments = ["a", "b"].map(|name| Task::new(fixture, move |store| deploy(store, "old", name)));
        deployments.into_iter().chain([collection(fixture), collection(fixture)]).collect()
    };
    in_many_orders(scene, &[("old", "a"), ("old", "b")]).await;
}

/// Without building again: either it is complete, or it was refused.
#[tokio::test]
async fn an_old_artifact_is_held_whole_or_not_at_all() {
    let artifact = Digest::of(b"old");
    let (mut kept, mut refused) = (0, 0);
    for seed in 1..=ORDERS {
        let fixture = old().await;
        let hold = Task::new(&fixture, move |store| async move {
            match store.hold(artifact, &holder("a")).await {
                Err(Error::Missing { .. }) => Ok(()),
                other => other,
            }
        });
        let mut tasks = vec![collection(&fixture), hold, collection(&fixture)];
        mix(&fixture, &mut tasks, &mut Numbers(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        let held = fixture.store.holds().await.unwrap();
        match held.len() {
            0 => refused += 1,
            _ => kept += 1,
        }
        for hold in &held {
            assert_complete(&fixture, hold.artifact, seed).await;
        }
        assert_settles(&fixture, &held, seed).await;
    }
    assert!(kept > ORDERS / 100 && refused > ORDERS / 100, "{kept} kept, {refused} refused: orders differ too little");
}

/// From one holder to another, and away, with the grace time beginning anew.
#[tokio::test]
async fn an_artifact_that_changes_hands_stays() {
    let artifact = Digest::of(b"old");
    for seed in 1..=ORDERS {
        let fixture = Fixture::memory().await;
        build(&fixture.store, "old").await.unwrap();
        fixture.store.hold(artifact, &holder("a")).await.unwrap();
        fixture.clock.advance(GRACE + MINUTE);
        let change = Task::new(&fixture, move |store| async move {
            store.hold(artifact, &holder("b")).await?;
            store.release(artifact, &holder("a")).await?;
            store.release(artifact, &holder("b")).await
        });
        let mut tasks = vec![collection(&fixture), change, collection(&fixture)];
        mix(&fixture, &mut tasks, &mut Numbers(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        assert_complete(&fixture, artifact, seed).await;
        fixture.store.collect(grace(), Sweep::Remove).await.unwrap();
        assert_complete(&fixture, artifact, seed).await;
        assert_settles(&fixture, &[], seed).await;
    }
}

/// A deployment or a collection that ends at any request leaves what the next ones cope with.
#[tokio::test]
async fn a_crash_at_any_request_leaves_garbage_only() {
    for collection_ends in 0..60 {
        for build_ends in 0..60 {
            let fixture = old().await;
            let collected = collection(&fixture).run(collection_ends);
            let deployed = Task::new(&fixture, |store| deploy(store, "new", "a")).run(build_ends);
            let held = fixture.store.holds().await.unwrap();
            assert!(!held.is_empty() || deployed.is_none());
            let seed = collection_ends as u64 * 1000 + build_ends as u64;
            for hold in &held {
                assert_complete(&fixture, hold.artifact, seed).await;
            }
            assert_settles(&fixture, &held, seed).await;
            if let (Some(collected), Some(deployed)) = (collected, deployed) {
                collected.and(deployed).unwrap();
                break;
            }
        }
    }
}
