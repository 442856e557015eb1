// What surrounds the handler: its second argument, and what to say when there is none.

import { host } from './native.js';

/** The prototype of `context`: its fields are own properties, so that printing or returning it shows just them. */
export const contextPrototype = Object.create(Object.prototype, {
  remaining_time_ms: {
    value: function remaining_time_ms() {
      return host.remainingMs();
    },
    writable: true,
    configurable: true,
  },
});

const FORMS =
  'define one of: exports.handler = async (event, context) => …; module.exports = …; ' +
  'export function handler(event, context) { … }; export default function (event, context) { … }; ' +
  'function handler(event, context) { … }';

const LIKELY = ['handle', 'main', 'run', 'lambda_handler', 'lambdaHandler', 'execute', 'default'];
const DECLARATION = /^[ \t]*(?:export\s+)?(?:async\s+)?(?:function\s*\*?|const|let|var|class)\s+([\p{ID_Start}$_][\p{ID_Continue}$]*)/gmu;

function editDistance(a, b) {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row[b.length];
}

function isNearMiss(name) {
  if (name === 'handler') return false;
  return LIKELY.includes(name) || (name.length < 16 && editDistance(name.toLowerCase(), 'handler') <= 2);
}

function nearMisses(exported, code) {
  const names = new Set(typeof exported === 'object' && exported !== null ? Object.keys(exported) : []);
  for (const match of code.matchAll(DECLARATION)) names.add(match[1]);
  return [...names].filter(isNearMiss).slice(0, 3);
}

function kindOf(value) {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  const type = typeof value;
  return type === 'object' ? 'an object' : `a ${type}`;
}

/** What was found under the right name but cannot be called. */
function notCallable(exported, declared) {
  const isObject = typeof exported === 'object' && exported !== null;
  if (isObject && exported.handler !== undefined) return `"handler" is ${kindOf(exported.handler)}, not a function`;
  if (declared !== undefined) return `"handler" is ${kindOf(declared)}, not a function`;
  if (isObject && exported.default !== undefined) {
    return `the default export is ${kindOf(exported.default)}, neither a function nor an object with a handler`;
  }
  if (!isObject && exported !== undefined) return `module.exports is ${kindOf(exported)}, not a function`;
  return undefined;
}

export function missingHandler(exported, declared, code) {
  const wrong = notCallable(exported, declared);
  if (wrong) return `${wrong}; ${FORMS}`;
  const near = nearMisses(exported, code);
  const guess = near.length > 0 ? ` (did you mean ${near.map((name) => `"${name}"`).join(' or ')}?)` : '';
  return `the source defines no handler${guess}; ${FORMS}`;
}
