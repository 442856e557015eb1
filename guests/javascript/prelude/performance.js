// performance.now and timeOrigin; the engine's own object froze its origin in the snapshot.

import { host } from './native.js';
import { defineGlobal } from './define.js';

class Performance {
  now() {
    return host.monotonicMs();
  }

  get timeOrigin() {
    return host.nowMs() - host.monotonicMs();
  }

  toJSON() {
    return { timeOrigin: this.timeOrigin };
  }
}

export function installPerformance() {
  Object.defineProperty(Performance.prototype, Symbol.toStringTag, { value: 'Performance', configurable: true });
  defineGlobal('performance', new Performance());
}
