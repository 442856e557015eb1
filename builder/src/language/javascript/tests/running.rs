//! What was built, in the real guest.

use std::path::Path;
use std::sync::OnceLock;

use hks_engine::{ArtifactStore, EngineConfig};
use hks_protocol::{Json, Report};
use hks_runtime::{Prepared, Runtime, RuntimeConfig};
use tempfile::TempDir;

use super::*;
use crate::testing::cache;

/// The guest, compiled once for all runs of the tests.
fn guest() -> &'static (Runtime, Prepared, TempDir) {
    static GUEST: OnceLock<(Runtime, Prepared, TempDir)> = OnceLock::new();
    GUEST.get_or_init(|| {
        let scratch = tempfile::tempdir().unwrap();
        let config = RuntimeConfig::new(scratch.path().join("scratch"));
        let runtime = Runtime::new(&EngineConfig::default(), config).unwrap();
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sdk-python/python/hks_sdk/_guests/javascript.wasm");
        let wasm = std::fs::read(&file).unwrap_or_else(|error| {
            panic!("{}: {error}; run `cargo xtask guests javascript`", file.display());
        });
        let store = ArtifactStore::open(&cache().join("artifacts")).unwrap();
        let prepared = runtime.prepare(&store.load_or_compile(runtime.engine(), &wasm).unwrap()).unwrap();
        (runtime, prepared, scratch)
    })
}

/// Runs what was built. The traceback is as users see it.
fn run(built: &Interpreted, event: &str) -> Report {
    let (runtime, prepared, _) = guest();
    let attempt = Attempt::new(Some(built.text.clone()), Json::parse("event", event.to_owned()).unwrap());
    let mut report = runtime.run_here(prepared, &attempt, (), || false).unwrap();
    if let Some(error) = &mut report.error {
        error.traceback = built.lines.as_ref().unwrap().restore(&error.traceback);
    }
    report
}

#[track_caller]
fn value(built: &Interpreted, event: &str) -> String {
    let report = run(built, event);
    assert!(report.error.is_none(), "{:?}\n{}", report.error, built.text);
    report.value.as_str().to_owned()
}

