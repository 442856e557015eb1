// Code that exhausts the stack or the memory, or breaks what everybody relies on: it may spoil its own result only.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evaluate, run } from './guest.js';

const caught = (body) => evaluate(`try { ${body} } catch (e) { return e.name; } return 'nothing thrown';`);

for (const [what, body] of [
  ['a function', 'const f = () => f() + 1; f();'],
  ['a function with many variables', `function f(${Array.from({ length: 60 }, (_, i) => `a${i} = ${i}`)}) { return f(${Array.from({ length: 60 }, (_, i) => `a${i}`)}); } f();`],
  ['two functions', 'const a = () => b() + 1, b = () => a() + 1; a();'],
  ['a getter', 'const o = { get x() { return this.x; } }; o.x;'],
  ['a proxy', 'const p = new Proxy({}, { get(t, k, r) { return r[k]; } }); p.x;'],
  ['a chain of proxies', 'let p = {}; for (let i = 0; i < 1e5; i++) p = new Proxy(p, {}); p.x;'],
  ['toString', 'const o = { toString() { return `${this}`; } }; `${o}`;'],
  ['a sort callback', 'const f = () => [2, 1].sort(f); f();'],
  ['map', 'const f = () => [1].map(f); f();'],
  ['replace', 'const f = () => "a".replace("a", f); f();'],
  ['apply', 'const f = () => Reflect.apply(f, null, []); f();'],
  ['bound functions', 'let f = () => 1; for (let i = 0; i < 1e5; i++) f = f.bind(null); f();'],
  ['constructors', 'class A { constructor() { new A(); } } new A();'],
  ['generators', 'function* g() { yield* g(); } [...g()];'],
  ['async functions', 'const f = async () => { await f(); }; await f();'],
  ['JSON.stringify', 'const o = { toJSON() { return JSON.stringify(o); } }; JSON.stringify(o);'],
  ['a nested value in JSON.stringify', 'let a = []; for (let i = 0; i < 1e5; i++) a = [a]; JSON.stringify(a);'],
  ['JSON.parse', 'JSON.parse("[".repeat(1e5));'],
  ['JSON.parse with a reviver', 'const f = () => JSON.parse("[1]", f); f();'],
  ['eval', 'const f = () => eval("f()"); f();'],
  ['new Function', 'const F = () => new Function("F", "F()")(F); F();'],
  ['a nested array in flat', 'let a = []; for (let i = 0; i < 1e5; i++) a = [a]; a.flat(Infinity);'],
  ['a nested regular expression', 'new RegExp("(".repeat(1e5) + ")".repeat(1e5));'],
  ['instanceof', 'const f = () => 1 instanceof { [Symbol.hasInstance]: f }; f();'],
  ['structuredClone', 'let a = []; for (let i = 0; i < 1e5; i++) a = [a]; structuredClone(a);'],
  ['array join', 'let a = []; for (let i = 0; i < 1e5; i++) a = [a]; String(a);'],
]) {
  test(`deep recursion by ${what} can be caught`, () => {
    assert.match(caught(body), /^(RangeError|InternalError|SyntaxError)$/);
    assert.equal(evaluate(`try { ${body} } catch { } return 'alive';`), 'alive');
  });
}

test('deep recursion that nobody catches is a RangeError', () => {
  const { failure } = run('const f = (n) => f(n + 1) + 1; exports.handler = () => f(0);');
  assert.equal(failure.name, 'RangeError');
  assert.match(failure.value, /call stack/);
  assert.match(failure.traceback, /^function\.js:1\n/);
});

test('a thousand levels of recursion are fine', () => {
  assert.equal(evaluate('const f = (n) => (n ? 1 + f(n - 1) : 0); return f(1500);'), 1500);
});

for (const [what, open, close] of [
  ['parentheses', '(', ')'], ['arrays', '[', ']'], ['blocks', '{', '}'], ['functions', '(()=>', ')'], ['templates', '`${', '}`'], ['unary', '!', ''], ['conditions', '1?', ':1'],
]) {
  test(`source with deeply nested ${what}`, () => {
    for (const depth of [1000, 100_000]) {
      const nested = open.repeat(depth) + '1' + close.repeat(depth);
      const { failure, value } = run(`${what === 'blocks' ? '' : 'const x = '}${nested};\nexports.handler = () => 1;`);
      if (failure) assert.match(failure.name, /^(SyntaxError|RangeError|InternalError)$/, failure.traceback);
      else assert.equal(value, 1);
    }
  });
}

