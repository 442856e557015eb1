// How exceptions reach the caller: name, value, traceback.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { run } from './guest.js';

const fail = (code, options) => {
  const { failure, json } = run(code, options);
  assert.ok(failure, `returned ${json}`);
  return failure;
};

test('an exception shows its line and its frames', () => {
  const failure = fail(`function inner(event) {
  return event.a.b;
}
exports.handler = (event) => {
  return inner(event);
};`);
  assert.equal(failure.name, 'TypeError');
  assert.equal(failure.value, "cannot read property 'b' of undefined");
  const lines = failure.traceback.split('\n');
  assert.equal(lines[0], 'function.js:2');
  assert.equal(lines[1], '  return event.a.b;');
  assert.match(lines[2], /^ {9,18}\^$/);
  assert.match(failure.traceback, /\nTypeError: cannot read property 'b' of undefined\n {4}at inner \(function\.js:2:\d+\)\n/);
  assert.match(failure.traceback, /\n {4}at .*\(function\.js:5:\d+\)\n/);
  assert.doesNotMatch(failure.traceback, /prelude|native code|function\.js:0/);
});

test('lines are right in modules, too', () => {
  const failure = fail('// one\n// two\nexport const handler = async () => {\n  await null;\n  throw new Error("four");\n};');
  assert.match(failure.traceback, /^function\.js:5\n {2}throw new Error\("four"\);\n/);
});

test('columns of the first line are right', () => {
  const failure = fail('exports.handler = () => { throw new Error("x"); };');
  const [, column] = /function\.js:1:(\d+)/.exec(failure.traceback);
  assert.ok(column >= 27 && column <= 46, column);
});

for (const [what, code, line] of [
  ['CommonJS', 'const a = 1;\nconst b = ;\nexports.handler = () => 1;', 2],
  ['a module', 'export const a = 1;\nexport const b = ;\n', 2],
  ['a missing brace', 'exports.handler = () => {\n  if (true) {\n  return 1;\n};\n', 4],
  ['a brace too many', 'exports.handler = () => {\n  return 1;\n}};\nconst after = 1;\n', 3],
  ['an unterminated string', 'const a = 1;\n\nconst s = "abc;\n', 3],
  ['a duplicate name', 'const a = 1;\nlet a = 2;\n', 2],
  ['Python', 'def handler(event):\n    return 1\n', 1],
]) {
  test(`a syntax error in ${what} names its line`, () => {
    const failure = fail(code);
    assert.equal(failure.name, 'SyntaxError', failure.traceback);
    const [, found] = /^function\.js:(\d+)\n/.exec(failure.traceback) ?? assert.fail(failure.traceback);
    assert.ok(Math.abs(found - line) <= 1 && found <= code.split('\n').length, failure.traceback);
  });
}

test('a syntax error shows the source line with a caret', () => {
  const { traceback } = fail('const a = 1;\n\tconst b = ;\n');
  assert.match(traceback, /^function\.js:2\n\tconst b = ;\n\t +\^\n\nSyntaxError: /);
});

test('an exception at top level', () => {
  assert.match(fail('const x = 1;\nundefinedName();\n').traceback, /^function\.js:2\n[\s\S]*ReferenceError/);
  assert.match(fail('export default 1;\nnull.x;\n').traceback, /^function\.js:2\n/);
});

test('classes of errors', () => {
  assert.equal(fail('class MyError extends Error {}\nexports.handler = () => { throw new MyError("x"); };').name, 'MyError');
  const named = 'class E extends Error { constructor(m) { super(m); this.name = "Named"; } }';
  assert.equal(fail(`${named}\nexports.handler = () => { throw new E("x"); };`).name, 'Named');
  assert.equal(fail('exports.handler = () => { throw new DOMException("m", "AbortError"); };').name, 'AbortError');
  const likeness = fail('exports.handler = () => { throw { name: "Like", message: "m" }; };');
  assert.deepEqual([likeness.name, likeness.value], ['Like', 'm']);
});

test('the constructors of an error are not part of its stack', () => {
  const failure = fail(`class Base extends Error {}
class Mine extends Base { constructor(m) { super(m); this.extra = 1; } }
exports.handler = () => {
  throw new Mine("x");
};`);
  assert.match(failure.traceback, /^function\.js:4\n {2}throw new Mine\("x"\);\n[\s\S]*\nMine: x\n {4}at .*function\.js:4:/);
});

test('thrown values that are no errors', () => {
  for (const [thrown, shown] of [['"text"', 'text'], ['42', '42'], ['undefined', 'undefined'], ['null', 'null'], ['{ code: 1 }', '{ code: 1 }'], ['Symbol("s")', 'Symbol(s)']]) {
    const failure = fail(`exports.handler = () => { throw ${thrown}; };`);
    assert.deepEqual([failure.name, failure.value], ['NonErrorThrown', shown]);
    assert.match(failure.traceback, /^Uncaught /);
  }
});

test('causes and aggregates are shown', () => {
  const chain = fail('exports.handler = () => { throw new Error("top", { cause: new TypeError("root", { cause: "why" }) }); };');
  assert.match(chain.traceback, /Error: top\n[\s\S]*Caused by: TypeError: root\n[\s\S]*Caused by: why\n/);
  const all = fail('exports.handler = () => Promise.any([Promise.reject(new Error("a")), Promise.reject(new RangeError("b"))]);');
  assert.equal(all.name, 'AggregateError');
  assert.match(all.traceback, /\[error 1 of 2\] Error: a\n[\s\S]*\[error 2 of 2\] RangeError: b/);
  const loop = fail('exports.handler = () => { const e = new Error("x"); e.cause = e; throw e; };');
  assert.match(loop.traceback, /Caused by: \[circular\] Error: x/);
});

