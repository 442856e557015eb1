//! A source that a project runs again is not compiled again, and nothing that an execution does changes what the next ones
//! of the same source are.

use std::time::{Duration, Instant};

use hks_protocol::Report;

use crate::harness::Language::{JavaScript, Python};
use crate::harness::{Call, House, Language, value};

/// Long enough that compiling it is most of the work; fails, prints or returns as its event says.
fn source(language: Language) -> String {
    let mut text = String::new();
    match language {
        Python => {
            for n in 0..200 {
                text.push_str(&format!("def unused{n}(a, b=[{n}]): return [x + {n} for x in a if x not in b]\n"));
            }
            text.push_str("def handler(event):\n    print('printed', event)\n    if event < 0:\n        raise ValueError('less')\n    return event * 2\n");
        }
        JavaScript => {
            for n in 0..200 {
                text.push_str(&format!(
                    "function unused{n}(a, b = [{n}]) {{ return a.filter((x) => x > {n} + b); }}\n"
                ));
            }
            text.push_str("exports.handler = async (event) => {\n  console.log('printed', event);\n  if (event < 0) {\n    throw new RangeError('less');\n  }\n  return event * 2;\n};\n");
        }
    }
    text
}

/// Runs it until an execution is cheaper than `fuel`. Code is compiled beside the second execution, so the third is the
/// first that can have it.
#[track_caller]
fn until_cheaper(fuel: u64, call: impl Fn() -> Report) -> Report {
    let patience = Instant::now() + Duration::from_secs(60);
    loop {
        let report = call();
        if report.usage.fuel < fuel {
            return report;
        }
        assert!(Instant::now() < patience, "never cheaper than {fuel}: {:?}", report.usage);
    }
}

#[test]
fn a_known_source_costs_less_and_does_the_same() {
    for language in Language::ALL {
        let house = House::with_places(4);
        let source = source(language);
        let run = |event: &str| house.call(language, source.as_str()).event(event).report();
        let (first, failed) = (run("21"), run("-1"));
        let cheap = until_cheaper(first.usage.fuel / 2, || run("21"));
        println!("{language:?}: fuel {} and then {}", first.usage.fuel, cheap.usage.fuel);
        assert_eq!(value(&cheap), value(&first));
        assert_eq!(cheap.logs, first.logs);
        let failed_later = run("-1");
        assert!(failed_later.usage.fuel < failed.usage.fuel, "{:?}", failed_later.usage);
        assert_eq!((&failed_later.error, &failed_later.logs), (&failed.error, &failed.logs));
        assert!(failed.error.unwrap().traceback.contains("less"), "with the lines of the source");
    }
}

#[test]
fn another_project_pays_for_itself() {
    for language in Language::ALL {
        let house = House::with_places(4);
        let source = source(language);
        let run = |project: &str| house.call(language, source.as_str()).project(project).event("21").report();
        let first = run("one").usage.fuel;
        until_cheaper(first / 2, || run("one"));
        let other = run("two").usage.fuel;
        assert!(other > first / 100 * 95, "{language:?}: {first} for the first, {other} for another project");
        let one = run("one").usage.fuel;
        assert!(one < first / 2, "{language:?}: {one}");
    }
}

/// One place besides that of the execution for which code is to be made, and somebody else has it now and then: the code
/// is made when there is room.
#[test]
fn a_source_is_compiled_also_where_there_is_hardly_room() {
    for language in Language::ALL {
        let house = House::with_places(2);
        let source = source(language);
        let call = || house.call(language, source.as_str()).event("21");
        let first = call().report().usage.fuel;
        let busy = house.call(language, language.saying_hello(&language.endless())).start_and_hear();
        for _ in 0..4 {
            call().report();
        }
        busy.cancel();
        drop(busy.report());
        until_cheaper(first / 2, || call().report());
    }
}

#[test]
fn one_changed_character_is_another_source() {
    let house = House::with_places(4);
    let run = |source: &str| house.call(Python, source).event("21").report();
    let (one, two) = (source(Python), source(Python).replace("event * 2", "event * 3"));
    let first = run(&one).usage.fuel;
    until_cheaper(first / 2, || run(&one));
    let other = run(&two);
    assert_eq!(value(&other), 63);
    assert!(other.usage.fuel > first / 100 * 95);
}

/// Reaches into everything that compiles, loads and keeps code, if its environment says so. The environment is not part of
/// what a source is known by.
const PYTHON_POISON: &str = "
import os
def poison():
    import builtins, marshal, sys, linecache, types
    evil = compile('def handler(event): return \"poisoned\"', '<function>', 'exec')
    builtins.compile = lambda *_, **__: evil
    builtins.exec = lambda *_, **__: None
    marshal.loads = marshal.load = lambda *_, **__: evil
    marshal.dumps = lambda *_, **__: b'poisoned'
    linecache.cache.clear()
    for name, module in list(sys.modules.items()):
        if not name.startswith('hks_guest'): continue
        for key, value in list(vars(module).items()):
            if isinstance(value, types.FunctionType):
                for inner in (evil,):
                    try: value.__code__ = (lambda *_, **__: ('\"poisoned\"', None)).__code__
                    except Exception: pass
            if 'compil' in key or 'dump' in key or 'load' in key: setattr(module, key, lambda *_, **__: evil)
            if isinstance(value, type):
                for method in ('compile', 'load', 'call', 'run'):
                    if hasattr(value, method): setattr(value, method, lambda *_, **__: ('\"poisoned\"', None))
if os.environ.get('POISON') == 'top': poison()
def handler(event):
    if os.environ.get('POISON') == 'handler': poison()
    return 'clean'
";

const JAVASCRIPT_POISON: &str = "
function poison() {
    const evil = () => 'poisoned';
    globalThis.eval = globalThis.Function = evil;
    Function.prototype.call = Function.prototype.apply = Function.prototype.bind = evil;
    Object.getPrototypeOf(async function () {}).constructor = evil;
    Array.prototype[Symbol.iterator] = evil;
    JSON.parse = JSON.stringify = evil;
    Promise.prototype.then = evil;
    Object.prototype.handler = evil;
    for (const key of Reflect.ownKeys(globalThis)) { try { globalThis[key] = evil; } catch {} }
}
if (process.env.POISON === 'top') poison();
exports.handler = async () => {
    if (process.env.POISON === 'handler') poison();
    return 'clean';
};
";

#[test]
fn an_execution_cannot_poison_the_next_ones() {
    for (language, source) in [(Python, PYTHON_POISON), (JavaScript, JAVASCRIPT_POISON)] {
        for place in ["top", "handler"] {
            let house = House::with_places(2);
            let call = || -> Call<'_> { house.call(language, source).project(place) };
            let compiled_anew = value_of(&house.call(language, source).project("cold").report(), language, place);
            // The second is the one beside which the code is made.
            for _ in 0..4 {
                drop(call().variable("POISON", place).report());
            }
            until_cheaper(compiled_anew.usage.fuel / 10 * 8, || value_of(&call().report(), language, place));
            for _ in 0..20 {
                drop(call().variable("POISON", place).report());
                value_of(&call().report(), language, place);
            }
            house.assert_restored();
        }
    }
}

#[track_caller]
fn value_of(report: &Report, language: Language, place: &str) -> Report {
    assert_eq!(value(report), "clean", "{language:?} {place}");
    report.clone()
}