#[test]
fn one_file_runs_in_both_languages() {
    let javascript = built_without_tools(&[("a.js", "exports.handler = (event) => event.n + 1;")], "").ok();
    assert_eq!(value(&javascript, r#"{"n": 1}"#), "2");
    let typescript = "enum By { One = 1 }\nexport const handler = (event: { n: number }): number => event.n + By.One;";
    assert_eq!(value(&built_without_tools(&[("a.ts", typescript)], "").ok(), r#"{"n": 1}"#), "2");
}

#[test]
fn a_handler_of_any_name_is_called() {
    for text in [
        "export function onEvent(n) { return n * 2; }",
        "const onEvent = (n) => n * 2; export { onEvent };",
        "exports.onEvent = (n) => n * 2;",
        "module.exports = { onEvent: (n) => n * 2 };",
        "function onEvent(n) { return n * 2; } module.exports = { onEvent };",
        "async function onEvent(n) { return n * 2; }",
    ] {
        assert_eq!(value(&built_without_tools(&[("a.js", text)], "handler: a.js:onEvent").ok(), "21"), "42", "{text}");
    }
    for text in [
        "export function handler() {} export function onEvent(n) { return n * 2; }",
        "const f = (n) => n * 2; export { f as onEvent };",
        "exports.handler = () => 0; exports.onEvent = (n) => n * 2;",
    ] {
        assert_eq!(value(&built(&[("a.js", text)], "handler: a.js:onEvent").ok(), "21"), "42", "{text}");
    }
}

#[test]
fn a_traceback_of_typescript_has_its_lines() {
    let text = "type N = number;\n\nfunction check(n: N): N {\n  if (n < 0) throw new RangeError(`${n}`);\n  return n;\n}\n\
        export const handler = (n: N) => check(n);\n";
    let report = run(&built_without_tools(&[("src/app.ts", text)], "").ok(), "-1");
    let traceback = report.error.unwrap().traceback;
    assert!(traceback.starts_with("src/app.ts:4\n"), "{traceback}");
    assert!(traceback.contains("at check (src/app.ts:4:"), "{traceback}");
    assert!(traceback.contains("at handler (src/app.ts:7:"), "{traceback}");
}

#[test]
fn a_traceback_of_a_bundle_has_the_lines_of_its_files() {
    let files = [
        (
            "src/index.ts",
            "import { check } from './util';\n\ntype N = number;\nexport const handler = (n: N) => check(n);\n",
        ),
        (
            "src/util.ts",
            "export interface X {}\n\nexport function check(n: number): number {\n  if (n < 0) throw new RangeError('low');\n  return n;\n}\n",
        ),
    ];
    let error = run(&built(&files, "").ok(), "-1").error.unwrap();
    assert_eq!(error.name, "RangeError");
    assert!(error.traceback.starts_with("src/util.ts:4\n"), "{}", error.traceback);
    assert!(error.traceback.contains("at check (src/util.ts:4:"), "{}", error.traceback);
    assert!(error.traceback.contains("at handler (src/index.ts:4:"), "{}", error.traceback);
}

#[test]
fn files_of_all_kinds_run_together() {
    let files = [
        (
            "index.ts",
            "import { norm } from '@lib/util';\nimport data from './data.json';\nimport text from './a.txt';\n\
            import old from './old.cjs';\nimport * as named from './old.cjs';\nconst later = await import('./later.mjs');\n\
            export default (event: unknown) => [norm(data), text, old.n, named.n, later.default];\n",
        ),
        ("lib/util.ts", "export const norm = (p: { x: number }): number => Math.abs(p.x);"),
        ("data.json", r#"{"x": -3}"#),
        ("a.txt", "text"),
        ("old.cjs", "exports.n = 4; exports.dir = typeof require;"),
        ("later.mjs", "export default 5;"),
        ("tsconfig.json", r#"{"compilerOptions": {"paths": {"@lib/*": ["./lib/*"]}}}"#),
    ];
    assert_eq!(value(&built(&files, "").ok(), "null"), r#"[3,"text",4,4,5]"#);
}

#[test]
fn common_packages_run() {
    let text = "import dayjs from 'dayjs';\nimport { z } from 'zod';\nimport { chunk } from 'lodash-es';\n\
        import { nanoid } from 'nanoid';\nconst Event = z.object({ at: z.string(), list: z.array(z.number()) });\n\
        export function handler(event: unknown) {\n  const { at, list } = Event.parse(event);\n\
        return [dayjs(at).add(1, 'day').format('YYYY-MM-DD'), chunk(list, 2), nanoid().length];\n}\n";
    let built = built(&[("index.ts", text)], "packages: [dayjs, zod, lodash-es, nanoid]").ok();
    let event = r#"{"at": "2026-02-28", "list": [1, 2, 3]}"#;
    assert_eq!(value(&built, event), r#"["2026-03-01",[[1,2],[3]],21]"#);
    let report = run(&built, r#"{"at": 5}"#);
    let error = report.error.unwrap();
    assert_eq!(error.name, "ZodError");
    assert!(error.traceback.contains("at handler (index.ts:7:"), "{}", error.traceback);
}

#[test]
fn frames_of_a_package_name_its_files() {
    let files = [
        ("index.js", "import fail from 'p';\nexport const handler = () => fail();\n"),
        ("node_modules/p/package.json", r#"{"main": "lib/fail.js"}"#),
        ("node_modules/p/lib/fail.js", "// one\nmodule.exports = function fail() {\n  throw new TypeError('p');\n};\n"),
    ];
    let traceback = run(&built(&files, "").ok(), "null").error.unwrap().traceback;
    assert!(traceback.contains("(node_modules/p/lib/fail.js:3:"), "{traceback}");
    assert!(traceback.contains("at handler (index.js:2:"), "{traceback}");
}

/// Files of a template, as `init` would copy them.
fn template(language: &str, kind: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates").join(language).join(kind);
    let listed = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let file = |entry: std::io::Result<std::fs::DirEntry>| {
        let path = entry.unwrap().path();
        (path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read_to_string(path).unwrap())
    };
    listed.map(file).collect()
}

#[test]
fn templates_build_and_run_as_they_are() {
    let http = r#"{"pathParameters": {"name": "Ada"}, "queryStringParameters": null}"#;
    let scheduled = r#"{"regions": {"north": 12, "south": 30}}"#;
    let event = r#"{"items": [{"price": "9.90", "count": 2}]}"#;
    for language in ["javascript", "typescript"] {
        for (kind, input, part) in [
            ("http", http, r#""body":"Hello, Ada!""#),
            ("scheduled", scheduled, r#""total":42"#),
            ("event", event, r#""total":"19.80""#),
        ] {
            let files = template(language, kind);
            let yaml = files.iter().find(|(name, _)| name == "function.yaml").unwrap().1.clone();
            let manifest = crate::manifest::parse("function.yaml", yaml.as_bytes()).unwrap();
            let source = SourceTree::from_files(files, &SourceLimits::default()).unwrap();
            // only what has packages needs a tool
            let toolchains = if kind == "scheduled" { toolchains() } else { Toolchains::default() };
            let value = value(&built_from(&toolchains, &source, &manifest).ok(), input);
            assert!(value.contains(part), "{language} {kind}: {value}");
        }
    }
}

#[test]
fn a_module_that_code_is_prepared_to_miss_is_missed_when_it_runs() {
    let files = [
        (
            "index.js",
            "let fs;\ntry { fs = require('fs'); } catch (error) { fs = error.message; }\nexports.handler = () => [fs, typeof require('./b.js')];",
        ),
        ("b.js", "module.exports = 1;"),
    ];
    let value = value(&built(&files, "").ok(), "null");
    assert!(value.contains("fs") && value.ends_with(",\"number\"]"), "{value}");
}
