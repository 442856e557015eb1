//! Nothing that one execution leaves behind is there in the next, however it ended.
//!
//! Two places and two languages: before long, an execution is in the place of one that tried to leave something.

use hks_protocol::Outcome;

use crate::harness::Language::{JavaScript, Python};
use crate::harness::{House, Language, value};

/// Leaves a canary everywhere that a Python function can reach, then does as its event says.
const PYTHON_LEAVES: &str = "
    import builtins, sys, os, json, types, gc, math, collections, random, time, atexit, warnings
    canary = 'CANARY-' + 'x' * 100_000
    builtins.canary = canary
    builtins.abs = lambda _: 'CANARY'
    sys.modules['canary'] = types.ModuleType('canary', canary)
    sys.path.append(canary); sys.meta_path.append(canary); sys.argv.append(canary)
    os.environ['CANARY'] = canary
    json.dumps = json.loads = lambda *_, **__: canary
    math.canary = canary
    random.seed(1); random.random = lambda: 'CANARY'
    atexit.register(print, canary)
    sys.stdout.canary = canary
    sys.setrecursionlimit(99)
    warnings.canary = canary
    kept = [canary + str(n) for n in range(50)]
    gc.disable(); gc.collect()
    for name in ('/tmp/canary', 'canary.txt'):
        with open(name, 'w') as file: file.write(canary)
    os.makedirs('/tmp/canary.d/deep')
    print(canary[:100])
    if event == 1: raise SystemExit(canary[:10])
    if event == 2: raise ValueError(canary[:10])
    if event == 3: import posix; posix._exit(3)
    while event == 4: pass
    return 'left'";

/// Looks for a canary wherever a Python function can look.
const PYTHON_LOOKS: &str = "
    import builtins, sys, os, json, gc, math, collections, random, warnings
    def holds(value): return 'CANARY' in (value if isinstance(value, str) else repr(value)[:1_000_000])
    found = []
    if hasattr(builtins, 'canary') or abs(-3) != 3: found.append('builtins')
    if 'canary' in sys.modules: found.append('sys.modules')
    if holds(sys.path) or holds(sys.meta_path) or holds(sys.argv): found.append('sys')
    if 'CANARY' in os.environ or os.getenv('CANARY'): found.append('environ')
    if json.dumps([1]) != '[1]' or json.loads('1') != 1: found.append('json')
    if hasattr(math, 'canary') or hasattr(warnings, 'canary'): found.append('modules')
    if holds(random.random()): found.append('random')
    if hasattr(sys.stdout, 'canary') or sys.getrecursionlimit() < 100: found.append('state')
    if os.listdir('/tmp') or os.listdir('.'): found.append('files')
    for item in gc.get_objects():
        values = item.values() if type(item) is dict else item if type(item) in (list, tuple, set) else ()
        for value in list(values):
            if type(value) is str and len(value) > 90_000 and 'CANARY-' in value: found.append('heap')
    return found";

/// The same for JavaScript.
const JAVASCRIPT_LEAVES: &str = "
    const canary = 'CANARY-' + 'x'.repeat(100_000);
    globalThis.canary = canary;
    Object.prototype.canary = canary;
    Array.prototype.map = () => 'CANARY';
    JSON.stringify = JSON.parse = () => canary;
    String.prototype.canary = Function.prototype.canary = Promise.canary = canary;
    process.env.CANARY = canary;
    process.argv.push(canary);
    console.canary = canary;
    globalThis.setTimeout = () => 'CANARY';
    Math.random = () => 'CANARY';
    Error.prototype.toString = () => canary;
    Symbol.for('canary').description;
    require.cache.canary = canary;
    globalThis.kept = Array.from({ length: 50 }, (_, n) => canary + n);
    console.log(canary.slice(0, 100));
    if (event === 1) process.exit(1);
    if (event === 2) throw new Error('CANARY');
    if (event === 3) { const f = () => f() + 1; f(); }
    while (event === 4);
    return 'left';";

const JAVASCRIPT_LOOKS: &str = "
    const found = [];
    for (const name of Object.getOwnPropertyNames(globalThis)) {
        if (/canary|kept/i.test(name)) found.push(name);
    }
    for (const where of [{}, '', () => 1, Promise, Math, console, process, JSON, Symbol]) {
        if ('canary' in Object(where)) found.push(String(where));
    }
    if ([1].map((n) => n + 1)[0] !== 2) found.push('map');
    if (JSON.stringify([1]) !== '[1]' || JSON.parse('1') !== 1) found.push('JSON');
    if ('CANARY' in process.env || process.argv.join().includes('CANARY')) found.push('process');
    if (typeof setTimeout(() => 1, 0) !== 'object') found.push('timers');
    if (typeof Math.random() !== 'number') found.push('random');
    if (String(new Error('x')) !== 'Error: x') found.push('errors');
    if (Object.keys(require.cache).length) found.push('cache');
    return found;";

fn hunt(language: Language, leaves: &str, looks: &str, exited: Outcome) {
    let house = House::with_places(2);
    let (leaves, looks) = (language.handler(leaves), language.handler(looks));
    let leave = |event: &str| house.call(language, leaves.as_str()).event(event);
    for round in 0..40 {
        let report = leave("0").report();
        assert_eq!(value(&report), "left", "{language:?}");
        let report = house.call(language, looks.as_str()).report();
        assert_eq!(value(&report), serde_json::json!([]), "{language:?} round {round}");
        assert!(report.logs.stdout.is_empty() && report.logs.stderr.is_empty(), "{:?}", report.logs);
        let ends = [("1", Outcome::Failed), ("2", Outcome::Failed), ("3", exited)];
        let (event, outcome) = ends[round % 3];
        let report = leave(event).report();
        assert_eq!(report.outcome, outcome, "{language:?} {event}: {:?}", report.error);
        if round % 8 == 0 {
            assert_eq!(leave("4").timeout_ms(50).report().outcome, Outcome::TimedOut);
            assert_eq!(leave("0").fuel(2_000_000).report().outcome, Outcome::OutOfFuel);
        }
        let report = house.call(language, looks.as_str()).report();
        assert_eq!(value(&report), serde_json::json!([]), "{language:?} round {round} after {outcome:?}");
    }
    house.assert_nothing_left();
}

#[test]
fn python_leaves_nothing_behind() {
    hunt(Python, PYTHON_LEAVES, PYTHON_LOOKS, Outcome::Exited);
}

#[test]
fn javascript_leaves_nothing_behind() {
    hunt(JavaScript, JAVASCRIPT_LEAVES, JAVASCRIPT_LOOKS, Outcome::Failed);
}

#[test]
fn neighbours_do_not_see_each_other() {
    let house = House::with_places(6);
    let neighbours: Vec<_> = Language::ALL
        .into_iter()
        .flat_map(|language| [(language, "5"), (language, "4")])
        .map(|(language, event)| {
            let leaves = if language == Python { PYTHON_LEAVES } else { JAVASCRIPT_LEAVES };
            house.call(language, language.handler(leaves)).event(event).timeout_ms(60_000).start()
        })
        .collect();
    for (language, looks) in [(Python, PYTHON_LOOKS), (JavaScript, JAVASCRIPT_LOOKS)] {
        for _ in 0..10 {
            let report = house.call(language, language.handler(looks)).report();
            assert_eq!(value(&report), serde_json::json!([]), "{language:?}");
        }
    }
    neighbours.iter().for_each(|neighbour| neighbour.cancel());
    neighbours.into_iter().for_each(|neighbour| drop(neighbour.report()));
}
