// Event, CustomEvent and EventTarget (https://dom.spec.whatwg.org) without a tree: no bubbling, no shadow roots.

import { host } from './native.js';
import { defineGlobal, finishInterface } from './define.js';
import { reportException } from './console.js';

const NONE = 0;
const AT_TARGET = 2;

/** What only the dispatcher may change about an event. */
const internals = new WeakMap();

class Event {
  constructor(type, { bubbles = false, cancelable = false, composed = false } = {}) {
    if (arguments.length === 0) throw new TypeError('an Event needs a type');
    internals.set(this, {
      type: `${type}`,
      bubbles: Boolean(bubbles),
      cancelable: Boolean(cancelable),
      composed: Boolean(composed),
      timeStamp: host.monotonicMs(),
      target: null,
      phase: NONE,
      canceled: false,
      passive: false,
      stopped: false,
      stoppedNow: false,
    });
  }

  get type() {
    return internals.get(this).type;
  }

  get target() {
    return internals.get(this).target;
  }

  get srcElement() {
    return this.target;
  }

  get currentTarget() {
    return this.eventPhase === NONE ? null : this.target;
  }

  get eventPhase() {
    return internals.get(this).phase;
  }

  get bubbles() {
    return internals.get(this).bubbles;
  }

  get cancelable() {
    return internals.get(this).cancelable;
  }

  get composed() {
    return internals.get(this).composed;
  }

  get defaultPrevented() {
    return internals.get(this).canceled;
  }

  get returnValue() {
    return !this.defaultPrevented;
  }

  get cancelBubble() {
    return internals.get(this).stopped;
  }

  get timeStamp() {
    return internals.get(this).timeStamp;
  }

  get isTrusted() {
    return false;
  }

  composedPath() {
    return this.eventPhase === NONE ? [] : [this.target];
  }

  preventDefault() {
    const state = internals.get(this);
    if (state.cancelable && !state.passive) state.canceled = true;
  }

  stopPropagation() {
    internals.get(this).stopped = true;
  }

  stopImmediatePropagation() {
    const state = internals.get(this);
    state.stopped = true;
    state.stoppedNow = true;
  }
}

class CustomEvent extends Event {
  #detail;

  constructor(type, options = {}) {
    super(type, options);
    this.#detail = options?.detail ?? null;
  }

  get detail() {
    return this.#detail;
  }
}

const listenersOf = new WeakMap();

function readOptions(options) {
  if (typeof options !== 'object' || options === null) return { capture: Boolean(options) };
  const { capture = false, once = false, passive = false, signal } = options;
  return { capture: Boolean(capture), once: Boolean(once), passive: Boolean(passive), signal };
}

function call(listener, target, event) {
  try {
    if (typeof listener.callback === 'function') Reflect.apply(listener.callback, target, [event]);
    else listener.callback.handleEvent(event);
  } catch (error) {
    reportException(error);
  }
}

class EventTarget {
  constructor() {
    listenersOf.set(this, []);
  }

  addEventListener(type, callback, options) {
    if (callback === null || callback === undefined) return;
    if (typeof callback !== 'function' && typeof callback !== 'object') {
      throw new TypeError('an event listener must be a function or an object');
    }
    const { capture, once, passive, signal } = readOptions(options);
    if (signal?.aborted) return;
    const listeners = listenersOf.get(this);
    const known = (l) => l.type === `${type}` && l.callback === callback && l.capture === capture;
    if (listeners.some(known)) return;
    listeners.push({ type: `${type}`, callback, capture, once, passive, removed: false });
    signal?.addEventListener('abort', () => this.removeEventListener(type, callback, { capture }), { once: true });
  }

  removeEventListener(type, callback, options) {
    const { capture } = readOptions(options);
    const listeners = listenersOf.get(this);
    const at = listeners.findIndex((l) => l.type === `${type}` && l.callback === callback && l.capture === capture);
    if (at < 0) return;
    listeners[at].removed = true;
    listeners.splice(at, 1);
  }

  dispatchEvent(event) {
    const state = internals.get(event);
    if (!state) throw new TypeError('dispatchEvent takes an Event');
    if (state.phase !== NONE) throw new DOMException('the event is already being dispatched', 'InvalidStateError');
    state.target = this;
    state.phase = AT_TARGET;
    for (const listener of [...listenersOf.get(this)]) {
      if (listener.type !== state.type || listener.removed) continue;
      if (listener.once) this.removeEventListener(listener.type, listener.callback, { capture: listener.capture });
      state.passive = listener.passive;
      call(listener, this, event);
      if (state.stoppedNow) break;
    }
    Object.assign(state, { phase: NONE, passive: false, stopped: false, stoppedNow: false });
    return !state.canceled;
  }
}

export { Event, EventTarget };

export function installEvents() {
  for (const [name, phase] of [['NONE', 0], ['CAPTURING_PHASE', 1], ['AT_TARGET', 2], ['BUBBLING_PHASE', 3]]) {
    Object.defineProperty(Event, name, { value: phase, enumerable: true });
    Object.defineProperty(Event.prototype, name, { value: phase, enumerable: true });
  }
  for (const constructor of [Event, CustomEvent, EventTarget]) {
    finishInterface(constructor);
    defineGlobal(constructor.name, constructor);
  }
}
