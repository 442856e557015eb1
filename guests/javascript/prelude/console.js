// console as Node has it, on the host's two logs: log, info, debug, dir, table to stdout; warn, error, trace, assert to
// stderr. The host bounds the size of the logs.

import { format, inspect } from 'node-inspect-extracted';
import { host, STDOUT, STDERR } from './native.js';
import { defineGlobal } from './define.js';
import { renderTable } from './table.js';
import { userFrames } from './stack.js';

const INDENT = '  ';

const counts = new Map();
const timers = new Map();
let indentation = '';

function write(stream, text) {
  const lines = indentation === '' ? text : indentation + text.replaceAll('\n', `\n${indentation}`);
  host.writeLog(stream, `${lines}\n`);
}

function print(stream, args) {
  const plain = args.length === 1 && typeof args[0] === 'string';
  write(stream, plain ? args[0] : format(...args));
}

function duration(ms) {
  if (ms >= 60_000) return `${(ms / 60_000).toFixed(3)}m`;
  if (ms >= 1000) return `${(ms / 1000).toFixed(3)}s`;
  return `${Number(ms.toFixed(3))}ms`;
}

function reportTimer(label, extra) {
  if (!timers.has(label)) return write(STDERR, `Warning: No such label '${label}' for console.time()`);
  const elapsed = duration(host.monotonicMs() - timers.get(label));
  return print(STDOUT, [`${label}: ${elapsed}`.replaceAll('%', '%%'), ...extra]);
}

const methods = {
  log(...args) {
    print(STDOUT, args);
  },
  info(...args) {
    print(STDOUT, args);
  },
  debug(...args) {
    print(STDOUT, args);
  },
  warn(...args) {
    print(STDERR, args);
  },
  error(...args) {
    print(STDERR, args);
  },
  trace(...args) {
    const text = args.length > 0 ? `Trace: ${format(...args)}` : 'Trace';
    const holder = {};
    Error.captureStackTrace(holder);
    const frames = userFrames(holder.stack.slice(holder.stack.indexOf('\n') + 1));
    write(STDERR, `${text}\n${frames}`.trimEnd());
  },
  assert(condition, ...args) {
    if (condition) return;
    if (typeof args[0] === 'string') args[0] = `Assertion failed: ${args[0]}`;
    else args.unshift('Assertion failed');
    print(STDERR, args);
  },
  dir(value, options) {
    write(STDOUT, inspect(value, { customInspect: false, ...options }));
  },
  dirxml(...args) {
    print(STDOUT, args);
  },
  table(rows, columns) {
    const table = renderTable(rows, columns);
    if (table === undefined) print(STDOUT, [rows]);
    else write(STDOUT, table);
  },
  group(...args) {
    if (args.length > 0) print(STDOUT, args);
    indentation += INDENT;
  },
  groupEnd() {
    indentation = indentation.slice(INDENT.length);
  },
  time(label = 'default') {
    timers.set(`${label}`, host.monotonicMs());
  },
  timeLog(label = 'default', ...args) {
    reportTimer(`${label}`, args);
  },
  timeEnd(label = 'default') {
    reportTimer(`${label}`, []);
    timers.delete(`${label}`);
  },
  count(label = 'default') {
    const count = (counts.get(`${label}`) ?? 0) + 1;
    counts.set(`${label}`, count);
    write(STDOUT, `${label}: ${count}`);
  },
  countReset(label = 'default') {
    counts.delete(`${label}`);
  },
};

/** One line about a promise that was rejected while nobody listened. */
export function reportRejection(reason) {
  write(STDERR, `Unhandled promise rejection: ${typeof reason === 'string' ? reason : inspect(reason)}`);
}

/** An exception that an event listener threw: the dispatcher goes on, the log shows it. */
export function reportException(error) {
  write(STDERR, `Uncaught ${inspect(error)}`);
}

export function installConsole() {
  const console = Object.create({});
  for (const [name, value] of Object.entries({ ...methods, groupCollapsed: methods.group })) {
    Object.defineProperty(console, name, { value, writable: true, configurable: true, enumerable: true });
  }
  Object.defineProperty(console, Symbol.toStringTag, { value: 'console', configurable: true });
  defineGlobal('console', console);
}
