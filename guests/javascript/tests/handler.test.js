// Every form in which source may define its handler, and what it gets.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONTEXT, evaluate, run } from './guest.js';

const FORMS = {
  'exports.handler': 'exports.handler = async (event) => event.n * 2;',
  'exports.handler, not async': 'exports.handler = (event) => event.n * 2;',
  'module.exports function': 'module.exports = (event) => event.n * 2;',
  'module.exports object': 'module.exports = { handler: (event) => event.n * 2 };',
  'module.exports object with this': 'module.exports = { factor: 2, handler(event) { return event.n * this.factor; } };',
  'this.handler': 'this.handler = (event) => event.n * 2;',
  'transpiled default': 'Object.defineProperty(exports, "__esModule", { value: true }); exports.default = (e) => e.n * 2;',
  'declared function': 'function handler(event) { return event.n * 2; }',
  'declared async function': 'async function handler(event) { return event.n * 2; }',
  'const': 'const handler = (event) => event.n * 2;',
  'let': 'let handler = (event) => event.n * 2;',
  'global': 'globalThis.handler = (event) => event.n * 2;',
  'strict': '"use strict";\nexports.handler = (event) => event.n * 2;',
  'export function': 'export function handler(event) { return event.n * 2; }',
  'export async function': 'export async function handler(event) { return event.n * 2; }',
  'export const': 'export const handler = async (event) => event.n * 2;',
  'export list': 'const f = (event) => event.n * 2;\nexport { f as handler };',
  'export default function': 'export default function (event) { return event.n * 2; }',
  'export default arrow': 'export default (event) => event.n * 2;',
  'export default object': 'export default { factor: 2, handler(event) { return event.n * this.factor; } };',
  'export after other statements': 'const two = 2; export const handler = (event) => event.n * two;',
  'a module that only declares': 'export const unused = 1;\nglobalThis.handler = (event) => event.n * 2;',
  'top-level await in a module': 'const two = await Promise.resolve(2);\nexport const handler = (event) => event.n * two;',
  'top-level await in CommonJS': 'const two = await Promise.resolve(2);\nexports.handler = (event) => event.n * two;',
  'top-level await of a timer': 'await new Promise((r) => setTimeout(r, 5));\nexport default (event) => event.n * 2;',
  'shebang': '#!/usr/bin/env node\nexports.handler = (event) => event.n * 2;',
  'byte order mark': '\uFEFFexports.handler = (event) => event.n * 2;',
  'comment at the end': 'exports.handler = (event) => event.n * 2; // the end',
  'the word export in a comment': '// export default nothing\nexports.handler = (event) => event.n * 2;',
  'the word export in a template': 'const text = `\nexport default 1;\n`;\nexports.handler = (event) => event.n * 2;',
  'return at top level': 'exports.handler = (event) => event.n * 2;\nreturn;',
  'Windows line ends': 'export const handler = (event) => {\r\n  return event.n * 2;\r\n};\r\n',
  'sloppy mode': 'with ({ two: 2 }) { exports.handler = (event) => event.n * two; }',
  'generator delegation': 'function* g(e) { yield e.n * 2; }\nexports.handler = (event) => [...g(event)][0];',
  'thenable': 'exports.handler = (event) => ({ then(resolve) { resolve(event.n * 2); } });',
  'class instance': 'class H { two = 2; handler(e) { return e.n * this.two; } }\nmodule.exports = new H();',
  'bound': 'exports.handler = function (event) { return event.n * this.two; }.bind({ two: 2 });',
};

for (const [form, code] of Object.entries(FORMS)) {
  test(`handler as ${form}`, () => {
    const { value, failure } = run(code, { event: { n: 21 } });
    assert.equal(failure, undefined, failure?.traceback);
    assert.equal(value, 42);
  });
}

test('exports win over a global', () => {
  assert.equal(run('globalThis.handler = () => 1; exports.handler = () => 2;').value, 2);
});

test('the context has its fields and the remaining time', () => {
  assert.deepEqual(evaluate('return context;'), CONTEXT);
  assert.equal(evaluate('return context.remaining_time_ms();'), 12345);
  assert.equal(run('exports.handler = function () { return arguments[1].attempt; };').value, 1);
  assert.equal(run('exports.handler = (...args) => args.length;').value, 2);
});

test('the context prints its fields only', () => {
  const { stdout } = run('exports.handler = (event, context) => { console.log(context); };', { context: { attempt: 3 } });
  assert.match(stdout, /\{ attempt: 3 \}/);
});

test('any JSON is an event', () => {
  for (const event of [null, true, 0, -1.5, 1e300, '', 'ä€😀', [], [1, [2]], {}, { a: { b: [null] } }]) {
    assert.deepEqual(evaluate('return event;', { event }), event);
  }
});

test('__proto__ in an event is a property', () => {
  const eventText = '{"__proto__": {"polluted": true}}';
  assert.deepEqual(evaluate('return [event.polluted === undefined, Object.keys(event), ({}).polluted ?? null];', { eventText }), [
    true, ['__proto__'], null,
  ]);
});

test('state does not outlive a run', () => {
  const code = 'globalThis.n = (globalThis.n ?? 0) + 1; exports.handler = () => globalThis.n;';
  assert.equal(run(code).value, 1);
  assert.equal(run(code).value, 1);
});
