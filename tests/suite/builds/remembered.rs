//! The same source twice costs nothing, and gives the same wherever it is built.

use hks_builder::store::{Grace, Holder, Sweep};

use crate::harness::{House, Workbench, wait};

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
fn what_was_collected_is_built_again() {
    let bench = Workbench::new();
    let [held, loose] = ["return 1", "return 2"].map(|body| {
        let code = format!("def handler(event): {body}\n");
        bench.build_text("python", &code).unwrap()
    });
    let holder = "fn_1:1".parse::<Holder>().unwrap();
    wait(bench.builder.store().hold(held.artifact, &holder)).unwrap();
    // Nothing is old enough yet.
    let grace = Grace::default();
    let collected = wait(bench.builder.store().collect(grace, Sweep::Remove)).unwrap();
    assert_eq!(collected.documents.objects + collected.blobs.objects, 0, "{collected:?}");
    assert_eq!(bench.call(&loose).report().value.as_str(), "2");
    assert_eq!(bench.call(&held).report().value.as_str(), "1");
}
