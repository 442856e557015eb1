// What the core module imports and exports: nothing but our own world, so that the component needs no adapter.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { moduleExports, moduleImports } from './guest.js';

const WORLD = new Set([
  'output write-log', 'output publish', 'clock now', 'clock monotonic', 'clock sleep', 'clock remaining',
  'entropy random-bytes', 'environment variables',
]);

test('imports only functions of the world', () => {
  for (const { module, name, kind } of moduleImports) {
    assert.equal(kind, 'function');
    assert.match(module, /^hks:function\/[a-z]+@0\.1\.0$/);
    assert.ok(WORLD.has(`${module.slice(13, -6)} ${name}`), `${module} ${name}`);
  }
});

test('exports the world, one memory, the allocator and the initialisation', () => {
  const functions = ['call', 'compile', 'load', 'run'].map((name) => `hks:function/interpret@0.1.0#${name}`);
  const expected = ['_initialize', 'cabi_realloc', ...functions, 'memory', 'wizer-initialize'];
  assert.deepEqual(moduleExports.toSorted(), expected);
});
