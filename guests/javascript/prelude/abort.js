// AbortController and AbortSignal (https://dom.spec.whatwg.org/#aborting-ongoing-activities).

import { defineGlobal, finishInterface } from './define.js';
import { Event, EventTarget } from './events.js';

const CREATE = Symbol('create');

/** Gives a signal its reason and tells its listeners, and then the signals that depend on it. */
let abort;

class AbortSignal extends EventTarget {
  #aborted = false;
  #reason = undefined;
  #onabort = null;
  #dependents = new Set();

  static {
    abort = (signal, reason) => signal.#abort(reason);
  }

  constructor(key) {
    if (key !== CREATE) throw new TypeError('AbortSignal cannot be constructed; use AbortController');
    super();
  }

  static abort(reason) {
    const signal = new AbortSignal(CREATE);
    abort(signal, reason);
    return signal;
  }

  static timeout(ms) {
    if (!(ms >= 0)) throw new TypeError('AbortSignal.timeout takes a number of milliseconds');
    const signal = new AbortSignal(CREATE);
    setTimeout(() => abort(signal, new DOMException('the operation timed out', 'TimeoutError')), ms);
    return signal;
  }

  static any(signals) {
    const sources = [...signals];
    const result = new AbortSignal(CREATE);
    const aborted = sources.find((source) => source.aborted);
    if (aborted) abort(result, aborted.reason);
    else for (const source of sources) source.#dependents.add(result);
    return result;
  }

  get aborted() {
    return this.#aborted;
  }

  get reason() {
    return this.#reason;
  }

  get onabort() {
    return this.#onabort;
  }

  set onabort(callback) {
    if (this.#onabort) this.removeEventListener('abort', this.#onabort);
    this.#onabort = typeof callback === 'function' ? callback : null;
    if (this.#onabort) this.addEventListener('abort', this.#onabort);
  }

  throwIfAborted() {
    if (this.#aborted) throw this.#reason;
  }

  #abort(reason = new DOMException('the operation was aborted', 'AbortError')) {
    if (this.#aborted) return;
    this.#aborted = true;
    this.#reason = reason;
    this.dispatchEvent(new Event('abort'));
    for (const dependent of this.#dependents) abort(dependent, reason);
    this.#dependents.clear();
  }
}

class AbortController {
  #signal = new AbortSignal(CREATE);

  get signal() {
    return this.#signal;
  }

  abort(reason) {
    abort(this.#signal, reason);
  }
}

export function installAbort() {
  finishInterface(AbortSignal, ['aborted', 'reason', 'onabort', 'throwIfAborted']);
  finishInterface(AbortController, ['signal', 'abort']);
  defineGlobal('AbortSignal', AbortSignal);
  defineGlobal('AbortController', AbortController);
}
