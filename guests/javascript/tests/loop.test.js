// Promises, timers and how a run ends.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evaluate, run } from './guest.js';

test('timers run in order of time, then of age', () => {
  const body = `const order = [];
    setTimeout(() => order.push('c'), 20);
    setTimeout(() => order.push('a'), 10);
    setTimeout(() => order.push('b'), 10);
    setImmediate(() => order.push('now'));
    await new Promise((resolve) => setTimeout(resolve, 30));
    return order.join('');`;
  assert.equal(evaluate(body), 'nowabc');
});

test('waiting sleeps in the host, once for each due time', () => {
  const { sleeps } = run('exports.handler = async () => { for (let i = 0; i < 3; i++) await new Promise((r) => setTimeout(r, 100)); };');
  assert.deepEqual(sleeps, [100, 100, 100]);
});

test('a delay of zero does not sleep', () => {
  assert.deepEqual(run('exports.handler = () => new Promise((r) => setTimeout(r, 0));').sleeps, []);
});

test('timers take arguments, and any delay', () => {
  assert.deepEqual(evaluate('return new Promise((r) => setTimeout((...a) => r(a), undefined, 1, 2));'), [1, 2]);
  assert.equal(evaluate('return new Promise((r) => setTimeout(r, "5", "x"));'), 'x');
  assert.equal(evaluate('return new Promise((r) => setTimeout(r, -1, "x"));'), 'x');
  assert.equal(evaluate('return new Promise((r) => setTimeout(r, NaN, "x"));'), 'x');
  assert.equal(evaluate('return new Promise((r) => setTimeout(r, 1e12, "x"));'), 'x');
});

test('intervals repeat until they are cleared, also from inside', () => {
  const body = `let n = 0;
    await new Promise((resolve) => { const t = setInterval(() => { if (++n === 3) { clearInterval(t); resolve(); } }, 10); });
    return n;`;
  assert.equal(evaluate(body), 3);
});

test('cleared timers do not run', () => {
  const body = `let ran = false;
    const t = setTimeout(() => { ran = true; }, 1);
    clearTimeout(t); clearTimeout(undefined); clearTimeout(null); clearTimeout(99999); clearTimeout({});
    const u = setTimeout(() => { ran = true; }, 1);
    clearTimeout(+u);
    await new Promise((r) => setTimeout(r, 5));
    return ran;`;
  assert.equal(evaluate(body), false);
});

test('a timer is an object with the methods of Node', () => {
  assert.equal(evaluate('const t = setTimeout(() => {}, 1); return typeof t.unref().ref().refresh() === "object" && t.hasRef();'), true);
});

test('a callback that is no function is refused', () => {
  assert.throws(() => evaluate('setTimeout("code", 1);'), /TypeError: the callback of a timer must be a function/);
});

test('microtasks run before timers', () => {
  const body = `const order = [];
    setTimeout(() => order.push('timer'), 0);
    queueMicrotask(() => order.push('micro'));
    process.nextTick((x) => order.push(x), 'tick');
    Promise.resolve().then(() => order.push('promise'));
    await new Promise((r) => setTimeout(r, 1));
    return order;`;
  assert.deepEqual(evaluate(body), ['micro', 'tick', 'promise', 'timer']);
});

test('the run ends with the handler, not with the last timer', () => {
  const { value, sleeps, stdout } = run('exports.handler = async () => { setTimeout(() => console.log("late"), 1e6); return 1; };');
  assert.equal(value, 1);
  assert.deepEqual(sleeps, []);
  assert.equal(stdout, '');
});

test('microtasks that are left are run', () => {
  assert.equal(run('exports.handler = () => { Promise.resolve().then(() => console.log("ran")); return 1; };').stdout, 'ran\n');
});

test('a promise that never settles is an error', () => {
  for (const code of [
    'exports.handler = () => new Promise(() => {});',
    'exports.handler = async () => { await new Promise(() => {}); };',
    'exports.handler = async () => { setTimeout(() => {}, 5); await new Promise(() => {}); };',
    'exports.handler = () => ({ then() {} });',
    'await new Promise(() => {}); export default () => 1;',
  ]) {
    const { failure } = run(code);
    assert.equal(failure.name, 'UnsettledPromiseError', code);
    assert.match(failure.value, /never settles/);
  }
});

test('unhandled rejections are reported and do not fail the run', () => {
  const { value, stderr } = run('exports.handler = async () => { Promise.reject(new Error("lost")); return 1; };');
  assert.equal(value, 1);
  assert.match(stderr, /^Unhandled promise rejection: Error: lost\n {4}at /);
  assert.equal(run('exports.handler = async () => { Promise.reject("text"); };').stderr, 'Unhandled promise rejection: text\n');
});

test('rejections that are handled are not reported', () => {
  assert.equal(run('exports.handler = async () => { const p = Promise.reject(1); p.catch(() => {}); };').stderr, '');
  assert.equal(run('exports.handler = async () => { throw new Error("x"); };').stderr, '');
  assert.equal(run('exports.handler = () => Promise.reject(new Error("x"));').stderr, '');
});

test('an exception in a timer or microtask fails the run', () => {
  assert.equal(run('exports.handler = () => new Promise(() => setTimeout(() => { throw new RangeError("t"); }, 1));').failure.name, 'RangeError');
  assert.equal(run('exports.handler = () => { queueMicrotask(() => { throw new RangeError("m"); }); };').failure.name, 'RangeError');
});

test('async iteration, generators and Promise combinators', () => {
  const body = `async function* g() { for (let i = 0; i < 3; i++) { await new Promise((r) => setTimeout(r, 1)); yield i; } }
    const all = []; for await (const i of g()) all.push(i);
    const [a, b] = await Promise.all([Promise.resolve(1), 2]);
    const race = await Promise.race([new Promise((r) => setTimeout(r, 9, 'slow')), new Promise((r) => setTimeout(r, 1, 'fast'))]);
    const settled = (await Promise.allSettled([Promise.reject(1)]))[0].status;
    return { all, a, b, race, settled };`;
  assert.deepEqual(evaluate(body), { all: [0, 1, 2], a: 1, b: 2, race: 'fast', settled: 'rejected' });
});

test('many timers', () => {
  const body = `let n = 0;
    for (let i = 0; i < 5000; i++) setTimeout(() => n++, (i * 7919) % 1000);
    await new Promise((r) => setTimeout(r, 1001));
    return n;`;
  assert.equal(evaluate(body), 5000);
});
