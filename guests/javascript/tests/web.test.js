// The web's and Node's globals. Where Node has the same, its answer is the expected one.

import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { test } from 'node:test';
import { evaluate, run } from './guest.js';

/** The same body in Node and in the guest. */
async function same(body) {
  const expected = await new Function(`return (async () => { ${body} })();`)();
  assert.deepEqual(evaluate(body), JSON.parse(JSON.stringify(expected ?? null)));
}

const throwsIn = (body) => evaluate(`try { ${body} } catch (e) { return e.name; } return 'nothing thrown';`);

for (const [href, base] of [
  ['https://user:pa%20ss@example.com:8080/a/./b/../c?x=1&y=%20#h'], ['../x?q', 'http://a.com/b/c/d'], ['//other/p', 'https://a.com'], ['http://EXAMPLE.com:80/%7Efoo'],
  ['file:///etc/../passwd'], ['http://[::1]:3000/'], ['http://0x7f.1/'], ['mailto:a@b.c'], ['data:text/plain,hi there'], ['http://ex.com/ä€?ü=ö'], ['javascript:alert(1)'],
]) {
  test(`URL ${href}`, () => same(`const u = new URL(${JSON.stringify(href)}, ${JSON.stringify(base)}); return [u.href, u.origin, u.protocol, u.username, u.password, u.host, u.hostname, u.port, u.pathname, u.search, u.hash, [...u.searchParams]];`));
}

test('URL setters, canParse and errors', async () => {
  await same('const u = new URL("http://a/b"); u.searchParams.append("k", "v w"); u.hash = "x"; u.port = "81"; u.pathname = "/ä"; return [u.toString(), JSON.stringify({ u })];');
  await same('return [URL.canParse("http://a"), URL.canParse("nope"), URL.canParse("x", "http://a")];');
  assert.equal(throwsIn('new URL("nope");'), 'TypeError');
});

test('URLSearchParams', async () => {
  await same('const p = new URLSearchParams("?a=1&b=2&a=3&c=%20+%C3%A4"); p.sort(); return [p.getAll("a"), p.get("c"), p.has("z"), p.toString(), [...p.keys()], p.size];');
  await same('return [new URLSearchParams({ a: 1, b: "x y" }).toString(), new URLSearchParams([["k", "v"], ["k", "w"]]).toString()];');
  await same('const p = new URLSearchParams("a=1"); p.set("b", "&="); p.delete("a"); const o = {}; p.forEach((v, k) => { o[k] = v; }); return [o, Object.fromEntries(p)];');
});

test('TextEncoder', async () => {
  await same('return [...new TextEncoder().encode("aä€😀\\ud800")];');
  await same('const b = new Uint8Array(6); const r = new TextEncoder().encodeInto("aä😀b", b); return [r, [...b]];');
  await same('return [new TextEncoder().encoding, new TextEncoder().encode().length, [...new TextEncoder().encode(5)]];');
});

const BYTES = [
  [], [0x61], [0xc3, 0xa4], [0xe2, 0x82, 0xac], [0xf0, 0x9f, 0x98, 0x80], [0xff], [0xc3], [0xe2, 0x82], [0xf0, 0x9f, 0x98], [0xed, 0xa0, 0x80], [0xc0, 0x80],
  [0xf4, 0x90, 0x80, 0x80], [0xe0, 0x80, 0x80], [0x61, 0xe2, 0x62], [0xf0, 0x9f, 0x61], [0xef, 0xbb, 0xbf, 0x61], [0x80, 0x61], [0xf5, 0x61], [0x61, 0xc3, 0xa4, 0xff, 0xe2],
];

test('TextDecoder replaces what is ill-formed exactly as the standard says', () =>
  same(`return ${JSON.stringify(BYTES)}.map((b) => new TextDecoder().decode(new Uint8Array(b)));`));

test('TextDecoder, fatal', () =>
  same(`return ${JSON.stringify(BYTES)}.map((b) => { try { return new TextDecoder('utf-8', { fatal: true }).decode(new Uint8Array(b)); } catch (e) { return e.name; } });`));

test('TextDecoder, random bytes', () =>
  same(`let seed = 7; const next = () => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) >> 16; const out = [];
    for (let i = 0; i < 300; i++) { const b = Uint8Array.from({ length: 12 }, () => (next() % 3 ? 0x80 | (next() & 0x7f) : next() & 0xff)); out.push(new TextDecoder().decode(b)); } return out;`));

