//! Random sequences of operations, some of which crash, against a plain model of what must be there and what must not.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::stepped::Task;
use super::*;

const BLOBS: usize = 4;
/// Which blobs each document refers to.
const DOCUMENTS: [&[usize]; 4] = [&[0, 1], &[1, 2], &[], &[0, 2, 3]];
const HOLDERS: [&str; 2] = ["a", "b"];

#[derive(Debug, Clone)]
enum Operation {
    Put(usize),
    /// Its blobs, and the document.
    Build(usize),
    Document(usize),
    Hold(usize, usize),
    Release(usize, usize),
    Collect,
    Wait(Duration),
}

fn operation() -> impl Strategy<Value = Operation> {
    let document = 0..DOCUMENTS.len();
    let holder = 0..HOLDERS.len();
    prop_oneof![
        2 => (0..BLOBS).prop_map(Operation::Put),
        4 => document.clone().prop_map(Operation::Build),
        1 => document.clone().prop_map(Operation::Document),
        4 => (document.clone(), holder.clone()).prop_map(|(document, holder)| Operation::Hold(document, holder)),
        3 => (document, holder).prop_map(|(document, holder)| Operation::Release(document, holder)),
        4 => Just(Operation::Collect),
        4 => (0..900_u64).prop_map(|seconds| Operation::Wait(Duration::from_secs(seconds))),
    ]
}

/// Most go to their end; the others crash before one of their requests.
fn crash() -> impl Strategy<Value = usize> {
    prop_oneof![3 => Just(usize::MAX), 2 => 0..40_usize]
}

fn blob(index: usize) -> Bytes {
    Bytes::from(format!("blob {index}"))
}

fn document(index: usize) -> Bytes {
    Bytes::from(format!("document {index}"))
}

