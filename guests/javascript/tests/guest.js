// Runs the guest's core module with imports in JavaScript: the host of the tests.
//
// The module is compiled and initialised once; every run gets a fresh instance, as in production. What a snapshot is there, a
// copy of the memory is here: nothing else of an instance changes while no call is going on. `HKS_GUEST_MODULE` names the
// module that build.py wrote. The clock is virtual: sleeping takes no time and moves it, so that tests of timers are exact.
//
// There are three ways to a result: to run the source, to run what it was compiled to, and to load that and call its handler
// in another instance. `run` takes all of them, and nobody can tell which it was.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

const path = process.env.HKS_GUEST_MODULE;
if (!path) throw new Error('HKS_GUEST_MODULE must name the core module that build.py wrote');
const module = new WebAssembly.Module(readFileSync(path));

const INTERPRET = 'hks:function/interpret@0.1.0#';

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
  #options;

  /** Options: those of `run`; `memory`, a copy to start from, or null to be initialised. */
  constructor(options) {
    this.#options = options;
    this.nowNs = options.startNs ?? 1_700_000_000_123_000_000n;
    this.startNs = this.nowNs;
    const unexpected = () => {
      throw new Error('a WASI import was called');
    };
    const wasi = new Proxy({}, { get: () => unexpected });
    this.instance = new WebAssembly.Instance(module, { ...this.#imports(), wasi_snapshot_preview1: wasi });
    if (options.memory === null) this.#initialise();
    else this.#restore(options.memory ?? initialMemory);
  }

  /** A prelude that throws writes why to the log before it traps. */
  #initialise() {
    try {
      this.instance.exports._initialize?.();
      this.instance.exports['wizer-initialize']();
    } catch (error) {
      throw new Error(`initialisation failed: ${this.logs.map(([, text]) => text).join('')}`, { cause: error });
    }
  }

  #restore(bytes) {
    this.instance.exports.memory.grow((bytes.length - this.memory.byteLength) / 65536);
    new Uint8Array(this.memory).set(bytes);
  }

  copyMemory() {
    return new Uint8Array(this.memory.slice(0));
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

  /** Calls a function of `interpret` with flat arguments and reads its result by `read`. */
  #call(name, args, read) {
    const outcome = this.instance.exports[INTERPRET + name](...args);
    const words = new Uint32Array(this.memory, outcome, 7);
    if ((words[0] & 0xff) === 0) return read(words[1], words[2]);
    return {
      failure: {
        name: this.text(words[1], words[2]),
        value: this.text(words[3], words[4]),
        traceback: this.text(words[5], words[6]),
      },
    };
  }

  #lower(...texts) {
    return texts.flatMap((text) => {
      const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text;
      return [this.allocate(bytes), bytes.length];
    });
  }

  #lowerOption(bytes) {
    return bytes ? [1, ...this.#lower(bytes)] : [0, 0, 0];
  }

  run(code, compiled, event, context) {
    const args = [...this.#lower(code), ...this.#lowerOption(compiled), ...this.#lower(event, context)];
    return this.#call('run', args, (at, length) => ({ json: this.text(at, length) }));
  }

  compile(code) {
    return this.#call('compile', this.#lower(code), (at, length) => ({ compiled: new Uint8Array(this.memory, at, length).slice() }));
  }

  load(code, compiled) {
    return this.#call('load', [...this.#lower(code), ...this.#lowerOption(compiled)], () => ({}));
  }

  call(event, context) {
    return this.#call('call', this.#lower(event, context), (at, length) => ({ json: this.text(at, length) }));
  }

  /** An outcome with everything that is to be seen besides it. */
  report(outcome) {
    const log = (stream) => this.logs.filter(([to]) => to === stream).map(([, text]) => text).join('');
    return {
      ...outcome,
      value: outcome.json === undefined ? undefined : JSON.parse(outcome.json),
      stdout: log(0),
      stderr: log(1),
      published: this.published,
      sleeps: this.sleeps,
      memoryBytes: this.memory.byteLength,
    };
  }
}

const initialMemory = new Guest({ memory: null }).copyMemory();

function inputOf(options) {
  const event = options.eventText ?? JSON.stringify('event' in options ? options.event : {});
  return [event, JSON.stringify(options.context ?? CONTEXT)];
}

function runOnce(code, options) {
  const guest = new Guest(options);
  return guest.report(guest.run(code, options.compiled, ...inputOf(options)));
}

function loadAndCall(code, options) {
  const loaded = load(code, options);
  if (loaded.failure) return loaded;
  const called = call(loaded, { ...options, startNs: loaded.guest.nowNs });
  return {
    ...called,
    stdout: loaded.stdout + called.stdout,
    stderr: loaded.stderr + called.stderr,
    published: [...loaded.published, ...called.published],
    sleeps: [...loaded.sleeps, ...called.sleeps],
  };
}

const SEEN = ['json', 'failure', 'stdout', 'stderr', 'published', 'sleeps'];

function assertSame(way, found, expected) {
  for (const what of SEEN) assert.deepEqual(found[what], expected[what], `${what} when ${way}`);
}

/** Runs source text in fresh instances, in every way. Options: event, context, environment, refusePublish; `once` for what is
 * never the same twice. */
export function run(code, options = {}) {
  const report = runOnce(code, options);
  if (options.once) return report;
  const { compiled, failure } = compile(code);
  if (failure) assert.deepEqual(failure, report.failure, 'failure to compile');
  else assertSame('compiled', runOnce(code, { ...options, compiled }), report);
  assertSame('loaded', loadAndCall(code, { ...options, compiled }), report);
  return report;
}

/** Compiles source text in a fresh instance: `compiled` or `failure`. */
export function compile(code) {
  const guest = new Guest({});
  return guest.report(guest.compile(code));
}

/** Loads source text in a fresh instance. Options: compiled, environment, startNs. The report has the `guest`, and the `memory` to call from. */
export function load(code, options = {}) {
  const guest = new Guest(options);
  const outcome = guest.load(code, options.compiled);
  return { ...guest.report(outcome), guest, memory: guest.copyMemory() };
}

/** Calls the handler in a new instance that starts from the memory of a loaded one. */
export function call({ memory }, options = {}) {
  const guest = new Guest({ ...options, memory });
  return guest.report(guest.call(...inputOf(options)));
}

/** Calls the handler in this very instance. */
export function callIn(guest, options = {}) {
  return guest.report(guest.call(...inputOf(options)));
}

/** An instance that was not given any source. */
export function freshGuest(options = {}) {
  return new Guest(options);
}

/** Runs an expression or statements as the body of a handler. */
export function evaluate(body, options) {
  const result = run(`exports.handler = async (event, context) => { ${body} };`, options);
  if (result.failure) throw new Error(`${result.failure.name}: ${result.failure.value}\n${result.failure.traceback}`);
  return result.value;
}
