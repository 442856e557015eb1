// crypto (https://w3c.github.io/webcrypto): randomness of the host, SHA digests and HMAC. Other algorithms are refused by
// NotSupportedError.

import { host } from './native.js';
import { defineGlobal, finishInterface } from './define.js';
import { bytesOf } from './encoding.js';

const RANDOM_BYTES_MAX = 65536;

/** In the order of `enum digest_algorithm` in runner/digest.h. */
const HASHES = ['SHA-1', 'SHA-256', 'SHA-384', 'SHA-512'];
const HASH_BLOCK_BYTES = [64, 64, 128, 128];
const JWK_ALGORITHMS = ['HS1', 'HS256', 'HS384', 'HS512'];

const INTEGER_ARRAYS = [
  Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, BigInt64Array, BigUint64Array,
];

const fail = (name, message) => new DOMException(message, name);

function nameOf(algorithm) {
  return `${typeof algorithm === 'string' ? algorithm : algorithm?.name}`.toUpperCase();
}

function hashIndex(hash) {
  const index = HASHES.indexOf(nameOf(hash));
  if (index < 0) throw fail('NotSupportedError', `the hash "${nameOf(hash)}" is not supported; use ${HASHES.join(', ')}`);
  return index;
}

function requireHmac(algorithm) {
  if (nameOf(algorithm) !== 'HMAC') {
    throw fail('NotSupportedError', `the algorithm "${nameOf(algorithm)}" is not supported; only HMAC is`);
  }
}

function toBase64Url(bytes) {
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

function fromBase64Url(text) {
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

const secrets = new WeakMap();
const CREATE = Symbol('create');

class CryptoKey {
  #fields;

  constructor(create, secret, hash, extractable, usages) {
    if (create !== CREATE) throw new TypeError('CryptoKey cannot be constructed; use crypto.subtle');
    secrets.set(this, { secret, hash });
    const algorithm = { name: 'HMAC', hash: { name: HASHES[hash] }, length: secret.length * 8 };
    this.#fields = { extractable: Boolean(extractable), usages: [...usages], algorithm };
  }

  get type() {
    return 'secret';
  }

  get extractable() {
    return this.#fields.extractable;
  }

  get algorithm() {
    return this.#fields.algorithm;
  }

  get usages() {
    return this.#fields.usages;
  }
}

function createKey(secret, hash, extractable, usages) {
  const list = [...usages];
  const wrong = list.find((usage) => usage !== 'sign' && usage !== 'verify');
  if (wrong !== undefined) throw fail('SyntaxError', `an HMAC key cannot be used to ${wrong}`);
  if (list.length === 0) throw fail('SyntaxError', 'a key needs at least one usage');
  if (secret.length === 0) throw fail('DataError', 'an HMAC key cannot be empty');
  return new CryptoKey(CREATE, secret, hash, extractable, list);
}

function secretFrom(format, data) {
  if (format === 'raw') return bytesOf(data, 'the key').slice();
  if (format !== 'jwk') throw fail('NotSupportedError', `the key format "${format}" is not supported; use raw or jwk`);
  if (data?.kty !== 'oct' || typeof data.k !== 'string') throw fail('DataError', 'the JWK is not a symmetric key');
  return fromBase64Url(data.k);
}

function keyFor(algorithm, key, usage) {
  requireHmac(algorithm);
  if (!(key instanceof CryptoKey)) throw new TypeError('the key must be a CryptoKey');
  if (!key.usages.includes(usage)) throw fail('InvalidAccessError', `the key does not allow to ${usage}`);
  return secrets.get(key);
}

/** Compares in a time that depends on the lengths only. */
function equal(a, b) {
  let difference = a.length ^ b.length;
  for (let at = 0; at < a.length; at++) difference |= a[at] ^ (b[at] ?? 0);
  return difference === 0;
}

class SubtleCrypto {
  async digest(algorithm, data) {
    return host.digest(hashIndex(algorithm), bytesOf(data, 'the data')).buffer;
  }

  async importKey(format, data, algorithm, extractable, usages) {
    requireHmac(algorithm);
    return createKey(secretFrom(format, data), hashIndex(algorithm.hash), extractable, usages);
  }

  async exportKey(format, key) {
    if (!(key instanceof CryptoKey)) throw new TypeError('the key must be a CryptoKey');
    if (!key.extractable) throw fail('InvalidAccessError', 'the key is not extractable');
    const { secret, hash } = secrets.get(key);
    if (format === 'raw') return secret.slice().buffer;
    if (format !== 'jwk') throw fail('NotSupportedError', `the key format "${format}" is not supported; use raw or jwk`);
    return { kty: 'oct', k: toBase64Url(secret), alg: JWK_ALGORITHMS[hash], key_ops: key.usages, ext: true };
  }

  async generateKey(algorithm, extractable, usages) {
    requireHmac(algorithm);
    const hash = hashIndex(algorithm.hash);
    const secret = new Uint8Array(algorithm.length ? Math.ceil(algorithm.length / 8) : HASH_BLOCK_BYTES[hash]);
    host.fillRandom(secret);
    return createKey(secret, hash, extractable, usages);
  }

  async sign(algorithm, key, data) {
    const { secret, hash } = keyFor(algorithm, key, 'sign');
    return host.hmac(hash, secret, bytesOf(data, 'the data')).buffer;
  }

  async verify(algorithm, key, signature, data) {
    const { secret, hash } = keyFor(algorithm, key, 'verify');
    return equal(host.hmac(hash, secret, bytesOf(data, 'the data')), bytesOf(signature, 'the signature'));
  }
}

for (const name of ['encrypt', 'decrypt', 'deriveBits', 'deriveKey', 'wrapKey', 'unwrapKey']) {
  const method = async () => {
    throw fail('NotSupportedError', `crypto.subtle.${name} is not supported; digests and HMAC are`);
  };
  Object.defineProperty(SubtleCrypto.prototype, name, { value: method, writable: true, configurable: true });
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

class Crypto {
  #subtle = new SubtleCrypto();

  get subtle() {
    return this.#subtle;
  }

  getRandomValues(array) {
    if (!INTEGER_ARRAYS.some((type) => array instanceof type)) {
      throw fail('TypeMismatchError', 'getRandomValues fills a typed array of integers');
    }
    if (array.byteLength > RANDOM_BYTES_MAX) {
      throw fail('QuotaExceededError', `getRandomValues gives at most ${RANDOM_BYTES_MAX} bytes, not ${array.byteLength}`);
    }
    host.fillRandom(bytesOf(array));
    return array;
  }

  randomUUID() {
    const bytes = new Uint8Array(16);
    host.fillRandom(bytes);
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    const hex = (from, to) => Array.from(bytes.subarray(from, to), (byte) => HEX[byte]).join('');
    return `${hex(0, 4)}-${hex(4, 6)}-${hex(6, 8)}-${hex(8, 10)}-${hex(10, 16)}`;
  }
}

export function installCrypto() {
  for (const constructor of [Crypto, SubtleCrypto, CryptoKey]) {
    finishInterface(constructor);
    defineGlobal(constructor.name, constructor);
  }
  defineGlobal('crypto', new Crypto());
}
