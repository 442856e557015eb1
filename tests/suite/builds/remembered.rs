//! The same source twice costs nothing, and gives the same wherever it is built.

use std::time::{Duration, SystemTime};

use hks_builder::Cancel;
use hks_builder::source::{SourceLimits, SourceTree};
use hks_builder::store::Holder;
use hks_engine::{ArtifactStore, EngineConfig, Keep, Metering};

use crate::harness::{Command, House, Workbench, wait};

const JAVASCRIPT: &[(&str, &str)] = &[
    ("function.yaml", "name: f\npackages: [nanoid@5.1.5]\n"),
    ("index.js", "import { customAlphabet } from 'nanoid';\nexport const handler = () => customAlphabet('a', 4)();\n"),
];
const PYTHON: &[(&str, &str)] = &[
    ("function.yaml", "name: f\npackages: [jinja2]\n"),
    ("main.py", "import jinja2, json, decimal\ndef handler(event): return jinja2.Template('{{ 1 }}').render()\n"),
];
const GO: &[(&str, &str)] = &[
    ("function.yaml", "name: f\n"),
    ("main.go", "package main\n\nimport \"fmt\"\n\nfunc main() { fmt.Println(42) }\n"),
];
const C: &[(&str, &str)] =
    &[("function.yaml", "name: f\n"), ("main.c", "#include <stdio.h>\nint main(void) { puts(\"42\"); return 0; }\n")];

#[test]
fn two_builders_make_the_same_artifact() {
    for files in [JAVASCRIPT, PYTHON, GO, C] {
        let [one, other] = [Workbench::new(), Workbench::new()].map(|bench| bench.build(files).unwrap());
        assert!(!one.found && !other.found);
        House::assert_same(&one, &other);
    }
}

#[test]
fn the_same_source_is_built_once() {
    let bench = Workbench::new();
    let first = bench.build(PYTHON).unwrap();
    let again = bench.build(PYTHON).unwrap();
    assert!(!first.found && again.found);
    House::assert_same(&first, &again);
    // What has nothing to do with the build does not change it.
    let renamed = "name: other\npackages: [jinja2]\nschedule: {cron: '@daily'}\n";
    assert!(bench.build(&[("function.yaml", renamed), PYTHON[1]]).unwrap().found);
    let environment = "name: f\npackages: [jinja2]\nenvironment: {LEVEL: info}\n";
    assert!(!bench.build(&[("function.yaml", environment), PYTHON[1]]).unwrap().found);
}

#[test]
fn what_is_not_in_the_store_any_more_is_built_again_with_all_its_parts() {
    let bench = Workbench::new();
    for (runtime, code) in
        [("python", "def handler(event): return 1\n"), ("javascript", "exports.handler = () => 1;\n")]
    {
        let first = bench.build_text(runtime, code).unwrap();
        bench.lose_artifacts();
        assert!(wait(bench.builder.store().document(first.artifact)).is_err());
        let again = bench.build_text(runtime, code).unwrap();
        assert!(!again.found);
        House::assert_same(&first, &again);
        // The interpreter is one of them, though it was ready in this process all the time.
        for part in again.parts.references() {
            assert!(wait(bench.builder.store().contains(part)).unwrap(), "{runtime}: {part}");
        }
        assert!(bench.build_text(runtime, code).unwrap().found);
    }
}

#[test]
fn machine_code_is_made_ahead_for_another_engine_and_goes_with_what_needed_it() {
    let native = tempfile::tempdir().unwrap();
    let [old, new] = [Metering::FuelAndEpoch, Metering::Epoch]
        .map(|metering| House::new(&EngineConfig { metering, ..EngineConfig::default() }));
    let bench = Workbench::in_house(&old.runtime, native.path(), tempfile::tempdir().unwrap(), |_| {});
    let command = Command::new("(call $out (i32.const 0) (global.get $len))").with_text(b"42").wasm();
    let files = [("function.yaml", b"name: f\n".to_vec()), ("function.wasm", command)];
    let source = SourceTree::from_files(files, &SourceLimits::default()).unwrap();
    let built = bench.build_tree(source).0.unwrap();
    let holder = "fn_1:1".parse::<Holder>().unwrap();
    wait(bench.builder.store().hold(built.artifact, &holder)).unwrap();

    let bench = Workbench::in_house(&new.runtime, native.path(), bench.into_folder(), |_| {});
    let code = ArtifactStore::open(native.path()).unwrap();
    assert!(!code.contains(new.runtime.engine(), built.parts.component));
    let rebuilt = bench.builder.rebuild(Cancel::new(), |_| {}).unwrap().join().unwrap();
    assert_eq!((rebuilt.ready, rebuilt.failed, rebuilt.left), (1, 0, 0));
    assert!(code.contains(new.runtime.engine(), built.parts.component));
    let report = new.call_component(&bench.load(built.artifact)).report();
    assert_eq!(report.value.as_str(), "42", "{:?}", report.error);

    // What was compiled just now is never too old.
    let keep = Keep { unused: Duration::from_secs(3600), bytes_max: u64::MAX };
    assert_eq!(bench.builder.trim(&keep).unwrap().files, 0);
    let long_ago = SystemTime::now() - Duration::from_secs(7200);
    for engine in [old.runtime.engine(), new.runtime.engine()] {
        code.set_last_used(engine, built.parts.component, long_ago).unwrap();
    }
    assert_eq!(bench.builder.trim(&keep).unwrap().files, 1, "that of the old engine");
    assert!(code.contains(new.runtime.engine(), built.parts.component));
    wait(bench.builder.store().release(built.artifact, &holder)).unwrap();
    assert_eq!(bench.builder.trim(&keep).unwrap().files, 1, "nobody holds it any more");
    assert!(!code.contains(new.runtime.engine(), built.parts.component));
}
