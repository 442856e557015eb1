//! Several files, with the real bundler.

use super::*;

const UTIL: &str =
    "export interface Point { x: number }\n\nexport function norm(p: Point): number {\n  return Math.abs(p.x);\n}\n";

#[test]
fn files_of_all_kinds_become_one_text_that_names_no_folder() {
    let files = [
        (
            "index.ts",
            "import { norm } from '@lib/util';\nimport data from './data.json';\nconst old = require('./old.cjs');\n\
            export const handler = () => norm(data) + old.n;\n",
        ),
        ("lib/util.ts", UTIL),
        ("data.json", r#"{"x": -3}"#),
        ("old.cjs", "exports.n = 4;"),
        ("tsconfig.json", r#"{"compilerOptions": {"paths": {"@lib/*": ["./lib/*"]}}}"#),
    ];
    let one = built(&files, "").ok();
    let other = built(&files, "").ok();
    assert_eq!(one.text, other.text, "the same from two folders");
    assert_eq!(one.lines, other.lines);
    assert!(!one.text.contains("/tmp"), "{}", one.text);
    assert!(one.text.contains("// lib/util.ts"), "{}", one.text);
    let files: Vec<_> = one.lines.as_ref().unwrap().files().collect();
    assert_eq!(files, ["old.cjs", "lib/util.ts", "data.json", "index.ts"]);
}

#[test]
fn what_is_not_used_is_not_there() {
    let files = [
        ("index.js", "import { a } from './a.js';\nexport const handler = () => a;"),
        ("a.js", "export const a = 1;\nexport const forgotten = 'forgotten';"),
    ];
    assert!(!built(&files, "").ok().text.contains("forgotten"));
}

#[test]
fn a_handler_of_another_name_is_found_in_a_bundle() {
    let files = [
        (
            "app.js",
            "import { a } from './a.js';\nexport function handler() {}\nexport function onEvent() { return a; }",
        ),
        ("a.js", "export const a = 1;"),
    ];
    let text = built(&files, "handler: app.js:onEvent").ok().text;
    assert!(text.contains("onEvent as handler"), "{text}");
    let error = built(&files, "handler: app.js:onEvnt").refusal();
    assert!(
        error.contains("No matching export in \"app.js\" for import \"onEvnt\"") || error.contains("onEvnt"),
        "{error}"
    );
}

#[test]
fn nodes_modules_are_refused_with_the_line_unless_the_code_is_prepared() {
    let entry = "import { read } from './io.js';\nexport const handler = () => read();\n";
    let files = [
        ("index.js", entry),
        ("io.js", "import fs from 'node:fs';\nexport const read = () => fs.readFileSync('x');\n"),
    ];
    let error = built(&files, "").refusal();
    assert!(error.starts_with("io.js:1:16: cannot import \"node:fs\": Node's modules do not exist"), "{error}");
    assert!(error.contains("import fs from 'node:fs';"), "{error}");

    let prepared = "let fs;\ntry { fs = require('fs'); } catch { fs = null; }\nexport const read = () => fs;\n";
    built(&[("index.js", entry), ("io.js", prepared)], "").ok();
}

#[test]
fn mistakes_say_where_they_are() {
    let entry = "import { a } from './a.ts';\nexport const handler = () => a;\n";
    let error = built(&[("index.ts", entry), ("b.ts", "")], "").refusal();
    assert!(error.starts_with("index.ts:1:19: cannot import \"./a.ts\": there is no such file"), "{error}");
    let error = built(&[("index.ts", entry), ("a.ts", "export const a: = 1;\n")], "").refusal();
    assert!(error.starts_with("a.ts:1:17: Unexpected \"=\""), "{error}");
    let error =
        built(&[("index.ts", "import zod from 'zod';\nexport const handler = () => zod;"), ("b.ts", "")], "").refusal();
    assert!(error.contains("the package is not installed; name it under packages in function.yaml"), "{error}");
}

#[test]
fn nothing_outside_of_the_functions_folder_is_bundled() {
    let entry = "import passwd from '/etc/passwd';\nexport const handler = () => passwd;\n";
    let error = built(&[("index.js", entry), ("b.js", "")], "").refusal();
    assert!(error.contains("/etc/passwd"), "{error}");
    let above = "import x from '../../../../../../etc/hostname.txt';\nexport const handler = () => x;\n";
    assert!(built(&[("index.js", above), ("b.js", "")], "").refusal().contains("cannot import"));
}

/// What the parser in our process would not get through is no trouble in a process of its own.
#[test]
fn a_text_that_is_too_much_for_the_parser_is_bundled() {
    let nested = format!("export const handler = (n: number) => {}n{};\n", "(".repeat(200), ")".repeat(200));
    let text = nested + &"// ? (\n".repeat(40);
    let built = built(&[("a.ts", &text)], "").ok();
    assert!(!built.text.contains(": number"));
    let line = built.text.lines().position(|line| line.contains("handler = ")).unwrap() + 1;
    assert_eq!(built.lines.unwrap().restore(&format!("function.js:{line}\n")), "a.ts:1\n");
}

#[test]
fn files_of_ours_in_a_source_are_not_taken() {
    let files = [
        ("index.js", "import './a.js';\nexport const handler = () => 1;"),
        ("a.js", "globalThis.a = 1;"),
        (".hks/function.js", "stolen"),
        (".npmrc", "registry=http://127.0.0.1:1"),
    ];
    assert!(!built(&files, "").ok().text.contains("stolen"));
}
