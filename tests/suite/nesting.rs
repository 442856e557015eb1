//! Recursion and nesting without end: the function fails, and the process of the host never does.
//!
//! The stacks of an interpreter have a limit of their own, the instance's stack has one, and the thread's comes last: a
//! guest that got there would take everybody along. So each of these comes back with an outcome, and the host goes on.

use hks_protocol::Outcome::{self, Failed, OutOfMemory, StackOverflow, Succeeded};

use crate::harness::Language::{JavaScript, Python};
use crate::harness::{Language, assert_ended, assert_ended_in, call};

/// Ended by the interpreter itself or by the host.
const ENDED: &[Outcome] = &[Failed, StackOverflow];
/// Depth costs heap as well, and an interpreter may also cope with it.
const ANY: &[Outcome] = &[Failed, StackOverflow, OutOfMemory, Succeeded];

fn assert_all(cases: &[(Language, &[Outcome], &str)]) {
    for (language, outcomes, body) in cases {
        let report = call(*language, language.handler(body)).event("100000").timeout_ms(100_000).attack();
        assert_ended_in(&report, outcomes, body);
    }
}

#[test]
fn python_recursion() {
    assert_all(&[
        (Python, ENDED, "return handler(event, context)"),
        (
            Python,
            &[Failed, StackOverflow, OutOfMemory],
            "import sys; sys.setrecursionlimit(10**9); return handler(event, context)",
        ),
        (Python, ENDED, "class A:\n    def __repr__(self): return repr(self)\nreturn repr(A())"),
        (Python, ENDED, "class A:\n    def __getattr__(self, name): return getattr(self, name + 'x')\nreturn A().a"),
        (Python, ENDED, "class A:\n    def __eq__(self, other): return self == other\nreturn A() == A()"),
        (Python, ENDED, "class A:\n    def __hash__(self): return hash((self,))\nreturn hash(A())"),
        (Python, ENDED, "class A:\n    def __str__(self): return f'{self}'\nreturn str(A())"),
        (
            Python,
            ENDED,
            "class A:\n    def __lt__(self, other): return sorted([A(), A()])[0]\nreturn sorted([A(), A()])",
        ),
        (Python, ENDED, "def key(item): return sorted([item] * 3, key=key)\nreturn sorted([1, 2], key=key)"),
        (
            Python,
            ENDED,
            "import sys; sys.setrecursionlimit(10**9)\ndef key(_): return max([1, 2], key=key)\nreturn key(0)",
        ),
        (
            Python,
            ENDED,
            "import sys; sys.setrecursionlimit(10**9)\nclass A:\n    def __repr__(self): return repr([self])\nreturn repr(A())",
        ),
        (Python, ENDED, "import functools\n@functools.cache\ndef f(n): return f(n + 1)\nreturn f(0)"),
        (Python, ENDED, "def g():\n    yield from g()\nreturn list(g())"),
        (Python, ENDED, "async def g(): await g()\nimport asyncio; asyncio.run(g())"),
        (Python, ENDED, "import re\ndef f(m): return re.sub('a', f, 'a')\nreturn f(None)"),
        (Python, ENDED, "def f(): exec('f()', {'f': f})\nf()"),
        (Python, ENDED, "import sys\nclass A:\n    def __del__(self): A()\nA(); return f()"),
    ]);
}

