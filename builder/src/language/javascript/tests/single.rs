//! One file: no tool is needed, and no line moves.

use super::*;

#[test]
fn javascript_is_run_as_it_is() {
    let text = "export const handler = (event) => event.n;\n";
    let built = built_without_tools(&[("app.mjs", text), ("README.md", "")], "").ok();
    assert_eq!(built.text, text);
    assert_eq!(built.lock, None);
    assert_eq!(built.lines.unwrap().restore("at handler (function.js:1:3)"), "at handler (app.mjs:1:3)");
}

#[test]
fn typescript_keeps_its_lines_and_imports_of_types_need_no_bundler() {
    let text = "import type { Event } from './hks';\n\nexport function handler(event: Event): number {\n  return event.n;\n}\n";
    let types = "export interface Event { n: number }";
    let built = built_without_tools(&[("src/handler.ts", text), ("src/hks.d.ts", types)], "runtime: typescript").ok();
    assert_eq!(built.text.len(), text.len());
    assert_eq!(built.text.lines().nth(3), Some("  return event.n;"));
    assert_eq!(built.lines.unwrap().files().collect::<Vec<_>>(), ["src/handler.ts"]);
}

#[test]
fn a_mark_at_the_start_is_no_part_of_the_text() {
    assert_eq!(built_without_tools(&[("a.js", "\u{feff}exports.handler = 1")], "").ok().text, "exports.handler = 1");
}

#[test]
fn a_syntax_error_of_typescript_says_where() {
    let error = built_without_tools(&[("a.ts", "let a: string;\nlet b: = 1;\n")], "").refusal();
    assert!(error.starts_with("a.ts:2:8: "), "{error}");
}

#[test]
fn another_handler_is_exported() {
    let built =
        built_without_tools(&[("a.ts", "export const onEvent = (n: number) => n;")], "handler: a.ts:onEvent").ok();
    assert!(built.text.ends_with("\nexport { onEvent as handler };\n"), "{}", built.text);
}

#[test]
fn what_needs_a_bundler_says_that_it_is_missing() {
    let files =
        [("index.js", "import { a } from './a.js'; export const handler = () => a"), ("a.js", "export const a = 1")];
    let error = built_without_tools(&files, "").done.unwrap_err().to_string();
    assert!(error.starts_with("this function needs esbuild, which is not installed here"), "{error}");
}
