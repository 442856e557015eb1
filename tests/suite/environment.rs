//! A function sees its own environment and fresh randomness, and nothing of the host's.

use std::collections::{BTreeMap, HashSet};

use hks_protocol::Environment;

use crate::harness::Language::{JavaScript, Python};
use crate::harness::{Language, call, house, value};

const VARIABLES: [(Language, &str); 2] =
    [(Python, "import os; return dict(os.environ)"), (JavaScript, "return { ...process.env };")];

#[test]
fn only_its_own_variables_are_visible() {
    for (language, body) in VARIABLES {
        let wanted = call(language, language.handler(body)).variable("COLOUR", "blue=ä\n").variable("EMPTY", "");
        let report = wanted.report();
        let seen: BTreeMap<String, String> = serde_json::from_value(value(&report)).unwrap();
        let execution = report.execution_id.to_string();
        let expected = [
            ("COLOUR", "blue=ä\n"),
            ("EMPTY", ""),
            ("HKS_EXECUTION_ID", execution.as_str()),
            ("HKS_FUNCTION_NAME", "execute"),
            ("HKS_FUNCTION_VERSION", "0"),
            ("HKS_PROJECT_NAME", "default"),
        ];
        let seen: Vec<_> = seen.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(seen, expected, "{language:?}");
    }
}

#[test]
fn the_names_that_the_runtime_sets_cannot_be_taken() {
    for name in Environment::RESERVED {
        assert!(Environment::try_from(BTreeMap::from([(name.to_owned(), "x".to_owned())])).is_err(), "{name}");
    }
}

#[test]
fn variables_of_one_execution_are_gone_in_the_next() {
    for (language, body) in VARIABLES {
        let with = call(language, language.handler(body)).variable("TOKEN", "s3cret").report();
        assert_eq!(value(&with)["TOKEN"], "s3cret");
        let without = call(language, language.handler(body)).report();
        assert!(value(&without).get("TOKEN").is_none(), "{language:?}");
    }
}

#[test]
fn nothing_tells_where_the_host_is() {
    let bodies = [
        (Python, "
            import os, sys, platform, socket, getpass, tempfile, site, sysconfig, time
            def ask(question):
                try: return str(question())
                except BaseException as error: return type(error).__name__
            return [ask(question) for question in (
                lambda: os.getcwd(), lambda: sys.argv, lambda: sys.path, lambda: os.path.expanduser('~'), platform.uname,
                platform.node, socket.gethostname, getpass.getuser, tempfile.gettempdir, os.getpid, os.uname,
                lambda: os.getlogin(), lambda: os.environ, lambda: sys.flags, lambda: time.tzname, site.getusersitepackages,
                lambda: sys.executable, os.cpu_count, lambda: os.getppid())]"),
        (JavaScript, "return [process.cwd(), process.argv, process.platform, process.pid, process.title, navigator,
            process.versions, Object.keys(globalThis), new Date().getTimezoneOffset(), new Error().stack];"),
    ];
    let host = [
        std::env::var("HOME").unwrap_or_default(),
        std::env::current_dir().unwrap().to_string_lossy().into_owned(),
        std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap().trim().to_owned(),
        house().scratch.to_string_lossy().into_owned(),
    ];
    for (language, body) in bodies {
        let report = call(language, language.handler(body)).report();
        let seen = value(&report).to_string();
        for secret in host.iter().filter(|secret| secret.len() > 3) {
            assert!(!seen.contains(secret.as_str()), "{language:?} shows {secret:?}: {seen}");
        }
    }
}

#[test]
fn randomness_is_fresh_in_every_execution() {
    let bodies = [
        (Python, "
            import random, uuid, os, secrets, tempfile
            return [random.random(), random.getrandbits(64), str(uuid.uuid4()), os.urandom(8).hex(), secrets.token_hex(8),
                    random.Random().random(), random.SystemRandom().random(), tempfile.mktemp(), str(uuid.uuid1()),
                    ''.join(random.choices('abcdefgh', k=20)), random.gauss(0, 1)]"),
        (JavaScript, "
            return [Math.random(), crypto.randomUUID(), [...crypto.getRandomValues(new Uint8Array(8))].join(), Math.random()];"),
    ];
    for (language, body) in bodies {
        let mut seen = HashSet::new();
        for _ in 0..20 {
            let values = value(&call(language, language.handler(body)).report());
            for item in values.as_array().unwrap() {
                assert!(seen.insert(item.to_string()), "{language:?}: {item} came twice");
            }
        }
    }
}

#[test]
fn randomness_before_the_handler_is_fresh_as_well() {
    let sources = [
        (Python, "import random\nDICE = random.random()\ndef handler(event): return DICE"),
        (JavaScript, "const dice = Math.random();\nexports.handler = () => dice;"),
    ];
    for (language, code) in sources {
        let dice = || value(&call(language, code).report()).to_string();
        assert_ne!(dice(), dice(), "{language:?}");
    }
}

#[test]
fn clocks_go_forward() {
    let bodies = [
        (
            Python,
            "import time; a = time.monotonic(); b = time.perf_counter(); time.sleep(0.01)
return [time.time(), time.monotonic() - a, time.perf_counter() - b, time.process_time()]",
        ),
        (
            JavaScript,
            "const a = performance.now(), b = process.uptime(); await new Promise((r) => setTimeout(r, 10));
return [Date.now() / 1000, (performance.now() - a) / 1000, process.uptime() - b, process.uptime()];",
        ),
    ];
    for (language, body) in bodies {
        let report = call(language, language.handler(body)).report();
        let seen: [f64; 4] = serde_json::from_value(value(&report)).unwrap();
        let now = report.finished_at.as_millisecond() as f64 / 1e3;
        assert!((seen[0] - now).abs() < 10.0, "{language:?}: {seen:?}, {now}");
        assert!(seen[1] >= 0.0099 && seen[2] >= 0.0099 && seen[3] >= 0.0, "{language:?}: {seen:?}");
    }
}
