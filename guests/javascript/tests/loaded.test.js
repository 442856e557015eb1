// What a call shares with the attempt that loaded its source, and what it does not.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONTEXT, call, callIn, compile, freshGuest, load, run } from './guest.js';

const HOUR_NS = 3_600_000_000_000n;
const later = (loaded, options) => call(loaded, { startNs: loaded.guest.nowNs + HOUR_NS, ...options });

function loadOk(code, options) {
  const loaded = load(code, options);
  assert.equal(loaded.failure, undefined, loaded.failure?.traceback);
  return loaded;
}

for (const [kind, code] of Object.entries({
  CommonJS: 'let n = 0; console.log("loaded"); exports.handler = (event, context) => [++n, event, context];',
  'a module': 'let n = await 0; console.log("loaded"); export const handler = (event, context) => [++n, event, context];',
})) {
  test(`calls of ${kind} start from what its top level left`, () => {
    for (const options of [{}, { compiled: compile(code).compiled }]) {
      const loaded = loadOk(code, options);
      assert.equal(loaded.stdout, 'loaded\n');
      for (const event of ['first', 'second']) {
        const { value, stdout } = call(loaded, { event });
        assert.deepEqual(value, [1, event, CONTEXT]);
        assert.equal(stdout, '', 'the top level does not run again');
      }
    }
  });
}

test('randomness is fresh in every call', () => {
  const loaded = loadOk('const kept = Math.random(); exports.handler = () => [kept, Math.random(), crypto.randomUUID(), crypto.getRandomValues(new Uint32Array(2)).join()];');
  const [first, second] = [call(loaded).value, call(loaded).value];
  assert.equal(first[0], second[0], 'what the source keeps is its own');
  for (const at of [1, 2, 3]) assert.notEqual(first[at], second[at]);
  assert.notEqual(callIn(loaded.guest).value[1], callIn(loaded.guest).value[1], 'nor in the same instance');
});

test('environment variables are those of the call', () => {
  const code = 'const { env } = process; const kept = env.A; exports.handler = () => [kept, env.A, { ...process.env }, env === process.env];';
  const loaded = loadOk(code, { environment: { A: 'old', GONE: 'x', SAME: 's' } });
  assert.deepEqual(call(loaded, { environment: { A: 'new', SAME: 's', ADDED: 'ä' } }).value, ['old', 'new', { A: 'new', SAME: 's', ADDED: 'ä' }, true]);
  assert.deepEqual(callIn(loaded.guest, { environment: {} }).value, ['old', 'old', { A: 'old', GONE: 'x', SAME: 's' }, true], 'the host of that guest has them still');
  assert.deepEqual(call(loaded, { environment: {} }).value[2], {});
});

test('environment variables that the load did not look at are those of the call', () => {
  const loaded = loadOk('exports.handler = () => ({ ...process.env });', { environment: { A: 'old' } });
  assert.deepEqual(call(loaded, { environment: { B: 'new' } }).value, { B: 'new' });
});

test('what the top level did to its environment stays', () => {
  const code = 'process.env.SET = "mine"; process.env.NEW = "mine"; delete process.env.DELETED; exports.handler = () => ({ ...process.env });';
  const environment = { SET: '1', DELETED: '1', HOST: '1' };
  const changed = { SET: '2', DELETED: '2', HOST: '2', NEW: '2' };
  const loaded = loadOk(code, { environment });
  assert.deepEqual(call(loaded, { environment: changed }).value, { SET: 'mine', HOST: '2', NEW: 'mine' });
  const frozen = loadOk('Object.freeze(process.env); exports.handler = () => ({ ...process.env });', { environment });
  assert.deepEqual(call(frozen, { environment: changed }).value, environment);
  const replaced = loadOk('process.env = { own: 1 }; exports.handler = () => ({ ...process.env });', { environment });
  assert.deepEqual(call(replaced, { environment: changed }).value, { own: 1 });
});

test('the time of day is that of the call', () => {
  const loaded = loadOk('const kept = Date.now(); exports.handler = () => [Date.now() - kept, new Date() - kept, performance.timeOrigin - kept];');
  assert.deepEqual(later(loaded).value, [3_600_000, 3_600_000, 3_600_000]);
});

test('the monotonic clock goes on where the load ended', () => {
  const code = `const start = performance.now(), tick = process.hrtime.bigint(), event = new Event('x'); console.time('t');
    await new Promise((r) => setTimeout(r, 30)); const end = performance.now();
    export const handler = async () => { const first = performance.now(); await new Promise((r) => setTimeout(r, 12)); console.timeEnd('t');
      return [start, end, first, performance.now(), Number(process.hrtime.bigint() - tick) / 1e6, process.uptime(), new Event('y').timeStamp - event.timeStamp]; };`;
  const loaded = loadOk(code);
  const { value, stdout } = later(loaded);
  assert.deepEqual(value, [0, 30, 30, 42, 42, 0.042, 42]);
  assert.equal(stdout, 't: 42ms\n');
});

