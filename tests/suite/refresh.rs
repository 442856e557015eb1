//! What executions of one snapshot must not share: each has its own randomness, time and environment, also where the top
//! level had looked at them before.
//!
//! A test runs the same function several times and looks at what its handler saw beside what its top level had kept.

use std::collections::BTreeSet;
use std::time::SystemTime;

use hks_runtime::Prepared;
use serde_json::{Value, json};

use crate::harness::Language::{JavaScript, Python};
use crate::harness::{Call, House, Language, call, house, value};

/// What several executions of a function return.
#[track_caller]
fn several(function: &Prepared) -> Vec<Value> {
    (0..6).map(|_| value(&house().call_component(function).report())).collect()
}

/// Executions of a source, each an array. Panics unless every entry is another in each of them.
#[track_caller]
fn all_differ(language: Language, source: &str) {
    let seen = several(&call(language, source).deploy());
    let entries: Vec<String> = seen.iter().flat_map(|seen| seen.as_array().unwrap()).map(ToString::to_string).collect();
    let distinct: BTreeSet<&String> = entries.iter().collect();
    assert_eq!(distinct.len(), entries.len(), "{language:?}: {seen:#?}");
}

/// Panics unless all executions return the same.
#[track_caller]
fn all_equal(language: Language, source: &str) {
    let seen = several(&call(language, source).deploy());
    assert!(seen.windows(2).all(|pair| pair[0] == pair[1]), "{language:?}: {seen:#?}");
}

#[test]
fn entropy_of_the_host() {
    all_differ(
        Python,
        "
import os, secrets, random, uuid
generator = random.SystemRandom()
used = os.urandom(8), secrets.token_hex(8), generator.random(), uuid.uuid4()
def handler(event):
    return [os.urandom(16).hex(), os.getrandom(16).hex() if hasattr(os, 'getrandom') else secrets.token_hex(4),
            secrets.token_hex(16), secrets.randbits(100), generator.random(), str(uuid.uuid4())]",
    );
    all_differ(
        JavaScript,
        "
const used = [crypto.getRandomValues(new Uint8Array(8)), crypto.randomUUID()];
const draw = crypto.getRandomValues.bind(crypto);
exports.handler = async () => [[...crypto.getRandomValues(new Uint8Array(16))], [...draw(new Uint32Array(4))],
    crypto.randomUUID()];",
    );
}

#[test]
fn the_module_random() {
    all_differ(
        Python,
        "
import random
from random import random as draw, getrandbits
generator = random.Random()
used = random.random(), draw(), generator.random(), random.randint(1, 9)
def handler(event):
    import random as again
    return [draw(), random.random(), again.random(), generator.random(), getrandbits(80), random.randrange(10**15)]",
    );
    all_differ(Python, "from random import random\ndef handler(event): return [random(), random()]");
    all_differ(Python, "import random\ndef handler(event): return [random.random(), random.Random().random()]");
    all_differ(
        Python,
        "
import random
class Own(random.Random): pass
own = Own()
state = random.getstate()
random.random()
random.setstate(state)
def handler(event): return [own.random(), random.random(), random.gauss(0, 1)]",
    );
}

#[test]
fn a_seed_that_the_top_level_gave_is_kept() {
    all_equal(
        Python,
        "
import random
random.seed(42)
generator = random.Random('seed')
other = random.Random()
other.seed(7)
used = random.random()
def handler(event): return [random.random(), generator.random(), other.random(), random.randint(0, 10**9)]",
    );
    let first = "import random\nrandom.seed(42)\ndef handler(event): return [random.random() for _ in range(5)]";
    let behind = several(&call(Python, first).deploy());
    assert_eq!(behind[0], value(&call(Python, first).report()), "as without a snapshot");
}

#[test]
fn math_random() {
    all_differ(
        JavaScript,
        "
const draw = Math.random;
const used = [Math.random(), draw()];
exports.handler = async () => [Math.random(), draw(), Math.random()];",
    );
}

#[test]
fn identifiers() {
    all_differ(
        Python,
        "
import uuid
used = uuid.uuid4(), uuid.uuid7()
def handler(event): return [str(uuid.uuid1()), str(uuid.uuid4()), str(uuid.uuid6()), str(uuid.uuid7()), uuid.getnode()]",
    );
}