test('TextDecoder, in pieces of any size', () =>
  same(`const bytes = new TextEncoder().encode('\\uFEFFaä€😀z'); const out = [];
    for (const size of [1, 2, 3, 5]) { const d = new TextDecoder(); let s = ''; for (let i = 0; i < bytes.length; i += size) s += d.decode(bytes.subarray(i, i + size), { stream: true }); out.push(s + d.decode()); }
    const cut = new TextDecoder(); out.push(cut.decode(bytes.subarray(0, 9), { stream: true }) + cut.decode()); return out;`));

test('TextDecoder, other encodings', async () => {
  await same('return [new TextDecoder("utf-16le").decode(new Uint8Array([0x61, 0, 0x3d, 0xd8, 0x00, 0xde])), new TextDecoder("ucs-2").encoding, new TextDecoder("utf-16").decode(new Uint8Array([0xff, 0xfe, 0x61, 0]))];');
  await same('return [new TextDecoder("latin1").encoding, new TextDecoder(" UTF8 ").encoding];');
  assert.equal(evaluate('return new TextDecoder("latin1").decode(new Uint8Array([0x80, 0xe4, 0x41]));'), '€äA');
  await same('return [new TextDecoder("utf-8", { ignoreBOM: true }).decode(new Uint8Array([0xef, 0xbb, 0xbf, 0x61])).length, new TextDecoder().decode(new Uint16Array([0x4141]).buffer)];');
  await same('const d = new TextDecoder("utf-16le"); return d.decode(new Uint8Array([0x3d]), { stream: true }) + d.decode(new Uint8Array([0xd8, 0]), { stream: true }) + d.decode(new Uint8Array([0xde]));');
  assert.equal(throwsIn('new TextDecoder("shift_jis");'), 'RangeError');
  assert.equal(throwsIn('new TextDecoder().decode("text");'), 'TypeError');
});

test('structuredClone', async () => {
  await same('const a = { d: new Date(5), m: new Map([[1, { x: [1] }]]), s: new Set([1]), r: /x/gi, b: new Uint8Array([1, 2]), n: null, u: undefined, e: new RangeError("x") }; a.self = a; const c = structuredClone(a); return [c.d.getTime(), [...c.m], [...c.s], String(c.r), [...c.b], c.n, "u" in c, c.self === c, c !== a, c.e.name, c.e.message, c.e instanceof RangeError];');
  assert.equal(throwsIn('structuredClone(() => {});'), 'DataCloneError');
  assert.equal(throwsIn('structuredClone(Symbol());'), 'DataCloneError');
});

test('base64', async () => {
  await same('return [btoa("hello"), atob("aGVsbG8="), atob(" aGVs bG8 "), btoa("\\xff\\x00"), atob("")];');
  assert.equal(throwsIn('btoa("€");'), 'InvalidCharacterError');
  assert.equal(throwsIn('atob("a");'), 'InvalidCharacterError');
});

const ALGORITHMS = { 'SHA-1': 'sha1', 'SHA-256': 'sha256', 'SHA-384': 'sha384', 'SHA-512': 'sha512' };
const LENGTHS = [0, 1, 3, 55, 56, 63, 64, 65, 111, 112, 119, 127, 128, 129, 239, 240, 1000];
const pattern = (length) => Uint8Array.from({ length }, (_, i) => (i * 31 + 7) & 0xff);

for (const [name, node] of Object.entries(ALGORITHMS)) {
  test(`digest ${name}`, () => {
    const found = evaluate(`const hex = (b) => Array.from(new Uint8Array(b), (x) => x.toString(16).padStart(2, '0')).join('');
      return Promise.all(${JSON.stringify(LENGTHS)}.map(async (n) => hex(await crypto.subtle.digest('${name}', Uint8Array.from({ length: n }, (_, i) => (i * 31 + 7) & 0xff)))));`);
    assert.deepEqual(found, LENGTHS.map((length) => createHash(node).update(pattern(length)).digest('hex')));
  });

  test(`HMAC ${name}`, () => {
    const found = evaluate(`const hex = (b) => Array.from(new Uint8Array(b), (x) => x.toString(16).padStart(2, '0')).join(''); const bytes = (n) => Uint8Array.from({ length: n }, (_, i) => (i * 31 + 7) & 0xff);
      return Promise.all([1, 20, 64, 65, 128, 129, 200].map(async (n) => { const key = await crypto.subtle.importKey('raw', bytes(n), { name: 'HMAC', hash: '${name}' }, false, ['sign']); return hex(await crypto.subtle.sign('HMAC', key, bytes(100))); }));`);
    assert.deepEqual(found, [1, 20, 64, 65, 128, 129, 200].map((n) => createHmac(node, pattern(n)).update(pattern(100)).digest('hex')));
  });
}

