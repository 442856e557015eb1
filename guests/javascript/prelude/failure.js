// An exception that ended the run, in the words that the caller reads: name, message, traceback.
//
// The traceback looks as Node prints an uncaught exception: the line of the user's source with a caret, the error and its
// frames, then its causes. Each part is at most PART_MAX long. Everything here is called after user code ran and may meet
// hostile objects; what throws is caught by the runner, which then has a sentence of its own.

import { inspect } from 'node-inspect-extracted';
import { userFrames } from './stack.js';

const PART_MAX = 64 * 1024;
const CAUSES_MAX = 8;
const AGGREGATED_MAX = 16;
const SOURCE_WIDTH_MAX = 160;

const USER_POSITION = /function\.js:(\d+):(\d+)/;

function bounded(text) {
  if (text.length <= PART_MAX) return text;
  const note = `\n… (${text.length - PART_MAX} more characters)`;
  return text.slice(0, PART_MAX - 64) + note;
}

function isErrorLike(value) {
  if (typeof value !== 'object' || value === null) return false;
  return Error.isError(value) || (typeof value.name === 'string' && typeof value.message === 'string');
}

/** `error.name`, or the name of its class where that says more than the inherited "Error". */
function nameOf(error) {
  const { name } = error;
  const className = error.constructor?.name;
  if (name === 'Error' && typeof className === 'string' && className) return className;
  return typeof name === 'string' && name ? name : 'Error';
}

function messageOf(error) {
  const { message } = error;
  return typeof message === 'string' ? message : String(message ?? '');
}

function show(value) {
  return typeof value === 'string' ? value : inspect(value, { depth: 4 });
}

/** The frames of an error's stack, without the header that the stack begins with. */
function framesOf(error) {
  const { stack } = error;
  if (typeof stack !== 'string') return '';
  const start = stack.search(/^\s+at /m);
  return start < 0 ? '' : userFrames(stack.slice(start).replace(/^\n+/, ''));
}

function indent(text) {
  return text.replace(/^(?=.)/gm, '    ');
}

function renderRelated(error, depth, seen) {
  let text = '';
  if (Array.isArray(error.errors)) {
    const shown = error.errors.slice(0, AGGREGATED_MAX);
    shown.forEach((inner, at) => {
      text += indent(`[error ${at + 1} of ${error.errors.length}] ${render(inner, depth + 1, seen)}`);
    });
  }
  if ('cause' in error && error.cause !== undefined) text += `Caused by: ${render(error.cause, depth + 1, seen)}`;
  return text;
}

function render(error, depth, seen) {
  if (!isErrorLike(error)) return `${show(error)}\n`;
  if (seen.has(error)) return `[circular] ${nameOf(error)}: ${messageOf(error)}\n`;
  if (depth > CAUSES_MAX) return '…\n';
  seen.add(error);
  const message = messageOf(error);
  const header = message ? `${nameOf(error)}: ${message}` : nameOf(error);
  return `${header}\n${framesOf(error)}${renderRelated(error, depth, seen)}`;
}

/** The part of a long line that surrounds a column, and where the column is in it. */
function excerpt(line, column) {
  if (line.length <= SOURCE_WIDTH_MAX) return { text: line, caret: column };
  const from = Math.max(0, column - SOURCE_WIDTH_MAX / 2);
  const text = line.slice(from, from + SOURCE_WIDTH_MAX);
  const ellipsis = from > 0 ? '…' : '';
  return { text: ellipsis + text, caret: column - from + ellipsis.length };
}

/** Where in the user's source an error comes from, with the line itself; empty when it names no such place. */
function sourceLines(error, code) {
  const position = USER_POSITION.exec(framesOf(error));
  if (!position) return '';
  const line = code.split('\n', Number(position[1]))[position[1] - 1]?.replace(/\r$/, '');
  if (line === undefined || !line.trim()) return `function.js:${position[1]}\n\n`;
  const { text, caret } = excerpt(line, position[2] - 1);
  const padding = text.slice(0, caret).replace(/[^\t]/g, ' ');
  return `function.js:${position[1]}\n${text}\n${padding}^\n\n`;
}

function describeValue(value) {
  const shown = show(value);
  const note = 'The thrown value is not an Error, so there is no stack to show.\n';
  return ['NonErrorThrown', bounded(shown), bounded(`Uncaught ${shown}\n${note}`)];
}

function describeExhaustion(error) {
  const message = 'the function needs more memory than its limit allows';
  const frames = error === null ? '' : framesOf(error);
  return ['OutOfMemoryError', message, bounded(`OutOfMemoryError: ${message}\n${frames}`)];
}

function isExhaustion(error, exhausted) {
  if (error === null) return exhausted;
  return isErrorLike(error) && error.name === 'InternalError' && error.message === 'out of memory';
}

/** [name, value, traceback] of what was thrown. `exhausted`: an allocation failed during the run. */
export function describeFailure(error, code, exhausted) {
  if (isExhaustion(error, exhausted)) return describeExhaustion(error);
  if (!isErrorLike(error)) return describeValue(error);
  const traceback = sourceLines(error, code) + render(error, 0, new Set());
  return [bounded(nameOf(error)), bounded(messageOf(error)), bounded(traceback)];
}