#[test]
fn names_of_temporary_files() {
    all_differ(
        Python,
        "
import tempfile
used = next(tempfile._get_candidate_names())
def handler(event):
    with tempfile.NamedTemporaryFile() as file, tempfile.TemporaryDirectory() as folder:
        return [file.name, folder, tempfile.mktemp()]",
    );
    all_differ(
        Python,
        "
import email.utils, email.generator
used = email.utils.make_msgid(domain='x'), email.generator._make_boundary()
def handler(event): return [email.utils.make_msgid(domain='x'), email.generator._make_boundary()]",
    );
}

/// Documented in `guests/python/README.md`: the seed is that of the build.
#[test]
fn the_seed_of_hashes_is_the_same_everywhere() {
    let source = "top = hash('abc')\ndef handler(event): return [hash('abc'), top, list({'a', 'b', 'c', 'd'})]";
    all_equal(Python, source);
    assert_eq!(several(&call(Python, source).deploy())[0], value(&call(Python, source).report()));
}

fn unix_ms() -> f64 {
    SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs_f64() * 1e3
}

#[test]
fn the_wall_clock_is_that_of_the_execution() {
    let sources = [
        (
            Python,
            "import time, datetime\ntop = time.time() * 1e3\ndef handler(event): return [top, time.time() * 1e3, datetime.datetime.now().timestamp() * 1e3]",
        ),
        (JavaScript, "const top = Date.now();\nexports.handler = async () => [top, Date.now(), new Date().getTime()];"),
    ];
    for (language, source) in sources {
        let function = call(language, source).deploy();
        let mut tops = BTreeSet::new();
        for _ in 0..5 {
            let before = unix_ms();
            let seen = value(&house().call_component(&function).report());
            let after = unix_ms();
            tops.insert(seen[0].to_string());
            for now in [&seen[1], &seen[2]] {
                let now = now.as_f64().unwrap();
                assert!((before - 2.0..=after + 2.0).contains(&now), "{language:?}: {now} not in {before}..{after}");
            }
        }
        assert_eq!(tops.len(), 1, "what the top level kept is kept");
    }
}

#[test]
fn the_monotonic_clock_does_not_go_back_over_a_snapshot() {
    let python = "
import time
top = time.monotonic_ns(), time.perf_counter_ns()
def handler(event): return [time.monotonic_ns() - top[0], time.perf_counter_ns() - top[1], time.monotonic_ns()]";
    let function = call(Python, python).deploy();
    let seen = several(&function);
    let there = House::with_places(2);
    let moved = there.guest(Python).resume(&function.snapshot().unwrap().to_bytes()).unwrap();
    let seen = seen.into_iter().chain((0..3).map(|_| value(&there.call_component(&moved).report())));
    let seen: Vec<Vec<i64>> = seen.map(|seen| serde_json::from_value(seen).unwrap()).collect();
    assert!(seen.iter().all(|seen| seen[0] > 0 && seen[1] > 0), "{seen:?}");
    assert!(seen.windows(2).all(|pair| pair[0][2] < pair[1][2]), "from one execution to the next: {seen:?}");

    // In JavaScript it goes on where the top level ended, so that timers keep what is left of their delay.
    let javascript = "
const top = performance.now(), also = process.hrtime.bigint();
exports.handler = async () => [performance.now() - top, Number(process.hrtime.bigint() - also)];";
    for seen in several(&call(JavaScript, javascript).deploy()) {
        let seen: Vec<f64> = serde_json::from_value(seen).unwrap();
        assert!(seen.iter().all(|elapsed| *elapsed >= 0.0), "{seen:?}");
        assert!(seen[0] < 60_000.0, "{seen:?}");
    }
}

fn assert_session_clock_goes_on(language: Language, source: &str) {
    let mut session = call(language, source).session();
    for _ in 0..10 {
        let step = value(&call(language, "").ask(&mut session)).as_f64().unwrap();
        assert!(step >= 0.0, "{language:?} {step}");
    }
}

#[test]
fn the_monotonic_clock_of_a_python_session_goes_on() {
    let source = "
import time
last = time.monotonic_ns()
def handler(event):
    global last
    now = time.monotonic_ns(); step = now - last; last = now
    return step";
    assert_session_clock_goes_on(Python, source);
}

#[test]
fn the_monotonic_clock_of_a_javascript_session_goes_on() {
    let source = "
let last = performance.now();
exports.handler = async () => { const now = performance.now(), step = now - last; last = now; return step; };";
    assert_session_clock_goes_on(JavaScript, source);
}

/// Tells what it sees of the variables that the tests use.
const PYTHON_ENVIRONMENT: &str = "
import os
top = dict(os.environ)
def handler(event):
    import gc
    names = ('CHANGED', 'REMOVED', 'ADDED', 'SECRET')
    ways = [[os.environ.get(name) for name in names], [os.getenv(name) for name in names],
            [os.environ._data.get(name.encode(), b'').decode() or None for name in names]]
    del globals()['top']
    return [ways[0] if all(way == ways[0] for way in ways) else ways, os.environ['HKS_EXECUTION_ID']]";
