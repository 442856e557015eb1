// Runs the guest's core module with imports in JavaScript: the host of the tests.
//
// The module is compiled once; every run gets a fresh instance, as in production, but initialised on the spot instead of
// from a snapshot. `HKS_GUEST_MODULE` names the module that build.py wrote. The clock is virtual: sleeping takes no time
// and moves it, so that tests of timers are exact.

import { readFileSync } from 'node:fs';

const path = process.env.HKS_GUEST_MODULE;
if (!path) throw new Error('HKS_GUEST_MODULE must name the core module that build.py wrote');
const module = new WebAssembly.Module(readFileSync(path));

const RUN = 'hks:function/interpret@0.1.0#run';

export const CONTEXT = {
  execution_id: 'exe_1',
  attempt: 1,
  function_name: 'f',
  function_version: 'v1',
  project: 'default',
  trigger: 'api',
  deadline_ms: 1_800_000_000_000,
  scheduled_at: null,
  memory_limit_mb: 128,
};

export const moduleImports = WebAssembly.Module.imports(module);
export const moduleExports = WebAssembly.Module.exports(module).map((item) => item.name);

/** An instance with its view of memory, and what it did to the host. */
class Guest {
  logs = [];
  published = [];
  sleeps = [];
  nowNs = 1_700_000_000_123_000_000n;
  #options;

  constructor(options) {
    this.#options = options;
    this.startNs = this.nowNs;
    const unexpected = () => {
      throw new Error('a WASI import was called');
    };
    const wasi = new Proxy({}, { get: () => unexpected });
    this.instance = new WebAssembly.Instance(module, { ...this.#imports(), wasi_snapshot_preview1: wasi });
    this.instance.exports._initialize?.();
    this.#initialise();
  }

  /** A prelude that throws writes why to the log before it traps. */
  #initialise() {
    try {
      this.instance.exports['wizer-initialize']?.();
    } catch (error) {
      throw new Error(`initialisation failed: ${this.logs.map(([, text]) => text).join('')}`, { cause: error });
    }
  }

  #imports() {
    return {
      'hks:function/output@0.1.0': {
        'write-log': (to, at, length) => this.logs.push([to, this.text(at, length)]),
        publish: (at, length, result) => this.#publish(this.text(at, length), result),
      },
      'hks:function/clock@0.1.0': {
        now: () => this.nowNs,
        monotonic: () => this.nowNs - this.startNs,
        sleep: (ns) => {
          this.sleeps.push(Number(ns) / 1e6);
          this.nowNs += ns;
        },
        remaining: () => 12_345n,
      },
      'hks:function/entropy@0.1.0': {
        'random-bytes': (length, result) => {
          const bytes = crypto.getRandomValues(new Uint8Array(length));
          this.store(result, this.allocate(bytes), length);
        },
      },
      'hks:function/environment@0.1.0': { variables: (result) => this.#variables(result) },
    };
  }

  #publish(formats, result) {
    const refusal = this.#options.refusePublish;
    this.published.push(JSON.parse(formats));
    new Uint8Array(this.memory, result, 1)[0] = refusal ? 1 : 0;
    if (refusal) this.storeText(result + 4, refusal);
  }

  #variables(result) {
    const entries = Object.entries(this.#options.environment ?? {});
    const list = this.instance.exports.cabi_realloc(0, 0, 4, entries.length * 16);
    entries.forEach(([name, value], at) => {
      this.storeText(list + at * 16, name);
      this.storeText(list + at * 16 + 8, value);
    });
    this.store(result, list, entries.length);
  }

  get memory() {
    return this.instance.exports.memory.buffer;
  }

  text(at, length) {
    return new TextDecoder('utf-8', { fatal: true }).decode(new Uint8Array(this.memory, at, length));
  }

  allocate(bytes) {
    const at = this.instance.exports.cabi_realloc(0, 0, 1, bytes.length);
    new Uint8Array(this.memory, at, bytes.length).set(bytes);
    return at;
  }

  store(at, ...words) {
    const view = new DataView(this.memory);
    words.forEach((word, index) => view.setUint32(at + 4 * index, word, true));
  }

  storeText(at, text) {
    const bytes = new TextEncoder().encode(text);
    this.store(at, this.allocate(bytes), bytes.length);
  }

  run(code, event, context) {
    const texts = [code, event, context].map((text) => new TextEncoder().encode(text));
    const lowered = texts.flatMap((bytes) => [this.allocate(bytes), bytes.length]);
    const outcome = this.instance.exports[RUN](...lowered);
    const words = new Uint32Array(this.memory, outcome, 7);
    if ((words[0] & 0xff) === 0) return { json: this.text(words[1], words[2]) };
    return {
      failure: {
        name: this.text(words[1], words[2]),
        value: this.text(words[3], words[4]),
        traceback: this.text(words[5], words[6]),
      },
    };
  }
}

/** Runs source text in a fresh instance. Options: event, context, environment, refusePublish. */
export function run(code, options = {}) {
  const guest = new Guest(options);
  const event = options.eventText ?? JSON.stringify('event' in options ? options.event : {});
  const outcome = guest.run(code, event, JSON.stringify(options.context ?? CONTEXT));
  const log = (stream) => guest.logs.filter(([to]) => to === stream).map(([, text]) => text).join('');
  return {
    ...outcome,
    value: outcome.json === undefined ? undefined : JSON.parse(outcome.json),
    stdout: log(0),
    stderr: log(1),
    published: guest.published,
    sleeps: guest.sleeps,
    memoryBytes: guest.memory.byteLength,
  };
}

/** Runs an expression or statements as the body of a handler. */
export function evaluate(body, options) {
  const result = run(`exports.handler = async (event, context) => { ${body} };`, options);
  if (result.failure) throw new Error(`${result.failure.name}: ${result.failure.value}\n${result.failure.traceback}`);
  return result.value;
}
