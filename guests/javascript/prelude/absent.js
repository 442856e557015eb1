// Stands in for a global that QuickJS does not have here (Atomics: there are no threads) while the packages load:
// node-inspect-extracted lists its members. It has to be imported before them; index.js takes it away again.

const missing = typeof globalThis.Atomics === 'undefined';
if (missing) globalThis.Atomics = {};

export function removeStandIns() {
  if (missing) delete globalThis.Atomics;
}
