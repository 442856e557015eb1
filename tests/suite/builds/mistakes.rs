//! What cannot be built is refused with the place of the mistake, and what to do.

use hks_builder::{Cancel, Error, Request};

use crate::harness::{Workbench, tree};

/// Paths and texts.
type Files<'a> = &'a [(&'a str, &'a str)];

#[test]
fn source_that_does_not_compile_is_shown() {
    let bench = Workbench::new();
    let cases: [(Files<'_>, &[&str]); 5] = [
        (
            &[("function.yaml", "name: f\n"), ("main.py", "def handler(event):\n    return (1,\n")],
            &["main.py:2", "'(' was never closed", "return (1,"],
        ),
        (
            &[
                ("function.yaml", "name: f\nhandler: app.py\n"),
                ("app.py", "import util\ndef handler(event): pass\n"),
                ("util.py", "x = 1\ny = = 2\n"),
            ],
            &["util.py:2", "invalid syntax", "y = = 2"],
        ),
        (
            &[("function.yaml", "name: f\n"), ("index.js", "const a = 1;\nconst = 2;\nexports.handler = () => a;\n")],
            &["index.js:2"],
        ),
        (
            &[("function.yaml", "name: f\n"), ("index.ts", "const a: number = ;\nexport const handler = () => a;\n")],
            &["index.ts:1"],
        ),
        (
            &[
                ("function.yaml", "name: f\nhandler: a.ts\n"),
                ("a.ts", "import { b } from './b';\nexport const handler = () => b;\n"),
                ("b.ts", "export const b = 1;\nexport const c: = 2;\n"),
            ],
            &["b.ts:2"],
        ),
    ];
    for (files, parts) in cases {
        let refusal = bench.refusal(files);
        for part in parts {
            assert!(refusal.contains(part), "{part}: {refusal}");
        }
    }
    assert_eq!(bench.leftovers(), 0);
}

#[test]
fn a_top_level_that_fails_fails_the_build() {
    let bench = Workbench::new();
    let cases = [
        ("main.py", "import nowhere\ndef handler(event): pass\n", &["No module named 'nowhere'", "line 1"][..]),
        ("main.py", "x = 1\n", &["HandlerNotFoundError"]),
        ("main.py", "while True: pass\ndef handler(event): pass\n", &["timeout"]),
        ("index.js", "null.x;\nexports.handler = () => 1;\n", &["TypeError", "index.js:1"]),
        ("index.js", "const x = 1;\n", &["HandlerNotFoundError"]),
    ];
    for (name, code, parts) in cases {
        let refusal = bench.refusal(&[("function.yaml", "name: f\nlimits: {timeout_s: 2}\n"), (name, code)]);
        for part in [&["build.snapshot"], parts].concat() {
            assert!(refusal.contains(part), "{part}: {refusal}");
        }
    }
}

#[test]
fn what_it_is_written_in_has_to_be_known() {
    let bench = Workbench::new();
    assert!(bench.refusal(&[("function.yaml", "name: f\n"), ("README.md", "")]).contains("set runtime"));
    assert!(bench.refusal(&[("function.yaml", "name: f\n")]).contains("nothing but function.yaml"));
    assert!(bench.refusal(&[("main.py", "")]).contains("no function.yaml"));
    let container = bench.refusal(&[("function.yaml", "name: f\nruntime: container\n"), ("Dockerfile", "FROM x")]);
    assert!(container.contains("container"), "{container}");
    let mistyped = bench.refusal(&[("function.yaml", "name: f\nruntme: python\n"), ("main.py", "")]);
    assert!(mistyped.contains("function.yaml:2:1: runtme: unknown key; did you mean runtime?"), "{mistyped}");
}

#[test]
fn a_missing_tool_is_named_with_what_to_install() {
    let bench = Workbench::with(|config| config.toolchains = hks_builder::Toolchains::default());
    let go = bench.refusal(&[("function.yaml", "name: f\n"), ("main.go", "package main\nfunc main() {}\n")]);
    assert!(go.contains("needs go, which is not installed here; install Go 1.24"), "{go}");
    bench.build(&[("function.yaml", "name: f\n"), ("main.py", "def handler(event): pass")]).unwrap();
}

#[test]
fn a_build_can_be_canceled_and_ends_in_its_time() {
    let bench = Workbench::new();
    let slow = [
        ("function.yaml", "name: f\nruntime: rust\nbuild: {timeout_s: 3}\n"),
        ("Cargo.toml", "[package]\nname = \"f\"\nversion = \"0.1.0\"\nedition = \"2024\"\nbuild = \"build.rs\"\n"),
        ("build.rs", "fn main() { loop { std::thread::sleep(std::time::Duration::from_secs(1)); } }"),
        ("src/main.rs", "fn main() {}"),
    ];
    assert!(bench.refusal(&slow).contains("longer than 3 seconds"));
    let endless = [("function.yaml", "name: f\n"), ("main.py", "while True: pass\ndef handler(event): pass\n")];
    for files in [&slow[..], &endless] {
        let request = Request::of_files(tree(files)).unwrap();
        let (cancel, mut canceled) = (Cancel::new(), None);
        // It is busy when it has said something; later is as good.
        let listen = |_| {
            let cancel = cancel.clone();
            canceled.get_or_insert_with(|| std::thread::spawn(move || cancel.cancel()));
        };
        let ended = bench.builder.build(&request, &cancel, listen);
        assert!(matches!(ended, Err(Error::Canceled)), "{ended:?}");
    }
    assert_eq!(bench.leftovers(), 0);
}
