//! Machine code that is not exactly what this user compiled is never loaded.

use std::fs;

use hks_engine::{ArtifactStore, Digest, Error};

use crate::harness::{Handler, Language, house, value};

#[test]
fn a_flipped_bit_anywhere_is_refused_and_compiled_anew() {
    let folder = tempfile::tempdir().unwrap();
    let store = ArtifactStore::open(folder.path()).unwrap();
    let engine = house().runtime.engine();
    let wasm = wat::parse_str(Handler::new("(call $ok (local.get $event) (local.get $event_len))").text()).unwrap();
    store.load_or_compile(engine, &wasm).unwrap();
    let path = store.path(engine, Digest::of(&wasm));
    let good = fs::read(&path).unwrap();
    for at in (0..good.len()).step_by(good.len() / 97).chain([good.len() - 1]) {
        let mut bad = good.clone();
        bad[at] ^= 0x10;
        fs::write(&path, &bad).unwrap();
        let refused = store.load(engine, Digest::of(&wasm));
        assert!(matches!(refused, Err(Error::Refused { .. })), "byte {at} of {}: {refused:?}", good.len());
    }
    let artifact = store.load_or_compile(engine, &wasm).unwrap();
    assert_eq!(fs::read(&path).unwrap(), good, "the same bytes again");
    let prepared = house().runtime.prepare(&artifact).unwrap();
    assert_eq!(value(&house().call_component(&prepared).event("[1]").report()), serde_json::json!([1]));
}

#[test]
fn another_stores_artifact_is_refused() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let [own, other] = folders.each_ref().map(|folder| ArtifactStore::open(folder.path()).unwrap());
    let engine = house().runtime.engine();
    let wasm = wat::parse_str(Handler::new("unreachable").text()).unwrap();
    other.load_or_compile(engine, &wasm).unwrap();
    let digest = Digest::of(&wasm);
    fs::copy(other.path(engine, digest), own.path(engine, digest)).unwrap();
    assert!(matches!(own.load(engine, digest), Err(Error::Refused { .. })));
    // Nor under the name of an interpreter.
    let python = Digest::of(&Language::Python.wasm());
    fs::copy(other.path(engine, digest), own.path(engine, python)).unwrap();
    assert!(matches!(own.load(engine, python), Err(Error::Refused { .. })));
}

#[test]
fn what_runs_goes_on_when_its_file_is_replaced() {
    let house = house();
    let folder = tempfile::tempdir().unwrap();
    let store = ArtifactStore::open(folder.path()).unwrap();
    let wasm = wat::parse_str(Handler::new("(call $ok (local.get $event) (local.get $event_len))").text()).unwrap();
    let artifact = store.load_or_compile(house.runtime.engine(), &wasm).unwrap();
    let prepared = house.runtime.prepare(&artifact).unwrap();
    fs::remove_file(store.path(house.runtime.engine(), Digest::of(&wasm))).unwrap();
    store.load_or_compile(house.runtime.engine(), &wasm).unwrap();
    assert_eq!(value(&house.call_component(&prepared).event("7").report()), 7);
}
