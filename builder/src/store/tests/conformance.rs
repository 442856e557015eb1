//! One suite for all places.

use std::future::Future;
use std::pin::Pin;

use object_store::ObjectStoreExt;

use super::*;

type Test = for<'a> fn(&'a Fixture) -> Pin<Box<dyn Future<Output = ()> + 'a>>;

macro_rules! tests {
    ($($name:ident),* $(,)?) => { [$((stringify!($name), (|it| Box::pin($name(it))) as Test)),*] };
}

/// Each in a store of its own.
pub(super) const ALL: [(&str, Test); 13] = tests![
    content_is_stored_once_and_read_as_it_was,
    large_content_travels_in_parts,
    what_is_not_there_is_named,
    more_than_was_expected_is_refused,
    altered_content_is_refused_and_repaired_by_a_put,
    cut_content_is_repaired_by_a_put,
    a_document_needs_its_blobs,
    a_held_artifact_stays_and_a_released_one_goes,
    what_two_share_stays_for_the_other,
    the_grace_time_counts_from_the_last_put,
    a_count_removes_nothing,
    a_damaged_document_stops_a_collection_until_it_is_repaired,
    another_format_is_refused,
];

async fn content_is_stored_once_and_read_as_it_was(it: &Fixture) {
    let digest = it.store.put(Bytes::from_static(b"content")).await.unwrap();
    assert_eq!(digest, Digest::of(b"content"));
    it.clock.advance(MINUTE);
    assert_eq!(it.store.put(Bytes::from_static(b"content")).await.unwrap(), digest);
    assert_eq!(it.generations(Kind::Blob, digest).await.len(), 1);
    assert_eq!(it.store.blob(digest, 7).await.unwrap(), "content");
    assert!(it.store.contains(digest).await.unwrap());
    let empty = it.store.put(Bytes::new()).await.unwrap();
    assert_eq!(it.store.blob(empty, 0).await.unwrap(), "");
}

