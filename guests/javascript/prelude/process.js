// The part of Node's `process` that single functions use: environment, standard streams, exit, clocks.
//
// `versions.node` is absent on purpose: libraries take it as the promise of Node's modules.

import { host, STDOUT, STDERR } from './native.js';
import { defineGlobal } from './define.js';

function stream(to, fd) {
  return {
    fd,
    isTTY: false,
    writable: true,
    write(chunk, ...rest) {
      host.writeLog(to, typeof chunk === 'string' ? chunk : host.decodeUtf8(new Uint8Array(chunk), false));
      const callback = rest.at(-1);
      if (typeof callback === 'function') queueMicrotask(() => callback());
      return true;
    },
    end(chunk) {
      if (chunk !== undefined) this.write(chunk);
    },
  };
}

function hrtime(since) {
  const now = host.monotonicNs();
  const elapsed = since ? now - (BigInt(since[0]) * 1_000_000_000n + BigInt(since[1])) : now;
  return [Number(elapsed / 1_000_000_000n), Number(elapsed % 1_000_000_000n)];
}
hrtime.bigint = () => host.monotonicNs();

function memoryUsage() {
  const size = host.heapSize();
  return { rss: size, heapTotal: size, heapUsed: size, external: 0, arrayBuffers: 0 };
}

const process = {
  argv: ['function', '/function.js'],
  argv0: 'function',
  execArgv: [],
  platform: 'linux',
  arch: 'wasm32',
  pid: 1,
  ppid: 0,
  title: 'function',
  version: 'v0.0.0',
  versions: { quickjs: '0.16.2' },
  release: { name: 'hks-functions' },
  exitCode: undefined,
  stdout: stream(STDOUT, 1),
  stderr: stream(STDERR, 2),
  hrtime,
  memoryUsage,
  exit(code = process.exitCode ?? 0) {
    host.exit(Number(code) | 0);
  },
  cwd: () => '/',
  uptime: () => host.monotonicMs() / 1000,
  nextTick(callback, ...args) {
    queueMicrotask(() => callback(...args));
  },
  emitWarning(warning) {
    console.error(`Warning: ${warning?.message ?? warning}`);
  },
};

/** Events that Node's process emits do not happen here; registering for them is allowed and has no effect. */
function ignoreListeners() {
  for (const name of ['on', 'once', 'off', 'addListener', 'removeListener', 'removeAllListeners', 'setMaxListeners']) {
    process[name] = () => process;
  }
  process.emit = () => false;
  process.listenerCount = () => 0;
  process.listeners = () => [];
}

export function installProcess() {
  ignoreListeners();
  Object.defineProperty(process, 'env', {
    configurable: true,
    enumerable: true,
    get() {
      const value = host.environment();
      Object.defineProperty(process, 'env', { value, writable: true, configurable: true, enumerable: true });
      return value;
    },
    set(value) {
      Object.defineProperty(process, 'env', { value, writable: true, configurable: true, enumerable: true });
    },
  });
  Object.defineProperty(process, Symbol.toStringTag, { value: 'process', configurable: true });
  defineGlobal('process', process);
}
