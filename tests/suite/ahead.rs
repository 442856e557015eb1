//! What is done once for all executions of a function: its source compiled, its top level run behind a seal.

use hks_protocol::{Attempt, Json, Limits, Outcome};
use hks_runtime::{Observed, Preinitialized, Prepared};

use crate::harness::{House, Language, house, wait};

fn source(language: Language) -> &'static str {
    match language {
        Language::Python => "table = [n * n for n in range(5000)]\ndef handler(event):\n    return table[event]",
        Language::JavaScript => {
            "const table = Array.from({length: 5000}, (_, n) => n * n); exports.handler = (event) => table[event]"
        }
    }
}

fn attempt() -> Attempt {
    Attempt::new(None, Json::null())
}

/// The function with its compiled source, as a deployment has it.
fn with_source(house: &House, language: Language, source: &str) -> Prepared {
    let interpreter = house.guest(language);
    let compiled = wait(house.runtime.compile(interpreter, source.into(), Limits::default()));
    interpreter.with_source(source.into(), Some(compiled.unwrap().unwrap()))
}

fn preinitialize(house: &House, language: Language, source: &str) -> Preinitialized {
    wait(house.runtime.preinitialize(&with_source(house, language, source), attempt(), ())).unwrap()
}

/// What a top level looked at, besides what its interpreter does of itself.
fn observed(language: Language, top: &str) -> Observed {
    let handler = match language {
        Language::Python => "def handler(event): pass",
        Language::JavaScript => "exports.handler = () => null",
    };
    let [idle, it] = ["", top].map(|top| {
        let ahead = preinitialize(house(), language, &format!("{top}\n{handler}"));
        assert_eq!(ahead.report.outcome, Outcome::Succeeded, "{top}: {:?}", ahead.report.error);
        ahead.observed
    });
    Observed { clock_reads: it.clock_reads - idle.clock_reads, random_bytes: it.random_bytes - idle.random_bytes }
}

#[test]
fn a_function_that_has_its_source_is_not_compiled_again() {
    for language in Language::ALL {
        let function = with_source(house(), language, source(language));
        let first = house().call_component(&function).event("12").report();
        assert_eq!(first.value.as_str(), "144", "{:?}", first.error);
        let unseen = house().call(language, format!("{}\n", source(language))).event("12").report();
        assert!(first.usage.fuel < unseen.usage.fuel, "{language:?}: {} of {}", first.usage.fuel, unseen.usage.fuel);
    }
}

#[test]
fn source_that_does_not_compile_says_where() {
    let cases =
        [(Language::Python, "def handler(event):\n    return ("), (Language::JavaScript, "let a = 1;\nlet = ;")];
    for (language, source) in cases {
        let compiling = house().runtime.compile(house().guest(language), source.into(), Limits::default());
        let refused = wait(compiling).unwrap().unwrap_err();
        let error = refused.error.unwrap();
        assert_eq!((refused.outcome, error.name.as_str()), (Outcome::Failed, "SyntaxError"));
        assert!(error.traceback.contains("line 2") || error.traceback.contains(":2"), "{}", error.traceback);
    }
}

#[test]
fn what_a_top_level_leaves_is_the_same_in_every_runtime() {
    for language in Language::ALL {
        let bytes = [house(), &House::with_places(2)].map(|house| {
            // Slots that were used before must not show.
            house.call(language, language.doubling()).event("1").report();
            let ahead = preinitialize(house, language, source(language)).ready.unwrap();
            let report = house.call_component(&ahead).event("12").report();
            assert_eq!(report.value.as_str(), "144", "{:?}", report.error);
            ahead.snapshot().unwrap().to_bytes()
        });
        assert!(bytes[0] == bytes[1], "{language:?}: snapshots differ");
    }
}