async fn large_content_travels_in_parts(it: &Fixture) {
    let large: Vec<u8> = (0..20_000_000_u32).map(|index| (index.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let large = Bytes::from(large);
    let digest = it.store.put(large.clone()).await.unwrap();
    assert!(it.store.blob(digest, 20_000_000).await.unwrap() == large);
}

async fn what_is_not_there_is_named(it: &Fixture) {
    let digest = Digest::of(b"never put");
    let error = it.store.blob(digest, 10).await.unwrap_err();
    assert!(matches!(error, Error::Missing { .. }), "{error}");
    assert!(error.to_string().contains(&digest.to_string()), "{error}");
    assert!(!it.store.contains(digest).await.unwrap());
    let error = it.store.hold(digest, &holder("x")).await.unwrap_err();
    assert!(matches!(error, Error::Missing { kind: "document", .. }), "{error}");
    assert!(it.store.holds().await.unwrap().is_empty());
}

async fn more_than_was_expected_is_refused(it: &Fixture) {
    let digest = it.store.put(Bytes::from_static(b"content")).await.unwrap();
    let error = it.store.blob(digest, 6).await.unwrap_err();
    assert!(matches!(error, Error::TooLarge { bytes: 7, bytes_max: 6, .. }), "{error}");
}

async fn altered_content_is_refused_and_repaired_by_a_put(it: &Fixture) {
    let digest = it.store.put(Bytes::from_static(b"content")).await.unwrap();
    let object = it.generations(Kind::Blob, digest).await.remove(0);
    it.raw.put(&object, "c0ntent".into()).await.unwrap();
    let error = it.store.blob(digest, 7).await.unwrap_err();
    assert!(matches!(&error, Error::Damaged { object: named, .. } if *named == object.to_string()), "{error}");
    assert!(!it.store.contains(digest).await.unwrap());
    let error = it.store.put_document(Bytes::from_static(b"{}"), &[digest]).await.unwrap_err();
    assert!(matches!(error, Error::Damaged { .. }), "{error}");
    it.store.put(Bytes::from_static(b"content")).await.unwrap();
    assert_eq!(it.store.blob(digest, 7).await.unwrap(), "content");
    it.store.collect(grace(), Sweep::Remove).await.unwrap();
    assert_eq!(it.generations(Kind::Blob, digest).await.len(), 1);
    assert_eq!(it.store.blob(digest, 7).await.unwrap(), "content");
}

async fn cut_content_is_repaired_by_a_put(it: &Fixture) {
    let digest = it.store.put(Bytes::from_static(b"content")).await.unwrap();
    let object = it.generations(Kind::Blob, digest).await.remove(0);
    it.raw.put(&object, "".into()).await.unwrap();
    it.store.put(Bytes::from_static(b"content")).await.unwrap();
    assert_eq!(it.store.blob(digest, 7).await.unwrap(), "content");
}

async fn a_document_needs_its_blobs(it: &Fixture) {
    let one = it.store.put(Bytes::from_static(b"1")).await.unwrap();
    let other = Digest::of(b"2");
    let error = it.store.put_document(Bytes::from_static(b"{}"), &[one, other]).await.unwrap_err();
    assert!(matches!(&error, Error::Missing { digest, .. } if *digest == other), "{error}");
    it.store.put(Bytes::from_static(b"2")).await.unwrap();
    let document = it.store.put_document(Bytes::from_static(b"{}"), &[other, one, one]).await.unwrap();
    let read = it.store.document(document).await.unwrap();
    assert_eq!((read.bytes, read.references.len()), (Bytes::from_static(b"{}"), 2));
    let error = it.store.put_document(Bytes::from_static(b"{}"), &[one]).await.unwrap_err();
    assert!(error.to_string().contains("other blobs"), "{error}");
}

async fn a_held_artifact_stays_and_a_released_one_goes(it: &Fixture) {
    let blob = it.store.put(Bytes::from_static(b"1")).await.unwrap();
    let artifact = it.store.put_document(Bytes::from_static(b"{}"), &[blob]).await.unwrap();
    let (v1, v2) = (holder("fn_1.v1"), holder("fn_1.v2"));
    for holder in [&v1, &v2, &v2] {
        it.store.hold(artifact, holder).await.unwrap();
    }
    assert_eq!(it.store.holds().await.unwrap().len(), 2);
    it.store.release(artifact, &v1).await.unwrap();
    it.clock.advance(GRACE * 3);
    assert_eq!(it.store.collect(grace(), Sweep::Remove).await.unwrap(), Collected::default());
    it.store.release(artifact, &v2).await.unwrap();
    it.store.release(artifact, &v2).await.unwrap();
    it.clock.advance(GRACE);
    assert_eq!(it.store.collect(grace(), Sweep::Remove).await.unwrap(), Collected::default());
    it.clock.advance(MINUTE);
    let collected = it.store.collect(grace(), Sweep::Remove).await.unwrap();
    assert_eq!((collected.documents.objects, collected.blobs), (1, Removed { objects: 1, bytes: 1 }));
    assert!(it.store.document(artifact).await.is_err() && !it.store.contains(blob).await.unwrap());
    it.clock.advance(GRACE + MINUTE);
    it.store.collect(grace(), Sweep::Remove).await.unwrap();
    assert_eq!(it.names().await, [layout::FORMAT]);
}

async fn what_two_share_stays_for_the_other(it: &Fixture) {
    let shared = it.store.put(Bytes::from_static(b"shared")).await.unwrap();
    let own = it.store.put(Bytes::from_static(b"own")).await.unwrap();
    let first = it.store.put_document(Bytes::from_static(b"1"), &[shared, own]).await.unwrap();
    let second = it.store.put_document(Bytes::from_static(b"2"), &[shared]).await.unwrap();
    it.store.hold(first, &holder("a")).await.unwrap();
    it.store.hold(second, &holder("a")).await.unwrap();
    it.store.release(first, &holder("a")).await.unwrap();
    it.clock.advance(GRACE + MINUTE);
    let collected = it.store.collect(grace(), Sweep::Remove).await.unwrap();
    assert_eq!(collected.blobs, Removed { objects: 1, bytes: 3 });
    assert_eq!(it.store.blob(shared, 6).await.unwrap(), "shared");
}

async fn the_grace_time_counts_from_the_last_put(it: &Fixture) {
    let blob = it.store.put(Bytes::from_static(b"1")).await.unwrap();
    it.clock.advance(GRACE);
    it.store.put(Bytes::from_static(b"1")).await.unwrap();
    it.clock.advance(GRACE);
    assert_eq!(it.store.collect(grace(), Sweep::Remove).await.unwrap().blobs.objects, 0);
    it.clock.advance(MINUTE);
    assert_eq!(it.store.collect(grace(), Sweep::Remove).await.unwrap().blobs.objects, 1);
    assert!(matches!(it.store.blob(blob, 1).await, Err(Error::Missing { .. })));
}

async fn a_count_removes_nothing(it: &Fixture) {
    it.store.put(Bytes::from_static(b"content")).await.unwrap();
    it.clock.advance(GRACE + MINUTE);
    let names = it.names().await;
    let counted = it.store.collect(grace(), Sweep::Count).await.unwrap();
    assert_eq!(counted.blobs, Removed { objects: 1, bytes: 7 });
    assert_eq!(it.names().await, names);
    assert_eq!(it.store.collect(grace(), Sweep::Remove).await.unwrap(), counted);
}

async fn a_damaged_document_stops_a_collection_until_it_is_repaired(it: &Fixture) {
    let blob = it.store.put(Bytes::from_static(b"1")).await.unwrap();
    let artifact = it.store.put_document(Bytes::from_static(b"{}"), &[blob]).await.unwrap();
    it.store.hold(artifact, &holder("a")).await.unwrap();
    it.clock.advance(GRACE + MINUTE);
    let object = it.generations(Kind::Document, artifact).await.remove(0);
    it.raw.put(&object, "hks document 1\n".into()).await.unwrap();
    let error = it.store.collect(grace(), Sweep::Remove).await.unwrap_err();
    assert!(matches!(error, Error::Damaged { .. }), "{error}");
    assert!(it.store.contains(blob).await.unwrap());
    it.store.put_document(Bytes::from_static(b"{}"), &[blob]).await.unwrap();
    it.store.collect(grace(), Sweep::Remove).await.unwrap();
    assert_eq!(it.store.document(artifact).await.unwrap().references, [blob]);
}

async fn another_format_is_refused(it: &Fixture) {
    it.raw.put(&Path::from(layout::FORMAT), "hks artifact store 2\n".into()).await.unwrap();
    let objects = Objects::new(Arc::clone(&it.raw), "the store");
    let error = Store::with(objects, it.clock.clone(), None).await.unwrap_err();
    assert!(error.to_string().contains("store 2"), "{error}");
}

#[tokio::test]
async fn memory_conforms() {
    for (name, test) in ALL {
        println!("{name}");
        test(&Fixture::memory().await).await;
    }
}

#[tokio::test]
async fn a_folder_is_opened_again_with_all_that_it_had() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::Folder(folder.path().join("store"));
    let artifact = {
        let store = Store::open(&place).await.unwrap();
        let blob = store.put(Bytes::from_static(b"1")).await.unwrap();
        let artifact = store.put_document(Bytes::from_static(b"{}"), &[blob]).await.unwrap();
        store.hold(artifact, &holder("a")).await.unwrap();
        artifact
    };
    let store = Store::open(&place).await.unwrap();
    assert_eq!(store.collect(Grace::default(), Sweep::Remove).await.unwrap(), Collected::default());
    assert_eq!(store.holds().await.unwrap(), [Hold { artifact, holder: holder("a") }]);
    let blob = store.document(artifact).await.unwrap().references[0];
    assert_eq!(store.blob(blob, 1).await.unwrap(), "1");
}

async fn in_a_folder() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    Fixture::over(Place::Folder(folder.path().to_owned()).open().unwrap(), Some(folder)).await
}

