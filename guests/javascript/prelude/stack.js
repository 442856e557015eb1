// Stack traces as people know them from Node: `Name: message` first, then the frames, none of them ours.
//
// QuickJS's own `stack` has frames only. It is an accessor of Error.prototype, so it can be wrapped, which costs nothing
// until somebody reads it.

const PRELUDE_FRAME = /^\s*at (?:.*\()?prelude\.js:\d+/;
const WRAPPER_LINE = /function\.js:0:/;
const CONSTRUCTOR_FRAME = /^ *at (?:new )?([^ ]+) \(.*\)\n/;

const { toString: errorToString } = Error.prototype;
const { apply } = Reflect;
const accessor = Object.getOwnPropertyDescriptor(Error.prototype, 'stack');
const nativeCapture = Error.captureStackTrace;

/** The frames of a QuickJS stack without the prelude's; every line ends with a line feed. */
export function userFrames(frames) {
  let kept = '';
  for (const line of String(frames).split('\n')) {
    if (line && !PRELUDE_FRAME.test(line) && !WRAPPER_LINE.test(line)) kept += `${line}\n`;
  }
  return kept;
}

function header(error) {
  try {
    return apply(errorToString, error, []);
  } catch {
    return 'Error';
  }
}

/** The names of an error's own classes, such as `MyError` and what it extends, up to `Error`. */
function classNames(error) {
  const names = new Set();
  try {
    for (let at = Object.getPrototypeOf(error); at && at !== Error.prototype; at = Object.getPrototypeOf(at)) {
      names.add(at.constructor.name);
    }
  } catch {
    // a prototype that fights back has no names
  }
  return names;
}

/** A stack begins where the error was made, and not within the constructors of its own class. */
function withoutConstructors(error, frames) {
  const names = classNames(error);
  let rest = frames;
  for (let match; (match = CONSTRUCTOR_FRAME.exec(rest)) && names.has(match[1]); ) rest = rest.slice(match[0].length);
  return rest || frames;
}

function withHeader(error, frames) {
  return `${header(error)}\n${withoutConstructors(error, userFrames(frames))}`.trimEnd();
}

function readStack(error) {
  const frames = apply(accessor.get, error, []);
  return typeof frames === 'string' ? withHeader(error, frames) : frames;
}

export function installStack() {
  Object.defineProperty(Error.prototype, 'stack', {
    configurable: true,
    enumerable: false,
    get() {
      return readStack(this);
    },
    set: accessor.set,
  });
  Error.captureStackTrace = function captureStackTrace(target, until) {
    nativeCapture(target, until);
    const frames = Object.getOwnPropertyDescriptor(target, 'stack')?.value;
    const value = typeof frames === 'string' ? withHeader(target, frames) : frames;
    Object.defineProperty(target, 'stack', { value, writable: true, configurable: true, enumerable: false });
  };
}