test('HMAC keys: verify, jwk, usages', () => {
  assert.deepEqual(
    evaluate(`const data = new TextEncoder().encode('data'); const key = await crypto.subtle.generateKey({ name: 'HMAC', hash: 'SHA-256' }, true, ['sign', 'verify']);
      const signature = await crypto.subtle.sign('HMAC', key, data); const jwk = await crypto.subtle.exportKey('jwk', key);
      const again = await crypto.subtle.importKey('jwk', jwk, { name: 'HMAC', hash: { name: 'SHA-256' } }, false, ['verify']);
      const wrong = new Uint8Array(signature.slice(0)); wrong[0] ^= 1;
      const refused = await crypto.subtle.sign('HMAC', again, data).catch((e) => e.name);
      const kept = await crypto.subtle.exportKey('raw', again).catch((e) => e.name);
      return [await crypto.subtle.verify('HMAC', again, signature, data), await crypto.subtle.verify('HMAC', again, wrong, data), await crypto.subtle.verify('HMAC', again, new Uint8Array(0), data), refused, kept, jwk.alg, (await crypto.subtle.exportKey('raw', key)).byteLength, String(key), key.algorithm];`),
    [true, false, false, 'InvalidAccessError', 'InvalidAccessError', 'HS256', 64, '[object CryptoKey]', { name: 'HMAC', hash: { name: 'SHA-256' }, length: 512 }],
  );
});

test('what crypto lacks rejects with NotSupportedError', () => {
  assert.equal(evaluate('return crypto.subtle.encrypt({ name: "AES-GCM" }).catch((e) => e.name);'), 'NotSupportedError');
  assert.equal(evaluate('return crypto.subtle.digest("MD5", new Uint8Array(1)).catch((e) => e.name);'), 'NotSupportedError');
  assert.equal(evaluate('return crypto.subtle.importKey("raw", new Uint8Array(1), "AES-GCM", true, []).catch((e) => e.name);'), 'NotSupportedError');
});

