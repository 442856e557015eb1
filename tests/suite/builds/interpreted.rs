//! Python, JavaScript and TypeScript: compiled ahead, run ahead, and started from what that left.

use hks_builder::{Built, Start};

use crate::harness::{Language, Workbench, house, tree};

const PYTHON: &[(&str, &str)] = &[
    ("function.yaml", "name: shop\nhandler: shop/app.py:total\npackages: [jinja2]\n"),
    ("shop/__init__.py", ""),
    (
        "shop/prices.py",
        "import json, importlib.resources\nPRICES = json.loads(importlib.resources.read_text(__package__, 'prices.json'))\n",
    ),
    ("shop/prices.json", "{\"tea\": 3}"),
    (
        "shop/app.py",
        "import jinja2\nfrom .prices import PRICES\nLINE = jinja2.Template('{{ n }} x {{ what }}: {{ sum }}')\n\
         def total(event):\n    return LINE.render(sum=PRICES[event['what']] * event['n'], **event)\n",
    ),
];

fn reason(built: &Built) -> &str {
    match &built.parts.start {
        Start::Top { reason: Some(reason) } => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_python_package_with_dependencies_starts_behind_its_imports() {
    let bench = Workbench::new();
    let built = bench.build(PYTHON).unwrap();
    assert!(matches!(built.parts.start, Start::Snapshot(_)), "{:?}", built.parts.start);
    assert_eq!(built.parts.layers.len(), 2);
    assert!(built.parts.lock.is_some());
    let report = bench.call(&built).event(r#"{"what": "tea", "n": 2}"#).report();
    assert_eq!(report.value.as_str(), r#""2 x tea: 6""#, "{:?}", report.error);
    house().assert_restored();
}

#[test]
fn a_function_behind_its_imports_does_a_fraction_of_the_work() {
    let bench = Workbench::new();
    let off = "name: shop\nhandler: shop/app.py:total\npackages: [jinja2]\nbuild: {snapshot: false}\n";
    let top: Vec<(&str, &str)> = std::iter::once(("function.yaml", off)).chain(PYTHON[1..].iter().copied()).collect();
    let [ahead, top] = [PYTHON, &top].map(|files| bench.build(files).unwrap());
    assert_eq!(reason(&top), "build.snapshot is false");
    let [ahead, top] = [ahead, top].map(|built| {
        let report = bench.call(&built).event(r#"{"what": "tea", "n": 2}"#).report();
        assert_eq!(report.value.as_str(), r#""2 x tea: 6""#, "{:?}", report.error);
        report.usage.fuel
    });
    assert!(ahead < top / 5, "{ahead} of {top}");
}

#[test]
fn tracebacks_name_the_users_files_and_lines() {
    let bench = Workbench::new();
    let python = [
        ("function.yaml", "name: f\nhandler: app.py\n"),
        ("app.py", "from below import fail\ndef handler(event):\n    return fail(event)\n"),
        ("below.py", "\n\ndef fail(event):\n    raise ValueError('as asked')\n"),
    ];
    let traceback = bench.call(&bench.build(&python).unwrap()).report().error.unwrap().traceback;
    for place in ["/code/app.py\", line 3", "/code/below.py\", line 4", "raise ValueError('as asked')"] {
        assert!(traceback.contains(place), "{place}: {traceback}");
    }
    let typescript = [
        ("function.yaml", "name: f\nhandler: src/app.ts\n"),
        (
            "src/app.ts",
            "import { fail } from './below';\nexport function handler(event: unknown) {\n  return fail(event);\n}\n",
        ),
        (
            "src/below.ts",
            "enum Kind { A }\n\nexport function fail(event: unknown): never {\n  throw new TypeError(`as asked ${Kind.A}`);\n}\n",
        ),
    ];
    let error = bench.call(&bench.build(&typescript).unwrap()).report().error.unwrap();
    assert_eq!(error.value, "as asked 0");
    for place in ["src/below.ts:4:", "src/app.ts:3:"] {
        assert!(error.traceback.contains(place), "{place}: {}", error.traceback);
    }
}

/// Reads its own files by everything that programs read files with, and says what it found.
const READER: &str = include_str!("reader.py");

#[test]
fn a_functions_own_files_are_read_like_any_others() {
    let bench = Workbench::new();
    let files = |yaml| {
        [
            ("function.yaml", yaml),
            ("app.py", READER),
            ("data.json", r#"{"tea": 3}"#),
            ("data/names.txt", "a\nb\n"),
            ("data/rows.csv", "a,b\n"),
            ("data/x.toml", "x = 1\n"),
        ]
    };
    // Behind a top level that has read some of them, and with all of it in one execution.
    let ahead = bench.build(&files("name: reader\n")).unwrap();
    assert!(matches!(ahead.parts.start, Start::Snapshot(_)), "{:?}", ahead.parts.start);
    let top = bench.build(&files("name: reader\nbuild: {snapshot: false}\n")).unwrap();
    let wanted = concat!(
        r#"[{"tea": 3}, "a\nb\n", ["app.py", "data", "data.json"], [false, true, true], "#,
        r#""[Errno 69] Read-only file system: '/code/new'"]"#
    );
    for built in [ahead, top] {
        let report = bench.call(&built).report();
        let [value, wanted] = [report.value.as_str(), wanted].map(serde_json::from_str::<serde_json::Value>);
        assert_eq!(value.ok(), wanted.ok(), "{:?}", report.error);
    }
    house().assert_restored();
}

#[test]
fn time_chance_and_secrets_keep_a_function_from_being_stored() {
    let bench = Workbench::new();
    // A clock behind the seal stood at the beginning of 2020.
    let clocks = [
        ("python", "import time\nSTART = time.time()\ndef handler(event): return START", 1.6e9),
        ("javascript", "const start = Date.now(); exports.handler = () => start", 1.6e12),
    ];
    for (runtime, code, past) in clocks {
        let built = bench.build_text(runtime, code).unwrap();
        assert!(reason(&built).contains("the time"), "{code}: {}", reason(&built));
        let started: f64 = bench.call(&built).report().value.as_str().parse().unwrap();
        assert!(started > past, "{code}: {started}");
    }
    let chances = [
        ("python", "import secrets\nTOKEN = secrets.token_hex()\ndef handler(event): return TOKEN"),
        ("javascript", "const token = crypto.randomUUID(); exports.handler = () => token"),
    ];
    for (runtime, code) in chances {
        let built = bench.build_text(runtime, code).unwrap();
        assert!(reason(&built).contains("random numbers"), "{code}: {}", reason(&built));
        let [one, other] = [(); 2].map(|()| bench.call(&built).report().value);
        assert_ne!(one.as_str(), other.as_str(), "{code}");
    }
    let yaml = "name: f\nsecrets: [DB_PASSWORD]\n";
    let code = "import os\nPASSWORD = os.environ.get('DB_PASSWORD')\ndef handler(event): return PASSWORD\n";
    let built = bench.build(&[("function.yaml", yaml), ("main.py", code)]).unwrap();
    assert!(reason(&built).contains("secrets"), "{}", reason(&built));
    let report = bench.call(&built).variable("DB_PASSWORD", "given").report();
    assert_eq!(report.value.as_str(), r#""given""#, "{:?}", report.error);
}

#[test]
fn an_execution_compiles_nothing() {
    let bench = Workbench::new();
    let long: String = (0..2000).map(|n| format!("def f{n}(x):\n    return x * {n} + len(str(x))\n")).collect();
    let files = [
        ("function.yaml", "name: f\nbuild: {snapshot: false}\n"),
        ("main.py", &*format!("{long}def handler(event):\n    return f7(event)\n")),
    ];
    let report = bench.call(&bench.build(&files).unwrap()).event("3").report();
    assert_eq!(report.value.as_str(), "22", "{:?}", report.error);
    let whole = house().call(Language::Python, files[1].1).event("3").report();
    assert!(report.usage.fuel < whole.usage.fuel / 10, "{} of {}", report.usage.fuel, whole.usage.fuel);
}

#[test]
fn what_the_top_level_prints_is_in_the_log_of_the_build() {
    let bench = Workbench::new();
    let files = [("function.yaml", "name: f\n"), ("index.js", "console.log('ready'); exports.handler = () => 1;")];
    let (built, log) = bench.build_tree(tree(&files));
    assert!(log.iter().any(|line| line.text.contains("ready")), "{log:?}");
    assert!(bench.call(&built.unwrap()).report().logs.stdout.is_empty());
}
