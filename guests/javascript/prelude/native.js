// The functions that the runner implements in C (runner/bindings.c).
//
// `native` is the parameter of the function that the bundle becomes (see build.py); user code never sees it.
//
//   writeLog(stream, text)       publish(formats)             exit(code)
//   nowMs() monotonicMs()        monotonicNs() -> bigint      remainingMs()
//   fillRandom(bytes)            environment() -> object      heapSize() -> bytes
//   startTimer(callback, delayMs, repeats, args) -> id        stopTimer(id)
//   encodeUtf8(text) -> bytes    encodeUtf8Into(text, bytes)  decodeUtf8(bytes, fatal)  incompleteTail(bytes)
//   digest(algorithm, bytes)     hmac(algorithm, key, bytes)
/* global native */

export const host = native;

export const STDOUT = 0;
export const STDERR = 1;