test('randomness is fresh in every run', () => {
  const body = 'return [Math.random(), crypto.randomUUID(), [...crypto.getRandomValues(new Uint32Array(4))].join()];';
  const first = evaluate(body, { once: true });
  const second = evaluate(body, { once: true });
  for (let i = 0; i < 3; i++) assert.notEqual(first[i], second[i]);
  assert.match(first[1], /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.ok(evaluate('return Array.from({ length: 1000 }, Math.random).every((x) => x >= 0 && x < 1);'));
  assert.equal(throwsIn('crypto.getRandomValues(new Uint8Array(65537));'), 'QuotaExceededError');
  assert.equal(throwsIn('crypto.getRandomValues(new Float32Array(1));'), 'TypeMismatchError');
});

test('the clock is the host', () => {
  assert.equal(evaluate('return Date.now();'), 1_700_000_000_123);
  assert.equal(evaluate('return new Date().toISOString();'), '2023-11-14T22:13:20.123Z');
  assert.equal(evaluate('const t = performance.now(); await new Promise((r) => setTimeout(r, 40)); return performance.now() - t;'), 40);
  assert.equal(evaluate('return performance.timeOrigin;'), 1_700_000_000_123);
  assert.equal(evaluate('return new Date(2020, 0, 1).getTimezoneOffset();'), 0);
  assert.equal(evaluate('const t = process.hrtime(); await new Promise((r) => setTimeout(r, 1500)); return process.hrtime(t);')[0], 1);
});

test('AbortController and AbortSignal', async () => {
  await same('const c = new AbortController(); let n = 0; c.signal.addEventListener("abort", () => n++); c.signal.onabort = () => { n += 10; }; c.abort(); c.abort(); return [n, c.signal.aborted, c.signal.reason.name, c.signal.reason instanceof DOMException];');
  await same('const c = new AbortController(); c.abort("why"); try { c.signal.throwIfAborted(); } catch (e) { return e; }');
  await same('const a = new AbortController(); const any = AbortSignal.any([a.signal, new AbortController().signal]); let got; any.addEventListener("abort", () => { got = any.reason; }); a.abort(7); return [got, any.aborted, AbortSignal.abort(1).reason];');
  assert.equal(evaluate('const s = AbortSignal.timeout(50); return new Promise((r) => s.addEventListener("abort", () => r(s.reason.name)));'), 'TimeoutError');
  await same('try { new AbortSignal(); } catch (e) { return e.name; }');
});

test('Event and EventTarget', async () => {
  await same('const t = new EventTarget(); const log = []; const f = (e) => log.push(e.type); t.addEventListener("a", f); t.addEventListener("a", f); t.addEventListener("a", { handleEvent(e) { log.push("object", e.target === t); } }, { once: true }); t.dispatchEvent(new Event("a")); t.dispatchEvent(new Event("a")); t.removeEventListener("a", f); t.dispatchEvent(new Event("a")); return log;');
  await same('const t = new EventTarget(); t.addEventListener("x", (e) => e.preventDefault()); const e = new CustomEvent("x", { cancelable: true, detail: { n: 1 } }); return [t.dispatchEvent(e), e.defaultPrevented, e.detail, e.isTrusted, e.bubbles];');
  await same('const t = new EventTarget(); const c = new AbortController(); let n = 0; t.addEventListener("x", () => n++, { signal: c.signal }); t.dispatchEvent(new Event("x")); c.abort(); t.dispatchEvent(new Event("x")); return n;');
  await same('const t = new EventTarget(); const log = []; t.addEventListener("x", (e) => { log.push(1); e.stopImmediatePropagation(); }); t.addEventListener("x", () => log.push(2)); t.dispatchEvent(new Event("x")); return log;');
  const { stderr, value } = run('exports.handler = () => { const t = new EventTarget(); t.addEventListener("x", () => { throw new Error("in listener"); }); t.dispatchEvent(new Event("x")); return "went on"; };');
  assert.equal(value, 'went on');
  assert.match(stderr, /^Uncaught Error: in listener/);
});

test('DOMException', () => same('const e = new DOMException("m", "NotFoundError"); return [e.name, e.message, e.code, e instanceof Error, String(e), DOMException.ABORT_ERR];'));

test('fetch says that there is no network', () => {
  assert.deepEqual(evaluate('return fetch("https://example.com/").catch((e) => [e.name, e.message, e.cause.code]);'), [
    'TypeError', 'fetch failed: network access is not granted (https://example.com/)', 'ENETUNREACH',
  ]);
});

test('environment variables', () => {
  const environment = { HKS_FUNCTION_NAME: 'f', EMPTY: '', UNICODE: 'ä€' };
  assert.deepEqual(evaluate('return { ...process.env };', { environment }), environment);
  assert.equal(evaluate('process.env.NEW = "x"; return process.env.NEW + process.env.MISSING;'), 'xundefined');
});

test('process', () => {
  const facts = evaluate('return [process.argv.length, process.cwd(), process.platform, typeof process.versions.node, process.memoryUsage().rss > 0, process.on("exit", () => {}) === process, typeof process.uptime()];');
  assert.deepEqual(facts, [2, '/', 'linux', 'undefined', true, true, 'number']);
});

test('globals are like built-ins', () => {
  assert.deepEqual(evaluate('return Object.keys(globalThis);'), []);
  assert.equal(evaluate('return [global, self].every((x) => x === globalThis);'), true);
  assert.deepEqual(evaluate('return ["Atomics", "__core-js_shared__", "native", "prelude", "exports", "module", "require", "bootstrap"].filter((name) => name in globalThis);'), []);
  assert.equal(evaluate('const URL = 1; const crypto = 2; return URL + crypto;'), 3);
  assert.match(evaluate('return String(URL) + String(console.log);'), /\[native code\]/);
});

test('the language is modern', () => {
  assert.deepEqual(evaluate('return [Object.groupBy([1, 2, 3], (x) => (x % 2 ? "odd" : "even")), [3, 1].toSorted(), "x".isWellFormed(), Array.fromAsync ? 1 : 0, new Set([1]).union(new Set([2])).size, /(?<y>\\d{4})/.exec("in 2024").groups.y, 2n ** 64n + "", [1, 2].at(-1), Promise.withResolvers ? 1 : 0, structuredClone(1n) + ""];'), [
    { odd: [1, 3], even: [2] }, [1, 3], true, 1, 2, '2024', '18446744073709551616', 2, 1, '1',
  ]);
  assert.equal(evaluate('return "Straße ÄÖ".normalize("NFD").replace(/\\p{M}/gu, "").toUpperCase();'), 'STRASSE AO');
});