test('a catastrophic regular expression on a long text does not overflow', () => {
  assert.equal(evaluate('return /^(?:a|b)*$/.test("ab".repeat(200000));'), true);
});

test('memory that is freed is used again', () => {
  const { value, memoryBytes } = run(`exports.handler = () => {
    let total = 0;
    for (let i = 0; i < 2000; i++) { const a = new Array(10000).fill(i); total += a.length; const s = 'x'.repeat(50000 + i); total += s.length; }
    return total; };`);
  assert.ok(value > 0);
  assert.ok(memoryBytes < 24e6, `${memoryBytes}`);
});

test('growing arrays and strings do not waste memory', () => {
  const { memoryBytes } = run('exports.handler = () => { const a = []; for (let i = 0; i < 1e6; i++) a.push(i); let s = ""; for (let i = 0; i < 1e6; i++) s += "x"; return a.length + s.length; };');
  assert.ok(memoryBytes < 40e6, `${memoryBytes}`);
});

test('cycles are collected', () => {
  const { memoryBytes } = run('exports.handler = () => { for (let i = 0; i < 3e5; i++) { const a = { pad: [i, i, i, i] }; a.self = a; } };');
  assert.ok(memoryBytes < 48e6, `${memoryBytes}`);
});

test('a heap under random use stays consistent', () => {
  const body = `let seed = 1; const next = () => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) >> 8;
    const kept = new Map();
    for (let i = 0; i < 60000; i++) { const k = next() % 500; if (next() % 3) kept.set(k, [k, 'v'.repeat(next() % 3000)]); else kept.delete(k); }
    for (const [k, v] of kept) if (v[0] !== k || /[^v]/.test(v[1])) return 'corrupt';
    return 'ok';`;
  assert.equal(evaluate(body), 'ok');
});

for (const [what, sabotage] of [
  ['JSON', 'JSON.stringify = JSON.parse = null; globalThis.JSON = undefined;'],
  ['Promise.prototype.then', 'Promise.prototype.then = function () { throw 1; }; Promise.resolve = null; globalThis.Promise = class {};'],
  ['Array.prototype', 'Array.prototype.push = Array.prototype.map = Array.prototype[Symbol.iterator] = null;'],
  ['Object.prototype', 'Object.defineProperty(Object.prototype, "then", { get() { return undefined; }, set() { throw 1; }, configurable: true }); Object.defineProperty(Object.prototype, "0", { set() { throw 1; }, get() { return 7; }, configurable: true });'],
  ['Object', 'globalThis.Object = null; globalThis.Reflect = null; globalThis.Error = null; globalThis.Symbol = null;'],
  ['Function.prototype', 'Function.prototype.call = Function.prototype.apply = Function.prototype.bind = null;'],
  ['String.prototype', 'for (const k of Object.getOwnPropertyNames(String.prototype)) if (k !== "constructor") try { String.prototype[k] = null; } catch {}'],
  ['timers', 'globalThis.setTimeout = globalThis.queueMicrotask = null;'],
  ['everything', 'for (const k of Object.getOwnPropertyNames(globalThis)) try { delete globalThis[k]; } catch {}'],
]) {
  test(`sabotage of ${what} spoils nothing`, () => {
    assert.deepEqual(run(`exports.handler = async () => { const value = { n: 1 }; ${sabotage} return value; };`).value, { n: 1 });
    const { failure } = run(`exports.handler = async () => { ${sabotage} null.x; };`);
    assert.ok(failure.name, 'a failure is described');
    const unsettled = run(`const never = new Promise(() => {}); exports.handler = () => { ${sabotage} return never; };`).failure;
    assert.equal(unsettled.name, 'UnsettledPromiseError');
  });
}

test('a frozen world works', () => {
  const body = 'for (const k of Object.getOwnPropertyNames(globalThis)) { const v = globalThis[k]; if (v && (typeof v === "object" || typeof v === "function") && v !== globalThis) { Object.freeze(v); if (v.prototype) Object.freeze(v.prototype); } }';
  assert.deepEqual(evaluate(`${body} return [1, { a: 2 }];`), [1, { a: 2 }]);
});

test('a poisoned toJSON spoils the own result only', () => {
  assert.equal(run('Object.prototype.toJSON = function () { return "poison"; }; exports.handler = () => ({ a: 1 });').value, 'poison');
});