#[test]
fn python_nesting() {
    assert_all(&[
        (Python, ENDED, "return eval('(' * 1000 + ')' * 1000)"),
        (Python, ENDED, "return eval('(' * event + ')' * event)"),
        (Python, ENDED, "return eval('[' * event)"),
        (Python, ANY, "return eval('-' * event + '1')"),
        (Python, ANY, "return eval('not ' * event + '1')"),
        (Python, ANY, "return eval('+'.join(['1'] * event))"),
        (Python, ANY, "return len(str(compile('a' + '.a' * event, 'x', 'eval')))"),
        (Python, ANY, "return len(str(compile('a' + '()' * event, 'x', 'eval')))"),
        (Python, ANY, "exec('if 1: pass\\n' + 'elif 1: pass\\n' * event)"),
        (Python, ENDED, "exec(''.join(' ' * n + 'if 1:\\n' for n in range(1000)))"),
        (Python, ANY, "return eval('lambda: ' * event + '1')()"),
        (Python, ENDED, "import ast; return ast.literal_eval('[' * event + ']' * event)"),
        (Python, ENDED, "import json; return json.loads('[' * event + ']' * event)"),
        (Python, ENDED, "import json; return json.loads('{\"a\":' * event + '1' + '}' * event)"),
        (Python, ANY, "import re; return bool(re.compile('(' * event + ')' * event))"),
        (Python, ANY, "import re; return bool(re.match('(?:a|b)*c', 'ab' * event))"),
        (Python, ENDED, "value = []\nfor _ in range(event): value = [value]\nreturn value"),
        (Python, ENDED, "value = {}\nfor _ in range(event): value = {'a': value}\nreturn value"),
        (Python, ANY, "value = []\nfor _ in range(event): value = [value]\nreturn len(repr(value))"),
        (Python, ANY, "value = ()\nfor _ in range(event): value = (value,)\nreturn hash(value)"),
        (Python, ANY, "a = b = []\nfor _ in range(event): a, b = [a], [b]\nreturn a == b"),
        (
            Python,
            ENDED,
            "import copy\nvalue = []\nfor _ in range(event): value = [value]\nreturn len(copy.deepcopy(value))",
        ),
        (
            Python,
            ENDED,
            "import pickle\nvalue = []\nfor _ in range(event): value = [value]\nreturn len(pickle.dumps(value))",
        ),
        (Python, ANY, "import pickle\nreturn len(pickle.loads(b'(' * event + b'l' * event + b'.'))"),
        (
            Python,
            ANY,
            "import marshal\nvalue = ()\nfor _ in range(event): value = (value,)\nreturn len(marshal.dumps(value))",
        ),
        (Python, ANY, "return isinstance(1, eval('(' * 90 + 'str,' + '),' * 89 + ')'))"),
    ]);
}

#[test]
fn python_chains() {
    assert_all(&[
        (Python, ANY, "chain = iter([1])\nfor _ in range(event): chain = map(int, chain)\nreturn next(chain)"),
        (Python, ANY, "chain = iter([1])\nfor _ in range(event): chain = filter(None, chain)\nreturn next(chain)"),
        (
            Python,
            ANY,
            "import itertools\nchain = iter([1])\nfor _ in range(event): chain = itertools.chain(chain)\nreturn next(chain)",
        ),
        (
            Python,
            ANY,
            "import functools\nf = int\nfor _ in range(event): f = functools.partial(lambda g: g(), f)\nreturn f()",
        ),
        (
            Python,
            ANY,
            "class A: pass\nchain = None\nfor _ in range(event):\n    a = A(); a.next = chain; chain = a\ndel chain, a",
        ),
        (Python, ANY, "kind = int\nfor n in range(2000): kind = type('A', (kind,), {})\nreturn kind(1)"),
        (
            Python,
            ANY,
            "error = ValueError()\nfor _ in range(event):\n    e = ValueError(); e.__cause__ = error; error = e\nraise error",
        ),
        (Python, ANY, "group = ValueError()\nfor _ in range(event): group = ExceptionGroup('x', [group])\nraise group"),
        (
            Python,
            ANY,
            "import itertools\nt = iter([1])\nfor _ in range(event): t = itertools.tee(t)[0]\nreturn next(t)",
        ),
        (
            Python,
            ANY,
            "import types\nv = int\nfor _ in range(event): v = v | types.GenericAlias(list, (v,))\nreturn str(v)[:1]",
        ),
        (Python, ANY, "import xml.etree.ElementTree as E\nreturn len(E.fromstring('<a>' * event + '</a>' * event))"),
        (
            Python,
            ANY,
            "import sqlite3; return sqlite3.connect(':memory:').execute('select ' + '(' * event + '1' + ')' * event).fetchone()",
        ),
    ]);
}