const JAVASCRIPT_ENVIRONMENT: &str = "
exports.handler = async () => {
    const { CHANGED = null, REMOVED = null, ADDED = null, SECRET = null, HKS_EXECUTION_ID } = process.env;
    return [[CHANGED, REMOVED, ADDED, SECRET], HKS_EXECUTION_ID];
};";

#[test]
fn environment_variables_are_those_of_the_execution() {
    for (language, source) in [(Python, PYTHON_ENVIRONMENT), (JavaScript, JAVASCRIPT_ENVIRONMENT)] {
        let load = call(language, source).variable("CHANGED", "at load").variable("REMOVED", "at load");
        let mut session = load.variable("SECRET", "s3cret of the load").session();
        let function = crate::harness::fork(&mut session);
        let with = |call: Call<'static>| call.variable("CHANGED", "now").variable("ADDED", "now");
        let mut ids = BTreeSet::new();
        for _ in 0..3 {
            let seen = value(&with(house().call_component(&function)).report());
            assert_eq!(seen[0], json!(["now", null, "now", null]), "{language:?}");
            ids.insert(seen[1].to_string());
        }
        assert_eq!(ids.len(), 3, "{language:?}: each has an id of its own");
        let seen = value(&house().call_component(&function).report());
        assert_eq!(seen[0], json!([null, null, null, null]), "{language:?}: what one was given, the next is not");
        let seen = value(&house().call_component(&function).variable("SECRET", "granted").report());
        assert_eq!(seen[0][3], "granted", "{language:?}");
    }
}

#[test]
fn environment_variables_of_a_session_are_those_of_the_call() {
    let source =
        "import os\ndef handler(event): return [os.environ.get('A'), os.environ.get('B'), os.environ.get('OWN')]";
    let source = format!("{source}\nimport os; os.environ['OWN'] = 'kept'");
    let mut session = call(Python, source).variable("A", "load").session();
    let mut ask = |call: Call<'static>| value(&call.ask(&mut session));
    assert_eq!(ask(call(Python, "").variable("A", "one")), json!(["one", null, "kept"]));
    assert_eq!(ask(call(Python, "").variable("B", "two")), json!([null, "two", "kept"]));
    assert_eq!(ask(call(Python, "")), json!([null, null, "kept"]));
}

/// What the load was granted lies in no object that a later execution can find.
#[test]
fn a_secret_of_the_load_is_found_in_no_object() {
    let source = "
import os
def handler(event):
    import gc, sys
    holders = []
    def look(item):
        if isinstance(item, (str, bytes)) and len(item) > 14:
            text = item if isinstance(item, str) else item.decode('latin-1')
            if '-'.join(['s3cret', 'of', 'the', 'load']) in text: holders.append(text[:100])
    gc.unfreeze() if hasattr(gc, 'unfreeze') else None
    for item in gc.get_objects():
        look(item)
        for inner in gc.get_referents(item): look(inner)
    return holders";
    let function = call(Python, source).variable("TOKEN", "s3cret-of-the-load").deploy();
    assert_eq!(value(&house().call_component(&function).report()), json!([]));
}

#[test]
fn timers_of_the_top_level_end_in_the_call() {
    let source = "
let fired = 0;
const later = new Promise((resolve) => setTimeout(() => { fired += 1; resolve('fired'); }, 30));
setInterval(() => {}, 3_600_000);
exports.handler = async () => { const before = fired; return [before, await later, fired]; };";
    for seen in several(&call(JavaScript, source).deploy()) {
        assert_eq!(seen, json!([0, "fired", 1]));
    }
    let function = call(
        JavaScript,
        "exports.handler = async (event) => {
        const start = performance.now();
        await new Promise((resolve) => setTimeout(resolve, 20));
        return performance.now() - start;
    };",
    )
    .deploy();
    for waited in several(&function) {
        assert!((19.0..10_000.0).contains(&waited.as_f64().unwrap()), "{waited}");
    }
    let source = "
import asyncio
async def handler(event):
    loop = asyncio.get_running_loop(); start = loop.time()
    await asyncio.sleep(0.02)
    return loop.time() - start";
    for waited in several(&call(Python, source).deploy()) {
        assert!((0.019..10.0).contains(&waited.as_f64().unwrap()), "{waited}");
    }
}