fn references(index: usize) -> Vec<Digest> {
    DOCUMENTS[index].iter().map(|index| Digest::of(&blob(*index))).collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Thing {
    Blob(usize),
    Document(usize),
}

/// When each thing was last put, held or released.
#[derive(Default)]
struct Model {
    /// For certain: it must be there for the grace time.
    surely: BTreeMap<Thing, Moment>,
    /// Or perhaps, by an operation that crashed: it may be there for the grace time.
    perhaps: BTreeMap<Thing, Moment>,
    held: BTreeSet<(usize, usize)>,
}

impl Model {
    fn touch(&mut self, now: Moment, things: impl IntoIterator<Item = Thing>, surely: bool) {
        for thing in things {
            self.perhaps.insert(thing, now);
            if surely {
                self.surely.insert(thing, now);
            }
        }
    }

    /// What the operation touches.
    fn touches(operation: &Operation) -> Vec<Thing> {
        let with_blobs = |index: usize| {
            DOCUMENTS[index].iter().map(|blob| Thing::Blob(*blob)).chain([Thing::Document(index)]).collect()
        };
        match operation {
            Operation::Put(index) => vec![Thing::Blob(*index)],
            Operation::Build(index) | Operation::Document(index) | Operation::Hold(index, _) => with_blobs(*index),
            Operation::Release(index, _) => vec![Thing::Document(*index)],
            Operation::Collect | Operation::Wait(_) => Vec::new(),
        }
    }

    fn is_held(&self, document: usize) -> bool {
        self.held.iter().any(|(held, _)| *held == document)
    }

    /// Documents and blobs that are there by these times.
    fn there(&self, times: &BTreeMap<Thing, Moment>, now: Moment) -> BTreeSet<Thing> {
        let fresh = |thing: &Thing| times.get(thing).is_some_and(|at| at.age_at(now) <= GRACE);
        let mut there: BTreeSet<_> = (0..BLOBS).map(Thing::Blob).filter(fresh).collect();
        for (index, blobs) in DOCUMENTS.iter().enumerate() {
            if self.is_held(index) || fresh(&Thing::Document(index)) {
                there.insert(Thing::Document(index));
                there.extend(blobs.iter().map(|blob| Thing::Blob(*blob)));
            }
        }
        there
    }
}

async fn perform(store: Store, operation: Operation) -> Result<(), Error> {
    match operation {
        Operation::Put(index) => store.put(blob(index)).await.map(drop),
        Operation::Build(index) => {
            for index in DOCUMENTS[index] {
                store.put(blob(*index)).await?;
            }
            store.put_document(document(index), &references(index)).await.map(drop)
        }
        Operation::Document(index) => store.put_document(document(index), &references(index)).await.map(drop),
        Operation::Hold(index, name) => store.hold(Digest::of(&document(index)), &holder(HOLDERS[name])).await,
        Operation::Release(index, name) => store.release(Digest::of(&document(index)), &holder(HOLDERS[name])).await,
        Operation::Collect => store.collect(grace(), Sweep::Remove).await.map(drop),
        Operation::Wait(_) => Ok(()),
    }
}

/// Whether the thing can be read, and is what it was.
async fn can_be_read(fixture: &Fixture, thing: Thing) -> bool {
    match thing {
        Thing::Blob(index) => {
            fixture.store.blob(Digest::of(&blob(index)), 10).await.is_ok_and(|read| read == blob(index))
        }
        Thing::Document(index) => fixture
            .store
            .document(Digest::of(&document(index)))
            .await
            .is_ok_and(|read| read.bytes == document(index) && read.references.len() == DOCUMENTS[index].len()),
    }
}

async fn leaves_objects(fixture: &Fixture, thing: Thing) -> bool {
    let (kind, digest) = match thing {
        Thing::Blob(index) => (Kind::Blob, Digest::of(&blob(index))),
        Thing::Document(index) => (Kind::Document, Digest::of(&document(index))),
    };
    !fixture.generations(kind, digest).await.is_empty()
}

/// What must be there is, and what must not, after a collection that went to its end, is not.
async fn check(fixture: &Fixture, model: &Model, after: &Operation, collected: bool) {
    let now = fixture.clock.now();
    for thing in model.there(&model.surely, now) {
        assert!(can_be_read(fixture, thing).await, "{thing:?} is lost after {after:?}");
    }
    if collected {
        let there = model.there(&model.perhaps, now);
        let all = (0..BLOBS).map(Thing::Blob).chain((0..DOCUMENTS.len()).map(Thing::Document));
        for thing in all.filter(|thing| !there.contains(thing)) {
            assert!(!leaves_objects(fixture, thing).await, "{thing:?} is still there after {after:?}");
        }
    }
}

async fn run(operations: Vec<(Operation, usize)>) {
    let fixture = Fixture::memory().await;
    let mut model = Model::default();
    for (operation, crash_after) in operations {
        if let Operation::Wait(time) = operation {
            fixture.clock.advance(time);
        }
        let now = fixture.clock.now();
        let there = model.there(&model.surely, now);
        let work = operation.clone();
        let result = Task::new(&fixture, |store| perform(store, work)).run(crash_after.min(10_000));
        assert!(crash_after < usize::MAX || result.is_some(), "{operation:?} does not end");
        let done = match result {
            None => false,
            Some(Ok(())) => true,
            Some(Err(Error::Missing { .. })) => {
                let refusable = matches!(operation, Operation::Hold(..) | Operation::Document(_));
                let needs = Model::touches(&operation);
                let needs = needs
                    .iter()
                    .filter(|thing| matches!(operation, Operation::Hold(..)) || matches!(thing, Thing::Blob(_)));
                assert!(refusable && !needs.copied().all(|thing| there.contains(&thing)), "{operation:?} was refused");
                false
            }
            Some(Err(error)) => panic!("{operation:?}: {error}"),
        };
        // To release what is not there is to do nothing.
        let touched = Model::touches(&operation);
        let released = matches!(operation, Operation::Release(..));
        let surely = done && (!released || touched.iter().all(|thing| there.contains(thing)));
        model.touch(now, touched, surely);
        if let Operation::Hold(index, name) | Operation::Release(index, name) = operation {
            // The store says what became of a hold in a crash; what was done is certain.
            let hold = Hold { artifact: Digest::of(&document(index)), holder: holder(HOLDERS[name]) };
            let held = fixture.store.holds().await.unwrap().contains(&hold);
            assert!(!done || held == matches!(operation, Operation::Hold(..)), "{operation:?}");
            match held {
                true => model.held.insert((index, name)),
                false => model.held.remove(&(index, name)),
            };
            if !done && held {
                model.touch(now, Model::touches(&Operation::Document(index)), false);
            }
        }
        check(&fixture, &model, &operation, done && matches!(operation, Operation::Collect)).await;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn what_is_needed_stays_and_the_rest_goes(operations in proptest::collection::vec((operation(), crash()), 1..60)) {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(run(operations));
    }
}