#[test]
fn javascript_recursion() {
    assert_all(&[
        (JavaScript, ENDED, "const f = () => f() + 1; return f();"),
        (JavaScript, ENDED, "const o = { get a() { return this.a + 1; } }; return o.a;"),
        (JavaScript, ENDED, "const o = { set a(v) { this.a = v; } }; o.a = 1;"),
        (JavaScript, ENDED, "const o = { toString() { return `${this}!`; } }; return String(o);"),
        (JavaScript, ENDED, "const o = { valueOf() { return +this + 1; } }; return +o;"),
        (JavaScript, ENDED, "const o = { toJSON() { return JSON.stringify(o) + 1; } }; return JSON.stringify(o);"),
        (JavaScript, ENDED, "const f = () => [1, 2].sort(f); return f();"),
        (JavaScript, ENDED, "const f = () => 'a'.replace(/a/, f) + 1; return f();"),
        (JavaScript, ENDED, "const f = () => [1].map(f).length + 1; return f();"),
        (JavaScript, ENDED, "const f = () => Reflect.apply(f, null, []) + 1; return f();"),
        (JavaScript, ENDED, "function* g() { yield* g(); } return [...g()];"),
        (JavaScript, ENDED, "const p = new Proxy({}, { get(t, k, r) { return r[k] + 1; } }); return p.a;"),
        (JavaScript, ENDED, "class A { constructor() { this.a = new A(); } } return new A();"),
        (JavaScript, ENDED, "const f = () => eval('f()') + 1; return f();"),
        (JavaScript, ENDED, "const f = async () => { await f(); }; return f();"),
        (JavaScript, ENDED, "return { get a() { return this; }, toJSON() { return { a: this }; } };"),
        (
            JavaScript,
            ENDED,
            "throw { get name() { return this.name + 1; }, get message() { return this.message + 1; } };",
        ),
    ]);
}

#[test]
fn javascript_nesting() {
    assert_all(&[
        (JavaScript, ANY, "return eval('('.repeat(1000) + '1' + ')'.repeat(1000));"),
        (JavaScript, ENDED, "return eval('('.repeat(event) + '1' + ')'.repeat(event));"),
        (JavaScript, ENDED, "return eval('['.repeat(event) + ']'.repeat(event));"),
        (JavaScript, ENDED, "return eval('['.repeat(event));"),
        (JavaScript, ENDED, "return eval('!'.repeat(event) + '1');"),
        (JavaScript, ENDED, "return eval('{'.repeat(event) + '}'.repeat(event));"),
        (JavaScript, ANY, "return eval('1' + '+1'.repeat(event));"),
        (JavaScript, ANY, "return eval('x => '.repeat(event) + '1').length;"),
        (JavaScript, ANY, "return eval('if (0); ' + 'else if (0); '.repeat(event));"),
        (JavaScript, ANY, "return eval('1 ? 1 : '.repeat(event) + '1');"),
        (JavaScript, ENDED, "return eval('`${'.repeat(event) + '1' + '}`'.repeat(event));"),
        (JavaScript, ENDED, "return eval('function f() {'.repeat(event) + '}'.repeat(event));"),
        (JavaScript, ENDED, "return eval('class A { a = '.repeat(event) + '1' + '}'.repeat(event));"),
        (JavaScript, ENDED, "return JSON.parse('['.repeat(event) + ']'.repeat(event));"),
        (JavaScript, ENDED, "return JSON.parse('{\"a\":'.repeat(event) + '1' + '}'.repeat(event));"),
        (JavaScript, ANY, "return new RegExp('('.repeat(event) + ')'.repeat(event)).test('');"),
        (JavaScript, ANY, "return /^(?:a|b)*c/.test('ab'.repeat(event)) || true;"),
        (JavaScript, ENDED, "let v = []; for (let n = 0; n < event; n++) v = [v]; return v;"),
        (JavaScript, ENDED, "let v = {}; for (let n = 0; n < event; n++) v = { v }; return v;"),
        (JavaScript, ENDED, "let v = []; for (let n = 0; n < event; n++) v = [v]; return JSON.stringify(v).length;"),
        (JavaScript, ENDED, "let v = []; for (let n = 0; n < event; n++) v = [v]; return String(v).length;"),
        (JavaScript, ENDED, "let v = []; for (let n = 0; n < event; n++) v = [v]; return v.flat(Infinity).length;"),
        (JavaScript, ANY, "let v = []; for (let n = 0; n < event; n++) v = [v]; console.log(v); return 1;"),
        (JavaScript, ANY, "let v = []; for (let n = 0; n < event; n++) v = [v]; return structuredClone(v).length;"),
    ]);
}

