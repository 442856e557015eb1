use std::fs;
use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::child::ChildLimits;
use crate::language::testing::{Program, Trial};

fn trial() -> Trial {
    Trial::new(build)
}

const DOUBLE: &str = r#"#include "hks.h"

int main(void) {
    hks_json event = hks_event();
    int64_t input = hks_integer(hks_get(event, "input"), 0);
    hks_text out = {0};
    hks_log("doubling %lld", (long long)input);
    if (input < 0) hks_fail("Negative", "%lld is less than \"nothing\"", (long long)input);
    hks_put(&out, "{\"result\":");
    hks_put_integer(&out, input * 2);
    hks_put(&out, ",\"execution\":");
    hks_put_json(&out, hks_get(hks_context(), "execution_id"));
    hks_put(&out, "}");
    return hks_return(&out);
}
"#;

#[test]
fn a_single_file_is_a_function() {
    let program = Program::new(trial().wasm(&[("main.c", DOUBLE)]));
    let ran = program.run(r#"{"input": 21}"#, Some(r#"{"execution_id": "exe_1"}"#));
    assert_eq!((ran.exit, ran.value.as_str()), (0, r#"{"result":42,"execution":"exe_1"}"#));
    assert_eq!((ran.logs.as_str(), ran.failure), ("doubling 21\n", None));

    let ran = program.run(r#"{"input": -1}"#, None);
    assert_eq!((ran.exit, ran.value.as_str(), ran.logs.as_str()), (70, "", "doubling -1\n"));
    let expected = json!({"name": "Negative", "value": "-1 is less than \"nothing\"", "traceback": ""});
    assert_eq!(ran.failure, Some(expected));

    let failure = program.run("{", None).failure.unwrap();
    assert_eq!(failure["name"], "InvalidEventError");
}

#[test]
fn the_same_source_gives_the_same_bytes() {
    let files = [
        ("main.c", "#include <assert.h>\n#include \"other.h\"\nint main(void) { return other(); }\n"),
        ("other.c", "#include <stdio.h>\n#include \"other.h\"\nint other(void) { return puts(__FILE__) < 0; }\n"),
        ("other.h", "int other(void);\n"),
    ];
    let (first, second) = (trial().wasm(&files), trial().wasm(&files));
    assert!(first == second);
    assert_eq!(Program::new(first).run("null", None).value, "other.c\n");
}

#[test]
fn a_build_without_a_warm_cache_gives_the_same_bytes() {
    let toolchain = crate::testing::toolchains().require("clang").unwrap();
    let path = std::env::join_paths([toolchain.program.parent().unwrap()]).unwrap();
    let cold = Trial { toolchains: crate::toolchain::Toolchains::new(None, path), ..trial() };
    assert!(cold.wasm(&[("main.c", DOUBLE)]) == trial().wasm(&[("main.c", DOUBLE)]));
}

#[test]
fn mistakes_have_their_file_and_line() {
    let refusal = trial().refusal(&[("main.c", "int main(void) {\n    return nothing;\n}\n")]);
    assert!(refusal.contains("\nmain.c:2:12: error: use of undeclared identifier 'nothing'"), "{refusal}");
    let refusal = trial().refusal(&[("main.c", "int other(void);\nint main(void) { return other(); }\n")]);
    assert!(refusal.contains("undefined symbol: other"), "{refusal}");
    let refusal = trial().refusal(&[("main.c", "int main(void) { return *__TIME__; }\n")]);
    assert!(refusal.contains("main.c:1:26: error: expansion of date or time macro is not reproducible"), "{refusal}");
}

#[test]
fn cpp_has_its_library() {
    let main = "#include <string>\n#include <vector>\n#include \"hks.h\"\n#include <greeting.hpp>\n\nint main() {\n    \
        std::vector<std::string> words{\"hello\", greeting()};\n    hks_text out{};\n    \
        hks_put_string(&out, (words[0] + \" \" + words[1]).c_str());\n    return hks_return(&out);\n}\n";
    let files = [
        ("src/main.cpp", main),
        (
            "src/greeting.cc",
            "#include \"greeting.hpp\"\nextern \"C\" const char *name(void);\nstd::string greeting() { return name(); }\n",
        ),
        ("src/name.c", "const char *name(void) { return \"world\"; }\n"),
        ("include/greeting.hpp", "#pragma once\n#include <string>\nstd::string greeting();\n"),
        ("tests/test.cpp", "#error only src is compiled\n"),
    ];
    assert_eq!(trial().answer(&files, "null").value, "\"hello world\"");
    let refusal = trial().refusal(&[("main.cpp", "int main() { throw 1; }\n")]);
    assert!(refusal.contains("main.cpp:1:14: error: cannot use 'throw' with exceptions disabled"), "{refusal}");
}

#[test]
fn the_manifest_says_where_it_begins() {
    let files = [
        ("a/main.c", "#error another program\n"),
        ("b/main.c", "#include <stdio.h>\nint main(void) { return puts(\"b\") < 0; }\n"),
    ];
    let second = Trial { manifest: "name: a\nhandler: b/main.c", ..trial() };
    assert_eq!(second.answer(&files, "null").value, "b\n");
    for (manifest, expected) in [
        ("name: a\nhandler: a/main.c:handle", "name the file alone"),
        ("name: a\nhandler: a/other.c", "there is no C or C++ file \"a/other.c\""),
    ] {
        let refusal = Trial { manifest, ..trial() }.refusal(&files);
        assert!(refusal.contains(expected), "{refusal}");
    }
    assert!(trial().refusal(&[("main.h", "")]).contains("there is no C or C++ file; add a main.c"));
}

#[test]
fn names_of_files_are_no_options() {
    let files = [
        ("-oevil.c", "int other(void) { return 1; }\n"),
        ("@list.c", "int other(void); int main(void) { return other(); }\n"),
    ];
    assert_eq!(trial().answer(&files, "null").exit, 1);
}

#[test]
fn files_of_the_machine_are_out_of_reach() {
    let secret = tempfile::Builder::new().prefix("hks-secret").tempdir().unwrap();
    let file = secret.path().join("secret.txt");
    fs::write(&file, "\"hks-canary\"").unwrap();
    let up = "../".repeat(12) + file.to_str().unwrap().trim_start_matches('/');
    for path in [up.as_str(), file.to_str().unwrap()] {
        for source in [
            format!("const char *text =\n#include \"{path}\"\n;\nint main(void) {{ return text[0]; }}\n"),
            format!("const char text[] = {{\n#embed \"{path}\"\n}};\nint main(void) {{ return text[0]; }}\n"),
            format!("__asm__(\".incbin \\\"{path}\\\"\");\nint main(void) {{ return 0; }}\n"),
        ] {
            let refusal = trial().refusal(&[("main.c", &source)]);
            assert!(refusal.starts_with("compile: ") && !refusal.contains("hks-canary"), "{refusal}");
        }
    }
}

#[test]
fn a_makefile_is_not_run() {
    let files =
        [("Makefile", "all:\n\ttouch made.c\n"), ("main.c", "#include \"made.c\"\nint main(void) { return 0; }\n")];
    assert!(trial().refusal(&files).contains("'made.c' file not found"));
}

#[test]
fn a_compilation_without_an_end_is_ended() {
    let limits = ChildLimits {
        cpu_time_max: std::time::Duration::from_secs(3),
        memory_bytes_max: 1 << 30,
        ..ChildLimits::default()
    };
    let trial = Trial { limits, ..trial() };
    let main = "template <int n, int m> struct F { static const long value = F<n - 1, m>::value + F<n - 1, m + n>::value; };\n\
        template <int m> struct F<0, m> { static const long value = m; };\nint main() { return F<40, 0>::value; }\n";
    let built = trial.build(&[("main.cpp", main)]);
    assert!(matches!(built.result, Err(Error::Tool(_))), "{:?}", built.log);
}

/// Reads JSON texts and writes each anew, or null for one that is none: a list of strings in, a list of values out.
const AGAIN: &str = r#"#include "hks.h"

static void again(hks_text *out, hks_json value) {
    hks_json name = {0}, item = {0};
    const char *before = "";
    size_t length;
    char *text;
    switch (hks_type_of(value)) {
    case HKS_OBJECT:
    case HKS_ARRAY:
        hks_put(out, *value.text == '{' ? "{" : "[");
        while (hks_next(value, &name, &item)) {
            hks_put(out, before);
            before = ",";
            if (*value.text == '{') {
                again(out, name);
                hks_put(out, ":");
            }
            again(out, item);
        }
        hks_put(out, *value.text == '{' ? "}" : "]");
        break;
    case HKS_STRING:
        text = hks_string(value, &length);
        hks_put_string_of(out, text, length);
        free(text);
        break;
    case HKS_NUMBER:
        if (hks_integer(value, INT64_MIN) != INT64_MIN) hks_put_integer(out, hks_integer(value, 0));
        else hks_put_number(out, hks_number(value, 0));
        break;
    case HKS_BOOLEAN: hks_put(out, hks_boolean(value, 0) ? "true" : "false"); break;
    default: hks_put(out, "null"); break;
    }
}

int main(void) {
    hks_json item = {0};
    hks_text out = {0};
    const char *before = "[";
    while (hks_next(hks_event(), NULL, &item)) {
        size_t length;
        char *text = hks_string(item, &length);
        hks_json value = hks_parse(text, length);
        hks_put(&out, before);
        hks_put(&out, value.text ? "[" : "null");
        if (value.text) again(&out, value);
        if (value.text) hks_put(&out, "]");
        before = ",";
        free(text);
    }
    hks_put(&out, *before == '[' ? "[]" : "]");
    return hks_return(&out);
}
"#;

static AGAIN_PROGRAM: LazyLock<Program> = LazyLock::new(|| Program::new(trial().wasm(&[("again.c", AGAIN)])));

fn again(texts: &[String]) -> Vec<Value> {
    let ran = AGAIN_PROGRAM.run(&serde_json::to_string(texts).unwrap(), None);
    serde_json::from_str(&ran.value).unwrap_or_else(|error| panic!("{error}: {ran:?}"))
}

/// Whole numbers that were written with a point are equal to those without.
fn floats(value: Value) -> Value {
    match value {
        Value::Number(number) if number.as_i64().is_none() => json!(number.as_f64()),
        Value::Number(number) => {
            number.as_i64().filter(|n| n.unsigned_abs() < 1 << 53).map_or(json!(number), |n| json!(n as f64))
        }
        Value::Array(items) => items.into_iter().map(floats).collect(),
        Value::Object(members) => {
            Value::Object(members.into_iter().map(|(name, value)| (name, floats(value))).collect())
        }
        other => other,
    }
}

/// Any value but numbers that JSON readers do not agree on.
fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e200..1e200_f64).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_header_reads_and_writes_what_others_do(values in prop::collection::vec(values(), 1..20), cut in 0..1000_usize) {
        let mut texts: Vec<String> = values.iter().map(Value::to_string).collect();
        // And those that are cut off, or have something changed in the middle.
        for text in texts.clone() {
            let chars: Vec<char> = text.chars().collect();
            let at = cut % chars.len();
            texts.push(chars[..at].iter().collect());
            texts.push(chars.iter().enumerate().map(|(index, c)| if index == at { ',' } else { *c }).collect());
        }
        let found = again(&texts);
        for (text, found) in texts.iter().zip(found) {
            let expected = serde_json::from_str::<Value>(text).map_or(Value::Null, |value| json!([floats(value)]));
            prop_assert_eq!(floats(found), floats(expected), "{}", text);
        }
    }
}

#[test]
fn the_header_refuses_what_is_no_json_and_reads_every_escape() {
    let deep = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
    let refused = [
        "",
        " ",
        "{",
        "}",
        "[1,]",
        "{\"a\":1,}",
        "{\"a\"}",
        "{a:1}",
        "01",
        "1.",
        ".5",
        "+1",
        "1e",
        "-",
        "nul",
        "tru e",
        "\"",
        "\"\\\"",
        "\"\\x\"",
        "\"\\u12g4\"",
        "\"\\u123\"",
        "\"a\nb\"",
        "1 2",
        "[1 2]",
        "\u{0}",
        "\"\u{0}\"",
        "NaN",
        "Infinity",
        "'a'",
        "[[]",
        "{}}",
    ];
    let mut texts: Vec<String> = refused.map(str::to_owned).into();
    texts.push(deep(300));
    assert_eq!(again(&texts), vec![Value::Null; texts.len()]);

    let read = [
        r#" "\"\\\/\b\f\n\r\t\u00e9\u0000\ud83d\ude00" "#,
        r#""\ud800x\udc00\ud800\ud800""#,
        "-0.5e-3",
        "[ ]",
        "{ }",
        &deep(100),
    ];
    let found = again(&read.map(str::to_owned));
    assert_eq!(found[0][0], "\"\\/\u{8}\u{c}\n\r\té\0😀");
    assert_eq!(found[1][0], "\u{fffd}x\u{fffd}\u{fffd}\u{fffd}");
    assert_eq!((&found[2][0], &found[3][0], &found[4][0]), (&json!(-0.0005), &json!([]), &json!({})));
}
