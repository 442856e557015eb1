use std::fmt::Write as _;
use std::time::{Duration, Instant};

use hks_protocol::manifest::{Access, Overlap, Runtime};
use proptest::prelude::*;

use super::*;

/// The page for users; what it shows has to be true.
const PAGE: &str = include_str!("../../../docs/manifest.md");

fn good(text: &str) -> Manifest {
    parse("function.yaml", text.as_bytes()).unwrap_or_else(|error| panic!("{text}\n{error}"))
}

fn bad(text: &str) -> String {
    parse("f", text.as_bytes()).expect_err(text).to_string()
}

/// Blocks of the page in the language `language`.
fn blocks(language: &str) -> impl Iterator<Item = &str> {
    let parts = PAGE.split("```").skip(1).step_by(2);
    parts.filter_map(move |block| block.strip_prefix(language)?.strip_prefix('\n'))
}

#[test]
fn every_manifest_of_the_page_is_read() {
    assert!(blocks("yaml").count() >= 2);
    for block in blocks("yaml") {
        good(block);
    }
}

#[test]
fn every_error_of_the_page_is_what_is_printed() {
    let pairs: Vec<_> = blocks("text").collect();
    assert!(pairs.len() >= 2 && pairs.len() % 2 == 0);
    for pair in pairs.chunks(2) {
        let error = parse(FILE_NAME, pair[0].as_bytes()).expect_err(pair[0]).to_string();
        assert_eq!(error, pair[1].trim_end());
    }
}

#[test]
fn the_example_of_the_page_means_what_it_says() {
    let manifest = good(blocks("yaml").next().unwrap());
    assert_eq!(manifest.runtime(), Some(Runtime::Python));
    assert_eq!(manifest.handler().unwrap().function(), Some("handler"));
    assert_eq!(manifest.trigger().unwrap().auth, Access::Public);
    assert_eq!(manifest.schedules()[0].overlap, Overlap::Forbid);
    assert_eq!(manifest.limits().memory_bytes(), 256 << 20);
    assert_eq!(manifest.limits().timeout(), Duration::from_secs(60));
    assert!(manifest.grants().http.iter().any(|host| host.allows("api.example.com", 443)));
}

#[test]
fn good_manifests_are_read() {
    let cases = [
        "name: a",
        "\u{feff}name: a\n",
        "name: a\r\nruntime: go\r\n",
        "# a comment\n---\nname: a # another\n...\n",
        r#"{"name": "a", "limits": {"memory_mb": 64}}"#,
        "name: 'a'\nenvironment:\n  # all of it is a comment\nlimits:\nbuild: ~\n",
        "name: a\nenvironment: {COUNTRY: no, VERSION: 1.2.3, EMPTY: '', N: \"1\", 8080: x, true: y}\n",
        "name: a\nenvironment:\n  KEY: |\n    line\n    line\n  FOLDED: >-\n    a\n    b\n",
        "name: a\nschedule: {cron: '*/5 * * * *'}\n",
        "name: a\nschedule:\n- {cron: '@daily', name: x}\n- {cron: '@hourly'}\n",
        "name: a\nlimits: {timeout_s: 0.5, output_bytes: 64Ki, fuel: 0x10}\n",
        "name: a\nsecrets: [API_KEY]\n",
        "name: a\nsecrets: {KEY: api-key}\n",
    ];
    for text in cases {
        good(text);
    }
}

#[test]
fn yaml_that_others_read_differently_means_one_thing() {
    let manifest = good("name: a\nenvironment: {COUNTRY: no, TIME: 12:30, DATE: 2026-01-01, UNDER: 1_000}\n");
    let found: Vec<_> = manifest.environment().iter().collect();
    assert_eq!(found, [("COUNTRY", "no"), ("DATE", "2026-01-01"), ("TIME", "12:30"), ("UNDER", "1_000")]);
}