#[test]
fn javascript_chains() {
    assert_all(&[
        (JavaScript, ANY, "let f = () => 1; for (let n = 0; n < event; n++) f = f.bind(); return f();"),
        (JavaScript, ANY, "let p = {}; for (let n = 0; n < event; n++) p = new Proxy(p, {}); return p.a ?? 1;"),
        (JavaScript, ANY, "let o = {}; for (let n = 0; n < event; n++) o = Object.create(o); return o.a ?? 1;"),
        (
            JavaScript,
            ANY,
            "let e = new Error(); for (let n = 0; n < event; n++) e = new Error('x', { cause: e }); throw e;",
        ),
        (JavaScript, ANY, "let e = new Error(); for (let n = 0; n < event; n++) e = new AggregateError([e]); throw e;"),
        (
            JavaScript,
            ANY,
            "let p = Promise.resolve(1); for (let n = 0; n < event; n++) p = p.then((v) => v); return p;",
        ),
        (
            JavaScript,
            ANY,
            "let p = Promise.resolve(1); for (let n = 0; n < event; n++) p = Promise.all([p]); await p; return 1;",
        ),
        (JavaScript, ANY, "let s = 'x'; for (let n = 0; n < event; n++) s = s + 'y'; return s.length;"),
        (JavaScript, ANY, "let s = 'x'; for (let n = 0; n < event; n++) s = 'y' + s; return s.length;"),
        (
            JavaScript,
            ANY,
            "let i = [1].values(); for (let n = 0; n < event; n++) i = i.map((v) => v); return i.next().value;",
        ),
        (JavaScript, ANY, "let l = null; for (let n = 0; n < 10 * event; n++) l = { l }; l = null; return 1;"),
    ]);
}

#[test]
fn deep_events_and_sources() {
    let events = [("[", "]"), (r#"{"a":"#, "}")];
    for language in Language::ALL {
        for (open, close) in events {
            let event = format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
            let report = call(language, language.handler("return 1")).event(event).attack();
            assert_ended_in(&report, ANY, "a deep event");
        }
        for (open, close) in [("(", ")"), ("[", "]"), ("{", "}")] {
            for depth in [1_000, 100_000] {
                let source = format!("{}1{}", open.repeat(depth), close.repeat(depth));
                let report = call(language, source).attack();
                assert_ended_in(&report, ENDED, "a deep source");
            }
        }
    }
}

#[test]
fn recursion_has_the_name_that_the_language_gives_it() {
    let report = call(Python, Python.handler("return handler(event, context)")).attack();
    assert_ended(&report, Failed, "RecursionError");
    let report = call(JavaScript, JavaScript.handler("const f = () => f() + 1; return f();")).attack();
    assert_ended(&report, Failed, "RangeError");
}