#[tokio::test]
async fn a_folder_conforms() {
    for (name, test) in ALL {
        println!("{name}");
        test(&in_a_folder().await).await;
    }
}

#[tokio::test]
async fn half_written_files_are_removed_after_the_grace_time() {
    let it = in_a_folder().await;
    let digest = it.store.put(Bytes::from_static(b"content")).await.unwrap();
    let object = it.generations(Kind::Blob, digest).await.remove(0);
    let folder = it.folder.as_ref().unwrap().path();
    let (old, new) = (folder.join(format!("{object}#1")), folder.join("leases/x#12"));
    std::fs::write(&old, "half").unwrap();
    std::fs::write(&new, "half").unwrap();
    leftovers::set_age(&old, GRACE + MINUTE);
    let counted = it.store.collect(grace(), Sweep::Count).await.unwrap();
    assert!(old.exists());
    let collected = it.store.collect(grace(), Sweep::Remove).await.unwrap();
    assert_eq!((collected.leftovers, counted.leftovers), (Removed { objects: 1, bytes: 4 }, collected.leftovers));
    assert!(!old.exists() && new.exists());
    assert_eq!(it.store.blob(digest, 7).await.unwrap(), "content");
}

#[tokio::test]
async fn a_hold_of_what_somebody_removed_is_told() {
    let it = Fixture::memory().await;
    let artifact = it.store.put_document(Bytes::from_static(b"{}"), &[]).await.unwrap();
    it.store.hold(artifact, &holder("a")).await.unwrap();
    it.raw.delete(&it.generations(Kind::Document, artifact).await.remove(0)).await.unwrap();
    let collected = it.store.collect(grace(), Sweep::Remove).await.unwrap();
    assert_eq!(collected.broken, [Hold { artifact, holder: holder("a") }]);
}

#[tokio::test]
async fn what_is_too_much_is_refused() {
    let it = Fixture::memory().await;
    let many = vec![Digest::of(b"1"); 4097];
    assert!(matches!(it.store.put_document(Bytes::new(), &many).await, Err(Error::Missing { .. })), "one blob");
    let many: Vec<_> = (0..4097_u32).map(|index| Digest::of(&index.to_le_bytes())).collect();
    assert!(it.store.put_document(Bytes::new(), &many).await.unwrap_err().to_string().contains("4097 blobs"));
    let large = Bytes::from(vec![0; (4 << 20) + 1]);
    assert!(matches!(it.store.put_document(large, &[]).await, Err(Error::TooLarge { .. })));
    assert!(Grace::new(GRACE - MINUTE).unwrap_err().to_string().contains("too short"));
}

#[tokio::test]
async fn names_that_are_not_ours_are_left_alone() {
    let it = Fixture::memory().await;
    for name in ["blobs/abc/readme", "leases/readme", "holds/abc/readme", "readme"] {
        it.raw.put(&Path::from(name), "x".into()).await.unwrap();
    }
    let names = it.names().await;
    it.clock.advance(GRACE * 3);
    assert_eq!(it.store.collect(grace(), Sweep::Remove).await.unwrap(), Collected::default());
    assert_eq!(it.names().await, names);
}
