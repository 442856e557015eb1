// What becomes of the value that a handler returns.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evaluate, run } from './guest.js';

function refusal(body) {
  const { failure, json } = run(`exports.handler = async () => { ${body} };`);
  assert.ok(failure, `accepted as ${json}`);
  assert.equal(failure.name, 'InvalidResultError', failure.traceback);
  return failure.value;
}

const SAME_AS_JSON_STRINGIFY = [
  'null', '1', '-0', '1.5e-9', '1e21', '123456789012345680000', 'true', '"text"', '"\\u0000\\n\\"\\\\\\u001f\\u2028"', '"ä€😀"',
  '"\\ud800 lone \\udc00"', '[]', '{}', '[1,[2,[3]]]', '[undefined]', '[,1]', '{ a: undefined, b: 1 }', '{ "": 1, "a b": 2 }',
  'new Date(0)', 'new Number(5)', 'new String("s")', 'new Boolean(false)', '{ toJSON() { return [1]; } }',
  '[{ toJSON(key) { return key; } }]', '{ k: { toJSON(key) { return key; } } }', 'new (class A { x = 1; #y = 2; get z() { return 3; } })()',
  'Object.create({ inherited: 1 }, { own: { value: 2, enumerable: true }, hidden: { value: 3 } })', 'new Proxy([1, 2], {})',
  'new Proxy({ a: 1 }, {})', '{ [Symbol("s")]: 1, a: 2 }', 'Object.assign(Object.create(null), { a: 1 })', 'new URL("http://a.b/c")',
  '"a".repeat(300)', 'Array.from({ length: 300 }, (_, i) => ({ i, s: String(i) }))', '{ 2: "b", 1: "a" }', '"a" + "b".repeat(5000)',
  '{ a: { toJSON() { return undefined; } }, b: 1 }', 'JSON.parse("{\\"__proto__\\":1}")', 'Object(Object("boxed"))',
];

for (const expression of SAME_AS_JSON_STRINGIFY) {
  test(`as JSON.stringify: ${expression.slice(0, 60)}`, () => {
    const { json, failure } = run(`exports.handler = () => (${expression});`);
    assert.equal(failure, undefined, failure?.traceback);
    assert.equal(json, JSON.stringify((0, eval)(`(${expression})`)));
  });
}

test('no result is null', () => {
  assert.equal(run('exports.handler = () => {};').json, 'null');
  assert.equal(run('exports.handler = async () => undefined;').json, 'null');
});

test('numbers that JSON lacks are refused by path', () => {
  assert.match(refusal('return NaN;'), /^result is NaN/);
  assert.match(refusal('return { items: [1, 2, 3, { price: NaN }] };'), /^result\.items\[3\]\.price is NaN/);
  assert.match(refusal('return { "odd key": [Infinity] };'), /^result\["odd key"\]\[0\] is Infinity/);
  assert.match(refusal('return -Infinity;'), /^result is -Infinity/);
  assert.match(refusal('return { a: new Number(NaN) };'), /^result\.a is NaN/);
  assert.match(refusal('return { n: 10n };'), /^result\.n is a BigInt.*String\(value\)/);
});

test('values that JSON.stringify loses are refused by path', () => {
  assert.match(refusal('return { f() {} };'), /^result\.f is a function/);
  assert.match(refusal('return [class A {}];'), /^result\[0\] is a function/);
  assert.match(refusal('return { s: Symbol("x") };'), /^result\.s is a symbol/);
  assert.match(refusal('return { m: new Map() };'), /^result\.m is a Map.*Object\.fromEntries/);
  assert.match(refusal('return new Set([1]);'), /^result is a Set/);
  assert.match(refusal('return { p: Promise.resolve(1) };'), /^result\.p is a Promise; await it/);
  assert.match(refusal('return { b: new Uint8Array(2) };'), /^result\.b is a typed array/);
  assert.match(refusal('return new ArrayBuffer(2);'), /^result holds raw bytes/);
  assert.match(refusal('return { e: new Error("x") };'), /^result\.e is an Error/);
  assert.match(refusal('return /x/;'), /^result is a RegExp/);
  assert.match(refusal('return new WeakMap();'), /weak references/);
});

test('cycles are refused by path, repetition is not', () => {
  assert.match(refusal('const a = { b: { c: [] } }; a.b.c.push(a); return a;'), /^result\.b\.c\[0\] refers back/);
  assert.match(refusal('const a = []; a[0] = a; return a;'), /^result\[0\] refers back/);
  assert.deepEqual(evaluate('const x = { n: 1 }; return [x, x, { x }];'), [{ n: 1 }, { n: 1 }, { x: { n: 1 } }]);
});

test('nesting is bounded', () => {
  const nest = (depth) => `let a = 1; for (let i = 0; i < ${depth}; i++) a = [a]; return a;`;
  assert.ok(evaluate(nest(500)));
  assert.match(refusal(nest(600)), /nested too deeply/);
  assert.match(refusal('let a = 1; for (let i = 0; i < 1e5; i++) a = { a }; return a;'), /nested too deeply/);
});

test('a getter or toJSON that throws is the failure', () => {
  const { failure } = run('exports.handler = () => ({ get x() { throw new RangeError("mine"); } });');
  assert.equal(failure.name, 'RangeError');
  assert.equal(failure.value, 'mine');
  assert.equal(run('exports.handler = () => ({ toJSON() { throw new TypeError("no"); } });').failure.name, 'TypeError');
});

test('a large result is complete', () => {
  const value = evaluate('return Array.from({ length: 200000 }, (_, i) => i);');
  assert.equal(value.length, 200000);
  assert.equal(value[199999], 199999);
});

test('a result is read once', () => {
  assert.equal(evaluate('let n = 0; return { get n() { return ++n; } };').n, 1);
});
