// TextEncoder and TextDecoder (https://encoding.spec.whatwg.org) for UTF-8, UTF-16LE and Latin-1.
//
// Other encodings are refused with the RangeError that the standard asks for. As the standard has it, "latin1" and "ascii"
// mean windows-1252.

import { host } from './native.js';
import { defineGlobal, finishInterface } from './define.js';

const LABELS = new Map();
for (const [encoding, labels] of [
  ['utf-8', 'utf-8 utf8 unicode-1-1-utf-8 unicode11utf8 unicode20utf8 x-unicode20utf8'],
  ['utf-16le', 'utf-16le utf-16 ucs-2 unicode csunicode iso-10646-ucs-2 unicodefeff'],
  [
    'windows-1252',
    'windows-1252 latin1 latin-1 l1 ascii us-ascii iso-8859-1 iso8859-1 iso88591 iso_8859-1 cp1252 x-cp1252 cp819 ' +
      'ansi_x3.4-1968 csisolatin1 ibm819 iso-ir-100 iso_8859-1:1987',
  ],
]) {
  for (const label of labels.split(' ')) LABELS.set(label, encoding);
}

/** What windows-1252 has at 0x80 to 0x9F; five of them are the control characters of Latin-1. */
const WINDOWS_1252 =
  '\u20AC\x81\u201A\u0192\u201E\u2026\u2020\u2021\u02C6\u2030\u0160\u2039\u0152\x8D\u017D\x8F' +
  '\x90\u2018\u2019\u201C\u201D\u2022\u2013\u2014\u02DC\u2122\u0161\u203A\u0153\x9D\u017E\u0178';

const CHUNK = 8192;
const BOM = '\uFEFF';

/** The bytes of an ArrayBuffer or view, not copied. */
export function bytesOf(source, what = 'the argument') {
  if (source instanceof Uint8Array) return source;
  if (ArrayBuffer.isView(source)) return new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  throw new TypeError(`${what} must be an ArrayBuffer, a typed array or a DataView`);
}

function fromUnits(units) {
  let text = '';
  for (let at = 0; at < units.length; at += CHUNK) {
    text += String.fromCharCode.apply(null, units.subarray(at, at + CHUNK));
  }
  return text;
}

function joinBytes(first, second) {
  if (first.length === 0) return second;
  const joined = new Uint8Array(first.length + second.length);
  joined.set(first);
  joined.set(second, first.length);
  return joined;
}

function decodeWindows1252(bytes) {
  const units = Uint16Array.from(bytes, (byte) =>
    byte >= 0x80 && byte < 0xa0 ? WINDOWS_1252.charCodeAt(byte - 0x80) : byte,
  );
  return fromUnits(units);
}

function decodeUtf16(bytes, fatal) {
  const units = new Uint16Array(bytes.length >> 1);
  for (let at = 0; at < units.length; at++) units[at] = bytes[2 * at] | (bytes[2 * at + 1] << 8);
  const text = fromUnits(units) + (bytes.length % 2 === 1 ? '\uFFFD' : '');
  if (fatal && (bytes.length % 2 === 1 || !text.isWellFormed())) {
    throw new TypeError('the encoded data is not valid UTF-16');
  }
  return text.toWellFormed();
}

/** How many bytes at the end of a UTF-16 chunk have to wait for the next one. */
function incompleteUtf16(bytes) {
  const odd = bytes.length % 2;
  const high = bytes[bytes.length - odd - 1] ?? 0;
  return high >= 0xd8 && high <= 0xdb ? odd + 2 : odd;
}

const DECODERS = {
  'utf-8': { decode: host.decodeUtf8, incomplete: host.incompleteTail },
  'utf-16le': { decode: decodeUtf16, incomplete: incompleteUtf16 },
  'windows-1252': { decode: decodeWindows1252, incomplete: () => 0 },
};

class TextEncoder {
  get encoding() {
    return 'utf-8';
  }

  encode(text = '') {
    return host.encodeUtf8(`${text}`);
  }

  encodeInto(text, bytes) {
    if (!(bytes instanceof Uint8Array)) throw new TypeError('encodeInto writes into a Uint8Array');
    return host.encodeUtf8Into(`${text}`, bytes);
  }
}

class TextDecoder {
  #encoding;
  #fatal;
  #ignoreBOM;
  #pending = new Uint8Array(0);
  #started = false;

  constructor(label = 'utf-8', { fatal = false, ignoreBOM = false } = {}) {
    this.#encoding = LABELS.get(`${label}`.trim().toLowerCase());
    if (!this.#encoding) throw new RangeError(`the encoding "${label}" is not supported`);
    this.#fatal = Boolean(fatal);
    this.#ignoreBOM = Boolean(ignoreBOM);
  }

  get encoding() {
    return this.#encoding;
  }

  get fatal() {
    return this.#fatal;
  }

  get ignoreBOM() {
    return this.#ignoreBOM;
  }

  decode(source, { stream = false } = {}) {
    const { decode, incomplete } = DECODERS[this.#encoding];
    const fresh = source === undefined ? new Uint8Array(0) : bytesOf(source);
    const bytes = joinBytes(this.#pending, fresh);
    const kept = stream ? incomplete(bytes) : 0;
    this.#pending = bytes.slice(bytes.length - kept);
    try {
      const text = decode(kept > 0 ? bytes.subarray(0, bytes.length - kept) : bytes, this.#fatal);
      return this.#withoutBom(text, stream);
    } catch (error) {
      this.#started = false;
      this.#pending = new Uint8Array(0);
      throw error;
    }
  }

  #withoutBom(text, stream) {
    const first = !this.#started && text.length > 0;
    this.#started = stream && (this.#started || first);
    const hasBom = first && !this.#ignoreBOM && this.#encoding !== 'windows-1252' && text[0] === BOM;
    return hasBom ? text.slice(1) : text;
  }
}

export function installEncoding() {
  finishInterface(TextEncoder, ['encoding', 'encode', 'encodeInto']);
  finishInterface(TextDecoder, ['encoding', 'fatal', 'ignoreBOM', 'decode']);
  defineGlobal('TextEncoder', TextEncoder);
  defineGlobal('TextDecoder', TextDecoder);
}
