// console.table: rows and columns in a box.

import { inspect } from 'node-inspect-extracted';

const INDEX = '(index)';
const ITERATION = '(iteration index)';
const VALUES = 'Values';

function cell(value) {
  return inspect(value, { depth: -1, maxArrayLength: 3, breakLength: Infinity });
}

function isObject(value) {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}

/** [label, value] of every row. */
function rowsOf(data) {
  if (data instanceof Map) return [...data].map(([key, value], at) => [String(at), { Key: key, Values: value }]);
  if (data instanceof Set) return [...data].map((value, at) => [String(at), value]);
  return Object.entries(data);
}

function columnsOf(rows, wanted) {
  if (wanted) return wanted;
  const columns = new Set();
  for (const [, value] of rows) if (isObject(value)) for (const key of Object.keys(value)) columns.add(key);
  return [...columns];
}

function line(left, middle, right, widths) {
  return left + widths.map((width) => '─'.repeat(width + 2)).join(middle) + right;
}

function draw(header, body) {
  const widths = header.map((title, at) => Math.max(title.length, ...body.map((row) => row[at].length)));
  const row = (cells) => `│ ${cells.map((text, at) => text.padEnd(widths[at])).join(' │ ')} │`;
  return [
    line('┌', '┬', '┐', widths),
    row(header),
    line('├', '┼', '┤', widths),
    ...body.map(row),
    line('└', '┴', '┘', widths),
  ].join('\n');
}

/** The table, or undefined for what has no rows. */
export function renderTable(data, wanted) {
  if (typeof data !== 'object' || data === null) return undefined;
  const rows = rowsOf(data);
  const columns = columnsOf(rows, wanted);
  const hasValues = rows.some(([, value]) => !isObject(value));
  const iterated = data instanceof Map || data instanceof Set;
  const header = [iterated ? ITERATION : INDEX, ...columns, ...(hasValues ? [VALUES] : [])];
  const body = rows.map(([label, value]) => {
    const cells = columns.map((key) => (isObject(value) && Object.hasOwn(value, key) ? cell(value[key]) : ''));
    return [label, ...cells, ...(hasValues ? [isObject(value) ? '' : cell(value)] : [])];
  });
  return draw(header, body);
}