test('failures are bounded', () => {
  const failure = fail('exports.handler = () => { throw new Error("x".repeat(1e6)); };');
  assert.ok(failure.value.length <= 65536 && failure.traceback.length <= 65536);
  assert.match(failure.value, /more characters\)$/);
  const many = fail('exports.handler = () => { let e; for (let i = 0; i < 5000; i++) e = new Error("y".repeat(99), { cause: e }); throw e; };');
  assert.ok(many.traceback.length <= 65536);
});

test('a long line is shown in part', () => {
  const failure = fail(`exports.handler = () => { ${'1;'.repeat(5000)} throw new Error("far"); ${'1;'.repeat(5000)} };`);
  assert.match(failure.traceback, /throw new Error\("far"\)/);
  assert.ok(failure.traceback.split('\n')[1].length < 200);
});

test('lone surrogates become replacement characters', () => {
  assert.equal(fail('exports.handler = () => { throw new Error("a\\ud800b"); };').value, 'a\uFFFDb');
});

test('errors that fight back', () => {
  for (const thrown of [
    '{ get name() { throw 1; }, message: "m" }',
    'new Proxy(new Error("x"), { get() { throw new Error("no"); } })',
    'Object.defineProperty(new Error("x"), "stack", { get() { throw 1; } })',
    'Object.assign(new Error("x"), { message: { toString() { throw 1; } } })',
    'Object.setPrototypeOf(new Error("x"), null)',
    'new Proxy(function () {}, {})',
    '{ [Symbol.for("nodejs.util.inspect.custom")]() { throw 1; } }',
  ]) {
    const failure = fail(`exports.handler = () => { throw ${thrown}; };`);
    assert.ok(failure.name && failure.traceback, thrown);
  }
});

test('a missing handler names the forms and near misses', () => {
  const missing = fail('const x = 1;');
  assert.equal(missing.name, 'HandlerNotFoundError');
  assert.match(missing.value, /defines no handler; define one of: exports\.handler = /);
  assert.match(fail('function Handler() {}').value, /did you mean "Handler"\?/);
  assert.match(fail('export function main() {}').value, /did you mean "main"\?/);
  assert.match(fail('exports.hander = () => 1;').value, /did you mean "hander"\?/);
  assert.match(fail('').value, /no handler/);
});

test('a handler that cannot be called says what it is', () => {
  for (const [code, what] of [
    ['exports.handler = 42;', '"handler" is a number'],
    ['export const handler = "x";', '"handler" is a string'],
    ['export default 5;', 'default export is a number'],
    ['module.exports = "x";', 'module.exports is a string'],
    ['const handler = {};', '"handler" is an object'],
    ['exports.handler = null;', '"handler" is null'],
  ]) {
    const failure = fail(code);
    assert.equal(failure.name, 'HandlerNotFoundError');
    assert.ok(failure.value.includes(what), failure.value);
  }
});

test('missing modules say what to do', () => {
  for (const [code, hint] of [
    ['const _ = require("lodash"); exports.handler = () => 1;', /'lodash'.*packages/],
    ['import _ from "lodash";\nexport default () => 1;', /'lodash'.*packages/],
    ['import fs from "node:fs";\nexport default () => 1;', /'node:fs'.*event/],
    ['const c = require("crypto"); exports.handler = () => 1;', /'crypto'.*crypto\.subtle/],
    ['const x = require("./lib/x"); exports.handler = () => 1;', /'\.\/lib\/x'.*one file/],
    ['exports.handler = async () => (await import("zod")).z;', /'zod'.*packages/],
    ['exports.handler = () => require("node:http");', /'node:http'.*do not exist/],
  ]) {
    const failure = fail(code);
    assert.match(failure.value, /^cannot find module/);
    assert.match(failure.value, hint);
  }
});

test('process.exit', () => {
  const failure = fail('exports.handler = () => { process.exit(3); };');
  assert.deepEqual([failure.name, failure.value], ['ProcessExit', '3']);
  assert.equal(fail('exports.handler = () => { try { process.exit(0); } catch {} return 1; };').name, 'ProcessExit');
  assert.equal(fail('exports.handler = async () => { try { process.exit(); } finally { return 1; } };').value, '0');
  assert.equal(fail('exports.handler = () => new Promise(() => setTimeout(() => process.exit(7), 5));').value, '7');
  assert.equal(fail('process.exit(4);').value, '4');
  assert.equal(fail('exports.handler = () => Promise.resolve().then(() => process.exit(5)).catch(() => 1);').value, '5');
});

test('error.stack reads as in Node', () => {
  const { value } = run('exports.handler = () => { try { null.x; } catch (e) { return e.stack; } };');
  assert.match(value, /^TypeError: .*\n {4}at .*function\.js:1:/);
  const custom = run('class E extends Error { constructor(m) { super(m); this.name = "E"; Error.captureStackTrace(this, E); } }\nexports.handler = () => new E("boo").stack;').value;
  assert.match(custom, /^E: boo\n {4}at .*function\.js:2:/);
  assert.equal(run('exports.handler = () => { const e = new Error("x"); e.stack = "mine"; return e.stack; };').value, 'mine');
});
