// How globals are defined: like built-ins, writable and configurable but not enumerable, so that users may replace them
// and a loop over `globalThis` does not list them.

export function defineGlobal(name, value) {
  Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
}

/** Names a class's instances as `[object Name]`, and makes the given members enumerable as WebIDL has them. */
export function finishInterface(constructor, members = []) {
  Object.defineProperty(constructor.prototype, Symbol.toStringTag, { value: constructor.name, configurable: true });
  for (const name of members) Object.defineProperty(constructor.prototype, name, { enumerable: true });
}