test('a timer that is left keeps what remained of its delay', () => {
  const code = `const order = []; const wait = (ms, name) => new Promise((r) => setTimeout(() => { order.push(name); r(); }, ms));
    const c = wait(100, 'c'), a = wait(40, 'a'), b = wait(60, 'b'); setInterval(() => order.push('i'), 45); clearTimeout(setTimeout(() => order.push('never'), 50));
    await wait(30, 'load');
    export const handler = async () => { await a; await c; return order; };`;
  const loaded = loadOk(code);
  assert.deepEqual(loaded.sleeps, [30]);
  for (let again = 0; again < 2; again++) {
    const { value, sleeps } = later(loaded);
    assert.deepEqual(value, ['load', 'a', 'i', 'b', 'i', 'c']);
    assert.deepEqual(sleeps, [10, 5, 15, 30, 10]);
  }
});

test('a timer that was due before the load ended runs first', () => {
  const code = 'const order = []; setTimeout(() => order.push(2), 2); setTimeout(() => order.push(1), 1); globalThis.order = order; exports.handler = async () => { await new Promise((r) => setTimeout(r, 3)); return order; };';
  assert.deepEqual(later(loadOk(code)).value, [1, 2]);
});

test('promises that are left are settled by the call', () => {
  const code = 'let value = "early"; const ready = Promise.resolve().then(() => { value = "late"; }); exports.handler = async () => { const before = value; await ready; return [before, value]; };';
  assert.deepEqual(later(loadOk(code)).value, ['early', 'late']);
  const rejected = loadOk('Promise.reject(new Error("lost")); exports.handler = () => 1;');
  assert.equal(rejected.stderr, '');
  assert.match(call(rejected).stderr, /^Unhandled promise rejection: Error: lost/);
});

test('a top level that waits for nothing fails to load', () => {
  const code = 'await new Promise(() => {}); export default () => 1;';
  assert.deepEqual(load(code).failure, run(code).failure);
});

test('a failure in a call shows the source that was loaded', () => {
  const loaded = loadOk('exports.handler = () => {\n  throw new Error("in call");\n};');
  assert.match(later(loaded).failure.traceback, /^function\.js:2\n {2}throw new Error\("in call"\);\n[\s\S]*Error: in call\n {4}at .*function\.js:2/);
});

test('a source without handler does not load', () => {
  const { failure } = load('exports.hander = () => 1;');
  assert.equal(failure.name, 'HandlerNotFoundError');
  assert.deepEqual(failure, run('exports.hander = () => 1;').failure);
});

test('a call needs a source that was loaded', () => {
  const unloaded = callIn(freshGuest()).failure;
  assert.deepEqual([unloaded.name, unloaded.value], ['InvalidStateError', 'there is no handler to call: no source was loaded before']);
  const failed = load('throw new Error("top");');
  assert.equal(failed.failure.value, 'top');
  assert.equal(callIn(failed.guest).failure.name, 'InvalidStateError');
});

test('an instance takes one source', () => {
  const code = 'exports.handler = () => 1;';
  const { guest } = loadOk(code);
  assert.equal(guest.load(code).failure.name, 'InvalidStateError');
  assert.equal(guest.run(code, undefined, 'null', '{}').failure.name, 'InvalidStateError');
  assert.equal(callIn(guest).value, 1);
});

test('the garbage of a load is not part of its snapshot', () => {
  const loaded = loadOk('for (let i = 0; i < 2e4; i++) { const a = { pad: "x".repeat(400) + i }; a.self = a; } exports.handler = () => 1;');
  assert.ok(loaded.memoryBytes > 12e6, `${loaded.memoryBytes}`);
  assert.ok(loaded.memory.filter((byte) => byte !== 0).length < 2e6);
});

for (const [what, fill] of [['one piece', 'let a = "x".repeat(9e6);'], ['small pieces', 'let a = Array.from({ length: 2e5 }, (_, i) => [i]); a = a.filter((_, i) => i % 8 === 0); globalThis.kept = a;']]) {
  test(`what a load has freed in ${what} is used again`, () => {
    const loaded = loadOk(`${fill} a = null; exports.handler = () => Array.from({ length: 1e5 }, (_, i) => [i]).length;`);
    const { value, memoryBytes } = call(loaded);
    assert.equal(value, 100_000);
    assert.ok(memoryBytes <= loaded.memoryBytes + 2 ** 20, `${memoryBytes} of ${loaded.memoryBytes}`);
  });
}

for (const sabotage of [
  'for (const k of Object.getOwnPropertyNames(globalThis)) try { delete globalThis[k]; } catch {}',
  'Object.defineProperty(Object.prototype, "get", { value: 1 }); Object.defineProperty(Object.prototype, "A", { set() { throw 1; }, get() { throw 1; } });',
]) {
  test(`sabotage by the top level does not keep a call from being refreshed: ${sabotage.slice(0, 40)}`, () => {
    const loaded = loadOk(`const { env } = process, { random } = Math; ${sabotage} exports.handler = () => [env.A, random()];`, { environment: { A: 'old' } });
    const [first, second] = [1, 2].map(() => call(loaded, { environment: { A: 'new' } }).value);
    assert.equal(first[0], 'new');
    assert.notEqual(first[1], second[1]);
  });
}
