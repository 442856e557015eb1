// setTimeout and its kin, on the runner's timers (runner/timers.c).
//
// A timer is an object as in Node, which converts to its id as in browsers. `ref` and `unref` change nothing: the run waits
// for the handler's promise and for nothing else.

import { host } from './native.js';
import { defineGlobal } from './define.js';

class Timeout {
  #id;
  #restart;

  constructor(start) {
    this.#restart = start;
    this.#id = start();
  }

  ref() {
    return this;
  }

  unref() {
    return this;
  }

  hasRef() {
    return true;
  }

  refresh() {
    this.close();
    this.#id = this.#restart();
    return this;
  }

  close() {
    host.stopTimer(this.#id);
    return this;
  }

  [Symbol.toPrimitive]() {
    return this.#id;
  }

  [Symbol.dispose]() {
    this.close();
  }
}

function start(callback, delay, repeats, args) {
  if (typeof callback !== 'function') {
    throw new TypeError(`the callback of a timer must be a function, and not ${callback === null ? 'null' : typeof callback}`);
  }
  return new Timeout(() => host.startTimer(callback, Number(delay), repeats, args));
}

function stop(timer) {
  if (timer instanceof Timeout) timer.close();
  else if (typeof timer === 'number' || typeof timer === 'string') host.stopTimer(Number(timer));
}

export function installTimers() {
  defineGlobal('setTimeout', function setTimeout(callback, delay, ...args) {
    return start(callback, delay, false, args);
  });
  defineGlobal('setInterval', function setInterval(callback, delay, ...args) {
    return start(callback, delay, true, args);
  });
  defineGlobal('setImmediate', function setImmediate(callback, ...args) {
    return start(callback, 0, false, args);
  });
  defineGlobal('clearTimeout', function clearTimeout(timer) {
    stop(timer);
  });
  defineGlobal('clearInterval', function clearInterval(timer) {
    stop(timer);
  });
  defineGlobal('clearImmediate', function clearImmediate(timer) {
    stop(timer);
  });
}
