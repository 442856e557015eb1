// What `compile` makes of source, and what a run does with that. That every other test gets the same result from it is the
// affair of guest.js.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compile, freshGuest, load, run } from './guest.js';

const ANSWER = 'exports.handler = () => 42;';

test('the same source gives the same bytes', () => {
  assert.deepEqual(compile(ANSWER).compiled, compile(ANSWER).compiled);
});

test('compiling runs nothing', () => {
  for (const code of ['console.log("ran"); process.exit(1);', 'export const x = console.log("ran"); await new Promise(() => {});', 'throw 1;']) {
    const { compiled, stdout, failure } = compile(code);
    assert.equal(failure, undefined);
    assert.ok(compiled.length > 0);
    assert.equal(stdout, '');
  }
});

test('what does not compile fails as it does when it is run', () => {
  for (const code of ['const a = 1;\nconst b = ;\n', 'export const a = 1;\nexport const b = ;\n', 'import _ from "lodash";\nexport default () => 1;', `const x = ${'('.repeat(1000)}`]) {
    const { failure } = compile(code);
    assert.ok(failure, code);
    assert.deepEqual(failure, run(code, { once: true }).failure);
  }
});

test('source that is compiled is not parsed again', () => {
  const { compiled } = compile('exports.handler = () => {\n  null.x;\n};');
  const { failure } = run('not (the source\nof that', { compiled, once: true });
  assert.match(failure.traceback, /^function\.js:2\nof that\n +\^\n\nTypeError: .*\n {4}at .*\(function\.js:2:\d+\)\n/);
});

test('errors are the same to the column', () => {
  for (const code of [
    'class Mine extends Error { #why = 1; why() { return this.#why; } }\nconst deep = (n) => {\n  if (n === 0) throw new Mine("end", { cause: new TypeError("root") });\n  return deep(n - 1) + 1;\n};\nexports.handler = async () => { await null; return deep(3); };',
    'export default class { static handler() { return [1].map(function named() { return undefinedName; }); } }',
    'const o = { get x() { return eval("1;\\n  null.y"); } };\nexports.handler = () => o.x;',
    'exports.handler = () => new Function("a", "return a.b.c")({});',
    'export function* g() { yield 1; throw new RangeError("g"); }\nexport const handler = () => [...g()];',
    'exports.handler = () => setTimeout(5);',
  ]) {
    assert.ok(run(code).failure.traceback.includes('function.js'), code);
  }
});

test('everything that a source can contain survives', () => {
  const code = `#!/usr/bin/env node
'use strict';
const tag = (strings, ...values) => [strings.raw, [...strings], values, Object.isFrozen(strings), Object.isExtensible(strings)];
class A { static #count = 1n; #x = /a(?<n>\\d+)\\u{1F600}/giu; static { A.#count += 2n ** 80n; } get x() { return [String(this.#x), String(A.#count)]; } }
class B extends A { constructor(...rest) { super(); this.rest = rest; } get x() { return [super.x, new.target === undefined]; } }
function named(a, b = 2, { c, ...d } = { c: 3 }, ...e) { /* kept */ return [a, b, c, d, e, arguments.length, named.name, named.length]; }
const sloppy = new Function('with ({ y: 1 }) return y;');
label: for (const i of [1, 2]) for (;;) continue label;
exports.handler = async (event) => [
  tag\`a\${1}\\n\\u{62}\${'ä€😀'}\`, new B(1).x, named(1), String(named), sloppy(), 0.1, -0, 1e300, 123456789012, 'a\\ud800b'.length, '😀',
  { __proto__: null, 'odd key': 1, 7: 2, [Symbol.iterator.description]: 3 }, await (async () => { for await (const x of [1]) return x; })(),
  eval('let z = event?.q ?? 5; z ||= 6; z'), typeof require, __filename,
];`;
  assert.equal(run(code, { event: { q: 0 } }).failure, undefined);
});

test('bytes of another origin are refused', () => {
  const { compiled } = compile(ANSWER);
  const version = compiled.slice();
  version[0] ^= 1;
  const flipped = compiled.slice();
  flipped[compiled.length - 9] ^= 4;
  for (const foreign of [new Uint8Array(0), new TextEncoder().encode(ANSWER), version, flipped, compiled.slice(0, -4)]) {
    for (const attempt of [run, load]) {
      const { failure } = attempt(ANSWER, { compiled: foreign, once: true });
      assert.equal(failure.name, 'InvalidCompiledCodeError');
      assert.match(failure.value, /not made by this build/);
    }
  }
});

test('an instance that compiled can run', () => {
  const guest = freshGuest();
  const { compiled } = guest.compile(ANSWER);
  assert.equal(guest.run(ANSWER, compiled, 'null', '{}').json, '42');
});
