// console and the other ways to write.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { format } from 'node:util';
import { run } from './guest.js';

function logs(body, options) {
  const { stdout, stderr, failure } = run(`exports.handler = async () => { ${body} };`, options);
  assert.equal(failure, undefined, failure?.traceback);
  return { stdout, stderr };
}

test('streams', () => {
  const { stdout, stderr } = logs('console.log("l"); console.info("i"); console.debug("d"); console.warn("w"); console.error("e");');
  assert.equal(stdout, 'l\ni\nd\n');
  assert.equal(stderr, 'w\ne\n');
});

const SAME_AS_NODE = [
  '', '"plain"', '"%s is %d years and %i days, %f", "Bob", 42.5, 10.9, "1.5"', '"%j", { a: [1] }', '"%o|%O", [1], { a: { b: { c: {} } } }',
  '"100%", "done"', '"%%", 1', '"%s", null, undefined, true', '"%x", 1', '"a", 1, null, undefined, true, 10n, Symbol("s")',
  '{ a: 1, b: "two", c: [1, 2, 3], d: { e: { f: { g: 1 } } } }', '[1, "two", [3, [4, [5, [6]]]]]', 'new Map([["a", 1], [{ k: 1 }, [2]]])',
  'new Set([1, "two", { three: 3 }])', 'new Date(0)', '/re/gi', '[undefined, null, , 3]', 'new Uint8Array([1, 2, 3])', 'new Float64Array(2)',
  'Array.from({ length: 200 }, (_, i) => i)', '(() => { const a = { n: 1 }; a.self = a; return a; })()', '"multi\\nline", ["multi\\nline"]',
  'Object.create(null)', 'new (class Foo { constructor() { this.x = 1; } })()', 'class A {}', 'class B extends Array {}', 'function f() {}', '() => {}',
  'async () => {}', 'function* g() {}', '{ get a() { return 1; }, set a(v) {}, get b() { return 1; } }', '{ [Symbol("k")]: 1, "odd key": 2 }',
  'new Number(3)', 'new String("s")', '[new Boolean(false)]', '-0', '[-0, NaN, Infinity]', '{ f() {}, g: class {} }', '[["a", 1], ["b", 2]]',
  '{ a: "it\'s", b: \'"q"\', c: "\\u001b" }', 'new WeakMap()', 'new ArrayBuffer(4)', '"%c styled", "color: red"', '{ long: "x".repeat(100), longer: "y".repeat(100) }',
];

for (const args of SAME_AS_NODE) {
  test(`console.log as Node: ${args.slice(0, 50)}`, () => {
    const expected = (0, eval)(`((...args) => args)(${args})`);
    assert.equal(logs(`console.log(${args});`).stdout, `${format(...expected)}\n`);
  });
}

test('errors are shown with stack, cause and properties', () => {
  const { stderr } = logs('console.error(Object.assign(new TypeError("bad", { cause: new Error("root") }), { code: "E1" }));');
  assert.match(stderr, /^TypeError: bad\n {4}at .*function\.js:1[\s\S]*code: 'E1'[\s\S]*\[cause\]: Error: root/);
  assert.doesNotMatch(stderr, /prelude/);
});

test('group, count, assert, dir, trace', () => {
  const { stdout, stderr } = logs(`console.group('g'); console.log('in\\nner'); console.groupEnd(); console.groupEnd(); console.log('out');
    console.count(); console.count(); console.count('x'); console.countReset(); console.count();
    console.assert(true, 'no'); console.assert(false, 'value %d', 5); console.assert(false); console.dir({ a: { b: { c: { d: 1 } } } }, { depth: 0 }); console.trace('here');`);
  assert.equal(stdout, 'g\n  in\n  ner\nout\ndefault: 1\ndefault: 2\nx: 1\ndefault: 1\n{ a: [Object] }\n');
  assert.match(stderr, /^Assertion failed: value 5\nAssertion failed\nTrace: here\n {4}at .*function\.js/);
});

test('time', () => {
  const { stdout, stderr } = logs(`console.time('t'); await new Promise((r) => setTimeout(r, 25)); console.timeLog('t', 'note');
    await new Promise((r) => setTimeout(r, 1500)); console.timeEnd('t'); console.timeEnd('none');`);
  assert.equal(stdout, 't: 25ms note\nt: 1.525s\n');
  assert.match(stderr, /No such label 'none'/);
});

test('table', () => {
  const { stdout } = logs('console.table([{ a: 1, b: "x" }, { a: 2, c: true }]); console.table([1, 2]); console.table(5);');
  assert.equal(
    stdout,
    [
      '┌─────────┬───┬─────┬──────┐', '│ (index) │ a │ b   │ c    │', '├─────────┼───┼─────┼──────┤', "│ 0       │ 1 │ 'x' │      │",
      '│ 1       │ 2 │     │ true │', '└─────────┴───┴─────┴──────┘', '┌─────────┬────────┐', '│ (index) │ Values │',
      '├─────────┼────────┤', '│ 0       │ 1      │', '│ 1       │ 2      │', '└─────────┴────────┘', '5', '',
    ].join('\n'),
  );
});

test('methods work without their object', () => {
  assert.equal(logs('const { log } = console; log(1); [2].forEach(console.log);').stdout, '1\n2 0 [ 2 ]\n');
});

test('lone surrogates and any Unicode reach the log as valid text', () => {
  assert.equal(logs('console.log("a\\ud800b", "ä€😀");').stdout, 'a\uFFFDb ä€😀\n');
});

test('process.stdout and stderr', () => {
  const { stdout, stderr } = logs('process.stdout.write("a"); process.stdout.write(new Uint8Array([98, 10])); process.stderr.write("c");');
  assert.equal(stdout, 'ab\n');
  assert.equal(stderr, 'c');
});

test('display publishes', () => {
  const { published } = run('exports.handler = () => { display({ html: "<b>1</b>", json: { a: [1] } }); display("text"); };');
  assert.deepEqual(published, [{ html: '<b>1</b>', json: { a: [1] } }, { text: 'text' }]);
});

test('a refused display throws the reason', () => {
  const { failure } = run('exports.handler = () => { display({ nope: 1 }); };', { refusePublish: 'unknown format `nope`' });
  assert.deepEqual([failure.name, failure.value], ['TypeError', 'display: unknown format `nope`']);
});