#[test]
fn a_top_level_that_looks_at_time_or_chance_is_seen() {
    let clocks = [
        (Language::Python, "import time; time.time()"),
        (Language::Python, "import datetime; datetime.datetime.now()"),
        (Language::Python, "import time; time.perf_counter()"),
        (Language::JavaScript, "Date.now()"),
        (Language::JavaScript, "new Date()"),
        (Language::JavaScript, "performance.now()"),
    ];
    for (language, top) in clocks {
        assert!(observed(language, top).clock_reads > 0, "{top}");
    }
    let chances = [
        (Language::Python, "import secrets; secrets.token_hex()"),
        (Language::Python, "import uuid; uuid.uuid4()"),
        (Language::Python, "import os; os.urandom(1)"),
        (Language::Python, "import random; random.random()"),
        (Language::Python, "from random import choice; choice([1, 2])"),
        (Language::Python, "import random; random.Random()"),
        (Language::JavaScript, "Math.random()"),
        (Language::JavaScript, "crypto.randomUUID()"),
        (Language::JavaScript, "crypto.getRandomValues(new Uint8Array(1))"),
    ];
    for (language, top) in chances {
        assert!(observed(language, top).random_bytes > 0, "{top}");
    }
}

#[test]
fn ordinary_imports_look_at_neither() {
    let python = "import json, re, datetime, random, uuid, logging, decimal, asyncio, tempfile, collections, dataclasses\n\
        from random import choice, randrange\nimport statistics, html.parser, http.client, email.message, sqlite3\n\
        log = logging.getLogger(__name__)";
    assert_eq!(observed(Language::Python, python), Observed::default());
    assert_eq!(observed(Language::JavaScript, "const re = /a/; class A {}; Math.sqrt(2)"), Observed::default());
}

#[test]
fn time_and_chance_are_fresh_behind_the_top_level() {
    let python = "import time, random, os\ndef handler(event):\n    \
        return [time.time(), random.random(), os.urandom(8).hex()]";
    let javascript = "exports.handler = () => [Date.now() / 1000, Math.random(), crypto.randomUUID()]";
    for (language, source) in [(Language::Python, python), (Language::JavaScript, javascript)] {
        let ahead = preinitialize(house(), language, source).ready.unwrap();
        let [one, other] = [(); 2].map(|()| {
            let report = house().call_component(&ahead).report();
            serde_json::from_str::<Vec<serde_json::Value>>(report.value.as_str()).unwrap()
        });
        assert!(one[0].as_f64().unwrap() > 1.7e9, "{one:?}");
        assert!(one[1] != other[1] && one[2] != other[2], "{one:?} {other:?}");
    }
}

#[test]
fn a_top_level_that_fails_is_reported_and_gives_no_function() {
    let ahead = preinitialize(house(), Language::Python, "print('so far')\n1 / 0\ndef handler(event): pass");
    let error = ahead.report.error.unwrap();
    assert_eq!((ahead.report.outcome, error.name.as_str()), (Outcome::Failed, "ZeroDivisionError"));
    assert_eq!(ahead.report.logs.stdout, ["so far"]);
    assert!(ahead.ready.is_err());
}

#[test]
fn it_does_not_know_who_will_call() {
    let source = "import os\nseen = sorted(os.environ)\ndef handler(event): return [seen, sorted(os.environ)]";
    let prepared = with_source(house(), Language::Python, source);
    let mut attempt = attempt();
    attempt.environment =
        std::collections::BTreeMap::from([("LEVEL".to_owned(), "info".to_owned())]).try_into().unwrap();
    let ahead = wait(house().runtime.preinitialize(&prepared, attempt, ())).unwrap().ready.unwrap();
    let report = house().call_component(&ahead).variable("LEVEL", "debug").report();
    let seen =
        r#"[["LEVEL"],["HKS_EXECUTION_ID","HKS_FUNCTION_NAME","HKS_FUNCTION_VERSION","HKS_PROJECT_NAME","LEVEL"]]"#;
    let value: serde_json::Value = serde_json::from_str(report.value.as_str()).unwrap();
    assert_eq!(value, serde_json::from_str::<serde_json::Value>(seen).unwrap());
}
