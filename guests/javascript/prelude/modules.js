// `require` and `import` of what is not there: an error that says so and what to do instead.

const INSTEAD = new Map([
  ['crypto', 'the globals crypto.subtle, crypto.randomUUID() and crypto.getRandomValues()'],
  ['url', 'the globals URL and URLSearchParams'],
  ['querystring', 'the global URLSearchParams'],
  ['util', 'the globals TextEncoder, TextDecoder and structuredClone'],
  ['buffer', 'Uint8Array, TextEncoder, TextDecoder, atob and btoa'],
  ['events', 'the globals EventTarget and Event'],
  ['timers', 'the globals setTimeout, setInterval and setImmediate'],
  ['timers/promises', 'new Promise((resolve) => setTimeout(resolve, ms))'],
  ['perf_hooks', 'the global performance'],
  ['process', 'the global process'],
  ['console', 'the global console'],
  ['fs', 'the event for input and the result for output'],
  ['fs/promises', 'the event for input and the result for output'],
  ['assert', 'an if statement that throws'],
]);

const BUILT_IN = new Set([
  ...INSTEAD.keys(), 'path', 'os', 'stream', 'stream/promises', 'zlib', 'http', 'https', 'http2', 'net', 'tls', 'dns',
  'dgram', 'child_process', 'cluster', 'worker_threads', 'vm', 'v8', 'module', 'readline', 'string_decoder', 'async_hooks',
  'test',
]);

function explain(specifier) {
  const name = specifier.replace(/^node:/, '');
  if (INSTEAD.has(name)) return `Node's modules do not exist in the sandbox; use ${INSTEAD.get(name)}`;
  if (BUILT_IN.has(name) || specifier.startsWith('node:')) return "Node's modules do not exist in the sandbox";
  if (/^[./]/.test(specifier)) {
    return 'the sandbox runs one file; deploy the folder so that its files are bundled into one when the function is built';
  }
  return 'it is not available in the sandbox; list it in the packages of the function, so that it is bundled when the function is built';
}

export function missingModule(specifier) {
  const error = new Error(`cannot find module '${specifier}': ${explain(specifier)}`);
  error.code = 'MODULE_NOT_FOUND';
  return error;
}

export function makeRequire() {
  function require(specifier) {
    throw missingModule(String(specifier));
  }
  require.resolve = require;
  require.cache = {};
  return require;
}