#[test]
fn an_input_keeps_its_numbers() {
    let manifest =
        good("name: a\nschedule: {cron: x, input: {n: 123456789012345678901234567890, list: [1.50, ~, no, true]}}");
    let input = manifest.schedules()[0].input.as_ref().unwrap();
    assert_eq!(input.as_str(), r#"{"n":123456789012345678901234567890,"list":[1.50,null,"no",true]}"#);
}

#[test]
fn mistakes_are_named_with_their_places() {
    let known =
        "name, runtime, handler, trigger, schedule, limits, environment, secrets, grants, packages, build, cleanup";
    let runtimes = "python, javascript, typescript, rust, go, c, wasm, container";
    let cases = [
        // keys
        ("name: a\nlimits:\n  memry_mb: 4\n", "f:3:3: limits.memry_mb: unknown key; did you mean memory_mb?".into()),
        ("name: a\nfoo: 1\n", format!("f:2:1: foo: unknown key; known are {known}")),
        ("name: a\nName: b\n", "f:2:1: Name: unknown key; did you mean name?".into()),
        ("name: a\nlimits: {fuel: 1, fuel: 2}\n", "f:2:19: limits.fuel: given twice; the first is at 2:10".into()),
        ("handler: x\n", "f:1:1: name: is required".into()),
        ("name: a\nschedule:\n  timezone: UTC\n", "f:2:1: schedule.cron: is required".into()),
        ("name: a\nschedule:\n  - timezone: UTC\n", "f:3:5: schedule[0].cron: is required".into()),
        // types
        ("- name: a\n", "f:1:1: expected keys and values, found a list".into()),
        ("just a text", "f:1:1: expected keys and values, found a text".into()),
        ("---\n", "f:1:1: expected keys and values, found nothing".into()),
        ("name: [a]\n", "f:1:7: name: expected a text, found a list".into()),
        ("name: a\ntrigger: http\n", "f:2:10: trigger: expected keys and values, found a text".into()),
        (
            "name: a\npackages: x\n",
            "f:2:11: packages: expected a list, found a text; write [a, b], or each entry on a line after a dash".into(),
        ),
        (
            "name: a\nenvironment: {PORT: 8080}\n",
            "f:2:21: environment.PORT: expected a text, found a whole number; put it in quotes if it is a text".into(),
        ),
        (
            "name: a\nenvironment: {E: }\n",
            "f:2:16: environment.E: expected a text, found nothing; write \"\" for an empty one".into(),
        ),
        ("name: a\nbuild: {snapshot: no}\n", "f:2:19: build.snapshot: expected true or false, found the text \"no\"".into()),
        (
            "name: a\nlimits: {memory_mb: 128Mi}\n",
            "f:2:21: limits.memory_mb: expected a whole number, found the text \"128Mi\"".into(),
        ),
        (
            "name: a\nlimits: {tmp_bytes: -1}\n",
            "f:2:21: limits.tmp_bytes: expected a number of bytes or a size such as 64Mi, found a negative number".into(),
        ),
        ("name: a\nruntime: {}\n", format!("f:2:10: runtime: expected one of {runtimes}, found keys and values")),
        (
            "name: a\nlimits: {fuel: 99999999999999999999}\n",
            "f:2:16: limits.fuel: the number does not fit into 64 bits".into(),
        ),
        // values
        (
            "name: Ab\n",
            "f:1:7: name: \"Ab\" is not 1 to 63 lower-case letters, digits and inner dashes".into(),
        ),
        ("name: a\nruntime: phyton\n", format!("f:2:10: runtime: \"phyton\" is not one of {runtimes}; did you mean python?")),
        ("name: a\nruntime: no\n", format!("f:2:10: runtime: \"no\" is not one of {runtimes}")),
        ("name: a\nlimits:\n  memory_mb: 4\n", "f:3:14: limits.memory_mb: 4 is not between 8 and 2048 MiB".into()),
        ("name: a\nlimits: {timeout_s: 1h}\n", "f:2:21: limits.timeout_s: 1h is not between 0.001 and 900 seconds".into()),
        (
            "name: a\ntrigger: {type: http, methods: [get]}\n",
            "f:2:33: trigger.methods[0]: \"get\" is not one of GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS; did you mean GET?"
                .into(),
        ),
        ("name: a\ntrigger: {type: http, methods: []}\n", "f:2:32: trigger.methods: at least 1 must be given".into()),
        (
            "name: a\nschedule: {cron: x, start_at: tomorrow}\n",
            "f:2:31: schedule.start_at: \"tomorrow\" is not a time such as 2026-01-31T08:00:00Z".into(),
        ),
        (
            "name: a\nenvironment: {HKS_PROJECT_NAME: x}\n",
            "f:2:15: environment.HKS_PROJECT_NAME: HKS_PROJECT_NAME is set by the runtime; choose another name".into(),
        ),
        (
            "name: a\nenvironment:\n  K: v\nsecrets: [K]\n",
            "f:3:6: environment.K: is among the secrets too: leave one of them out".into(),
        ),
        (
            "name: a\nenvironment: {ZIP: 02134}\n",
            "f:2:20: environment.ZIP: starts with a zero, which some read as octal; leave the zero out, or put it in quotes if \
             it is a text"
                .into(),
        ),
        // what a manifest may not use
        ("name: &x a\n", "f:1:10: name: anchors (&) are not supported; write the value out where it is needed".into()),
        ("name: *x\n", "f:1:7: name: aliases (*) are not supported; write the value out".into()),
        ("name: a\n<<: *x\n", "f:2:1: merge keys (<<) are not supported; write the values out".into()),
        ("name: !!str a\n", "f:1:7: name: tags (!) are not supported; a text is put in quotes".into()),
        ("name: a\n? [x]\n: y\n", "f:2:3: a key must be a text".into()),
        ("name: a\n---\nname: b\n", "f:2:1: a second document starts here; a manifest is one".into()),
        ("%YAML 1.1\n---\nname: a\n", "f:1:1: not YAML: YAML directives are disallowed".into()),
        ("", "f:1:1: is empty; a manifest has at least a name".into()),
        ("name: a\n\tb: c\n", "f:1:7: not YAML: while scanning a plain scalar, found a tab".into()),
        ("name: [a\n", "f:1:7: not YAML: unclosed bracket '['".into()),
    ];
    for (text, expected) in cases {
        assert_eq!(bad(text), expected, "{text}");
    }
}

#[test]
fn one_mistake_does_not_hide_the_others() {
    let text = "\
name: Bad
limits: {memory_mb: 4, memry: 1}
schedule:
  - cron: 5
    overlap: sikp
  - {cron: '@daily', name: x, missed: all, retry: {delay_s: 1h}}
  - {cron: '@daily', name: x}
trigger: {type: http, methods: [get], cors: {origins: [https://a/]}}
packages: [ok, -r, ok, --index-url=x]
";
    let places: Vec<_> = bad(text).lines().map(|line| line.split(": ").take(2).collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(
        places,
        [
            "f:1:7 name",
            "f:2:24 limits.memry",
            "f:4:11 schedule[0].cron",
            "f:5:14 schedule[0].overlap",
            "f:6:39 schedule[1].missed",
            "f:8:33 trigger.methods[0]",
            "f:8:56 trigger.cors.origins[0]",
            "f:9:16 packages[1]",
            "f:9:24 packages[3]",
        ]
    );
}

#[test]
fn entries_keep_their_numbers_when_others_were_taken_out() {
    let text = "name: a\nschedule:\n- {crn: x}\n- {cron: x, name: y, retry: {delay_s: 1h}}\n";
    assert_eq!(bad(text).lines().last().unwrap().split(": ").nth(1).unwrap(), "schedule[1].retry.max_delay_s");
}

#[test]
fn no_error_shows_what_may_be_a_secret() {
    let texts = [
        "name: a\nsecrets: s3cret\n",
        "name: a\nsecrets: {KEY: 's3cret!'}\n",
        "name: a\nsecrets: ['s3cret!']\n",
        "name: a\nenvironment: s3cret\n",
        "name: a\nenvironment: {K: {s3cret: 1}}\n",
        "name: a\nenvironment: {K: \"s3cret\\0\"}\n",
    ];
    for text in texts {
        assert!(!bad(text).contains("s3cret"), "{}", bad(text));
    }
}

#[test]
fn a_foreign_text_cannot_steer_a_terminal_or_fill_a_log() {
    assert!(!bad("name: \"a\\e[31m\"\n").contains('\u{1b}'));
    assert!(!bad("\"\\e[31m\": 1\n").contains('\u{1b}'));
    assert!(!bad("name: a\nlimits: {timeout_s: \"1\\e[31ms\"}\n").contains('\u{1b}'));
    let long = "x".repeat(100_000);
    for text in
        [format!("name: {long}"), format!("{long}\u{20}: 1"), format!("name: a\nlimits: {{timeout_s: {long}}}\n")]
    {
        assert!(bad(&text).len() < 2_000, "{}", bad(&text).len());
    }
    let keys = (0..5_000).fold(String::new(), |mut text, number| {
        writeln!(text, "key{number}: 1").unwrap();
        text
    });
    assert_eq!(bad(&keys).lines().count(), MISTAKES_MAX);
}

#[test]
fn size_and_depth_are_bounded() {
    let long = format!("name: a\n#{}", "x".repeat(BYTES_MAX));
    assert_eq!(bad(&long), "f:1:1: 262153 bytes are more than the maximum of 262144");
    for (open, close) in [("[", "]"), ("{a: ", "}")] {
        let nest = |depth: usize| {
            format!("name: a\nschedule: {{cron: x, input: {}1{}}}", open.repeat(depth), close.repeat(depth))
        };
        good(&nest(60));
        assert!(bad(&nest(70)).contains("limit") || bad(&nest(70)).contains("deeper"), "{}", bad(&nest(70)));
    }
}

#[test]
fn what_is_not_utf8_is_named_with_its_place() {
    assert_eq!(parse("f", b"name: a\n# \xc3\xa4\xff").unwrap_err().to_string(), "f:2:4: not UTF-8");
}

#[test]
fn no_repeated_text_takes_long() {
    let parts = [
        "[", "{", "- ", "? ", "a: ", "[a: ", "{a: ", "{a,", "&a ", "!a ", "*a ", "\"", "'", "#", "%", "\n", "\t",
        "a\n b\n", "- a\n", "a:\n", ": ", "{---", "[?", "...\n", "--- a\n", "\u{feff}", "- - a\n", "<<: a\n", "\r",
        "a: [b]\n", "'' ",
    ];
    for part in parts {
        let text = format!("name: a\nx: {}", part.repeat((BYTES_MAX - 20) / part.len()));
        let start = Instant::now();
        let _ = parse("f", text.as_bytes());
        let _ = parse("f", &text.as_bytes()[11..]);
        assert!(start.elapsed() < Duration::from_secs(10), "{part:?} took {:?}", start.elapsed());
    }
}

fn words() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "name: a\n",
        "limits:",
        "  memory_mb: 64\n",
        "schedule: ",
        "[",
        "]",
        "{",
        "}",
        "cron: x",
        ", ",
        "- ",
        "\n",
        "  ",
        "&x ",
        "*x",
        "<<: ",
        "!!str ",
        "'",
        "\"",
        "# ",
        "---\n",
        "? ",
        ": ",
        "trigger: ",
        "type: http",
        "~",
        "1e9",
        "07",
        "|\n",
        ">-\n",
        "ä",
        "\\",
        "\t",
        "input: ",
        "secrets: ",
        "environment:\n",
        "  K: v\n",
        "%",
        "@",
        "`",
        "\u{feff}",
        "\0",
        "\r\n",
        "\u{85}",
    ]);
    prop::collection::vec(word, 0..30).prop_map(|words| words.concat())
}

fn manifests() -> impl Strategy<Value = Manifest> {
    let name = "[a-z][a-z0-9-]{0,20}[a-z0-9]";
    let runtime = prop::option::of(prop::sample::select(vec![Runtime::Python, Runtime::Typescript]));
    let variables = prop::collection::btree_map("[A-Z][A-Z_ \u{e4}\u{1f600}:#-]{0,8}", "[^\0]{0,30}", 0..4);
    let schedule = (any::<i64>(), "[^\0]{0,20}", 1u64..604_800_000, 0u64..=3_600_000, prop::bool::ANY);
    let packages = prop::collection::vec("[a-z@][ -~\u{e4}]{0,20}[a-z]", 0..4);
    (name, runtime, variables, schedule, packages, 8u64..=2048, 1u64..=900_000).prop_map(
        |(name, runtime, variables, (number, text, deadline, jitter, flag), packages, memory_mb, timeout_ms)| {
            let json = serde_json::json!({
                "name": name,
                "runtime": runtime,
                "handler": "src/app.py:handler",
                "trigger": {"type": "http", "path": "/a/{b}", "methods": ["GET"], "auth": if flag { "public" } else { "token" }},
                "schedule": [{
                    "name": name, "cron": "@daily", "input": {"n": number, "text": text, "list": [null, flag]},
                    "deadline_s": format!("{}ms", deadline.max(1000)), "jitter_s": format!("{jitter}ms"),
                }],
                "limits": {"memory_mb": memory_mb, "timeout_s": format!("{timeout_ms}ms")},
                "environment": variables,
                "secrets": ["API_KEY"],
                "grants": {"http": ["*.example.com:8443"]},
                "packages": packages,
                "build": {"snapshot": flag},
                "cleanup": {"idle_hours": memory_mb},
            });
            serde_json::from_value(json).unwrap()
        },
    )
}

/// JSON may hold characters as they are that YAML wants escaped (<https://yaml.org/spec/1.2.2/#51-character-set>).
fn escaped(json: &str) -> String {
    json.chars().fold(String::new(), |mut text, c| {
        match c {
            '\u{7f}'..='\u{9f}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => {
                write!(text, "\\u{:04x}", u32::from(c)).unwrap()
            }
            _ => text.push(c),
        }
        text
    })
}

/// Writes JSON as YAML blocks, the way people write it.
fn to_yaml(value: &serde_json::Value, indent: usize, yaml: &mut String) {
    let margin = " ".repeat(indent);
    match value {
        serde_json::Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                write!(yaml, "\n{margin}{}:", serde_json::json!(key)).unwrap();
                to_yaml(value, indent + 2, yaml);
            }
        }
        serde_json::Value::Array(list) if !list.is_empty() => {
            for value in list {
                write!(yaml, "\n{margin}-").unwrap();
                to_yaml(value, indent + 2, yaml);
            }
        }
        scalar => write!(yaml, " {scalar}").unwrap(),
    }
}

proptest! {
    #[test]
    fn no_text_panics(text in ".{0,200}", bytes in prop::collection::vec(any::<u8>(), 0..100), words in words()) {
        let _ = parse("f", text.as_bytes());
        let _ = parse("f", &bytes);
        if let Err(error) = parse("f", words.as_bytes()) {
            prop_assert!(!error.mistakes().is_empty(), "{words}");
        }
    }

    #[test]
    fn a_mistake_stands_in_the_text(words in words()) {
        let lines = words.lines().count() + 1;
        for mistake in parse("f", words.as_bytes()).err().iter().flat_map(Error::mistakes) {
            prop_assert!(mistake.line() <= lines + 1 && mistake.column() >= 1, "{mistake} {words:?}");
        }
    }

    #[test]
    fn a_manifest_survives_json_and_yaml(manifest in manifests()) {
        let json = serde_json::to_string(&manifest).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Manifest>(&json).unwrap(), &manifest);
        let json = escaped(&json);
        let read = parse("f", json.as_bytes()).map_err(|e| TestCaseError::fail(format!("{e}\n{json}")))?;
        prop_assert_eq!(&read, &manifest);

        let mut yaml = String::new();
        to_yaml(&serde_json::to_value(&manifest).unwrap(), 0, &mut yaml);
        let yaml = escaped(&yaml);
        let read = parse("f", yaml.as_bytes()).map_err(|e| TestCaseError::fail(format!("{e}\n{yaml}")))?;
        prop_assert_eq!(&read.schedules()[0].name, &manifest.schedules()[0].name);
        prop_assert_eq!(read.environment(), manifest.environment());
        prop_assert_eq!(read.limits(), manifest.limits());
    }
}
