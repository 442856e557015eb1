/* What the prelude calls in C: the host's imports, and work that is too slow in JavaScript.
 *
 * The prelude checks and converts arguments before it calls; what is left here are conversions that cannot fail but for
 * memory. Bytes are always passed as a Uint8Array. */
#include "bindings.h"

#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "clock.h"
#include "digest.h"
#include "environment.h"
#include "guest.h"
#include "host.h"
#include "json_out.h"
#include "text.h"
#include "timers.h"

#define BINDING(name)                                                                                        \
    static JSValue name(JSContext *ctx, [[maybe_unused]] JSValueConst self, [[maybe_unused]] int argc,       \
                        [[maybe_unused]] JSValueConst *argv)

static const double NANOSECONDS_PER_MS = 1e6;

/* ---- output ---- */

/* writeLog(stream, text) */
BINDING(write_log)
{
    int32_t stream;
    size_t length;
    if (JS_ToInt32(ctx, &stream, argv[0]) < 0)
        return JS_EXCEPTION;
    const char *text = text_of(ctx, argv[1], &length);
    if (!text)
        return JS_EXCEPTION;
    if (guest.in_run)
        host_write_log(stream, text, length);
    JS_FreeCString(ctx, text);
    return JS_UNDEFINED;
}

/* publish(formats): throws a TypeError with the host's reason */
BINDING(publish)
{
    struct buffer json = {0};
    struct host_text why;
    JSValue outcome = JS_EXCEPTION;
    if (json_write(ctx, argv[0], "formats", &json)) {
        bool accepted = host_publish(json.bytes, json.length, &why);
        outcome = accepted ? JS_UNDEFINED : JS_ThrowTypeError(ctx, "display: %.*s", (int)why.length, why.bytes);
    }
    buffer_free(&json);
    return outcome;
}

/* exit(code): ends the run by an exception that the script cannot catch */
BINDING(exit_run)
{
    if (JS_ToInt32(ctx, &guest.exit_code, argv[0]) < 0)
        return JS_EXCEPTION;
    guest.exit_requested = true;
    JSValue error = JS_NewInternalError(ctx, "process.exit");
    JS_SetUncatchableError(ctx, error);
    return JS_Throw(ctx, error);
}

/* ---- time, randomness, environment ---- */

BINDING(now_ms) { return JS_NewFloat64(ctx, (double)host_now_ns() / NANOSECONDS_PER_MS); }
BINDING(monotonic_ms) { return JS_NewFloat64(ctx, (double)clock_monotonic_ns() / NANOSECONDS_PER_MS); }
BINDING(monotonic_ns) { return JS_NewBigUint64(ctx, clock_monotonic_ns()); }
BINDING(remaining_ms) { return JS_NewFloat64(ctx, (double)host_remaining_ms()); }

/* fillRandom(bytes) */
BINDING(fill_random)
{
    size_t length;
    uint8_t *bytes = JS_GetUint8Array(ctx, &length, argv[0]);
    if (!bytes)
        return JS_EXCEPTION;
    host_random(bytes, length);
    return JS_UNDEFINED;
}

/* environment() -> object */
BINDING(environment) { return environment_object(ctx); }

/* heapSize() */
BINDING(heap_size)
{
    return JS_NewFloat64(ctx, (double)(__builtin_wasm_memory_size(0) * (size_t)65536));
}

/* ---- timers ---- */

/* startTimer(callback, delayMs, repeats, arguments) -> id */
BINDING(start_timer)
{
    double delay;
    if (JS_ToFloat64(ctx, &delay, argv[1]) < 0)
        return JS_EXCEPTION;
    uint32_t id = timers_start(ctx, argv[0], delay, JS_ToBool(ctx, argv[2]) > 0, argv[3]);
    return id ? JS_NewUint32(ctx, id) : JS_EXCEPTION;
}

/* stopTimer(id) */
BINDING(stop_timer)
{
    double id;
    if (JS_ToFloat64(ctx, &id, argv[0]) < 0)
        return JS_EXCEPTION;
    if (id > 0 && id <= UINT32_MAX)
        timers_stop(ctx, (uint32_t)id);
    return JS_UNDEFINED;
}

/* ---- text ---- */

/* encodeUtf8(text) -> Uint8Array */
BINDING(encode_utf8)
{
    size_t length;
    const char *text = text_of(ctx, argv[0], &length);
    if (!text)
        return JS_EXCEPTION;
    JSValue bytes = JS_NewUint8ArrayCopy(ctx, (const uint8_t *)text, length);
    JS_FreeCString(ctx, text);
    return bytes;
}

/* encodeUtf8Into(text, bytes) -> {read, written} */
BINDING(encode_utf8_into)
{
    size_t length, room, units;
    uint8_t *bytes = JS_GetUint8Array(ctx, &room, argv[1]);
    const char *text = bytes ? text_of(ctx, argv[0], &length) : NULL;
    if (!text)
        return JS_EXCEPTION;
    size_t written = text_copy_whole(bytes, room, text, length, &units);
    JS_FreeCString(ctx, text);
    JSValue result = JS_NewObject(ctx);
    JS_DefinePropertyValueStr(ctx, result, "read", JS_NewInt64(ctx, (int64_t)units), JS_PROP_C_W_E);
    JS_DefinePropertyValueStr(ctx, result, "written", JS_NewInt64(ctx, (int64_t)written), JS_PROP_C_W_E);
    return result;
}

/* decodeUtf8(bytes, fatal) -> text */
BINDING(decode_utf8)
{
    size_t length;
    uint8_t *bytes = JS_GetUint8Array(ctx, &length, argv[0]);
    return bytes ? text_decode_utf8(ctx, bytes, length, JS_ToBool(ctx, argv[1]) > 0) : JS_EXCEPTION;
}

/* incompleteTail(bytes) -> 0 to 3 */
BINDING(incomplete_tail)
{
    size_t length;
    uint8_t *bytes = JS_GetUint8Array(ctx, &length, argv[0]);
    return bytes ? JS_NewInt32(ctx, (int32_t)text_incomplete_tail(bytes, length)) : JS_EXCEPTION;
}

/* ---- digests ---- */

static enum digest_algorithm algorithm_of(JSContext *ctx, JSValueConst value)
{
    int32_t index = -1;
    JS_ToInt32(ctx, &index, value);
    return index >= 0 && index < DIGEST_COUNT ? (enum digest_algorithm)index : DIGEST_SHA256;
}

/* digest(algorithm, bytes) -> Uint8Array */
BINDING(digest)
{
    uint8_t out[DIGEST_BYTES_MAX];
    size_t length;
    uint8_t *bytes = JS_GetUint8Array(ctx, &length, argv[1]);
    if (!bytes)
        return JS_EXCEPTION;
    size_t size = digest_hash(algorithm_of(ctx, argv[0]), bytes, length, out);
    return JS_NewUint8ArrayCopy(ctx, out, size);
}

/* hmac(algorithm, key, bytes) -> Uint8Array */
BINDING(hmac)
{
    uint8_t out[DIGEST_BYTES_MAX];
    size_t key_length, length;
    uint8_t *key = JS_GetUint8Array(ctx, &key_length, argv[1]);
    uint8_t *bytes = key ? JS_GetUint8Array(ctx, &length, argv[2]) : NULL;
    if (!bytes)
        return JS_EXCEPTION;
    size_t size = digest_hmac(algorithm_of(ctx, argv[0]), key, key_length, bytes, length, out);
    return JS_NewUint8ArrayCopy(ctx, out, size);
}

static const JSCFunctionListEntry BINDINGS[] = {
    JS_CFUNC_DEF("writeLog", 2, write_log),
    JS_CFUNC_DEF("publish", 1, publish),
    JS_CFUNC_DEF("exit", 1, exit_run),
    JS_CFUNC_DEF("nowMs", 0, now_ms),
    JS_CFUNC_DEF("monotonicMs", 0, monotonic_ms),
    JS_CFUNC_DEF("monotonicNs", 0, monotonic_ns),
    JS_CFUNC_DEF("remainingMs", 0, remaining_ms),
    JS_CFUNC_DEF("fillRandom", 1, fill_random),
    JS_CFUNC_DEF("environment", 0, environment),
    JS_CFUNC_DEF("heapSize", 0, heap_size),
    JS_CFUNC_DEF("startTimer", 4, start_timer),
    JS_CFUNC_DEF("stopTimer", 1, stop_timer),
    JS_CFUNC_DEF("encodeUtf8", 1, encode_utf8),
    JS_CFUNC_DEF("encodeUtf8Into", 2, encode_utf8_into),
    JS_CFUNC_DEF("decodeUtf8", 2, decode_utf8),
    JS_CFUNC_DEF("incompleteTail", 1, incomplete_tail),
    JS_CFUNC_DEF("digest", 2, digest),
    JS_CFUNC_DEF("hmac", 3, hmac),
};

JSValue bindings_new(JSContext *ctx)
{
    JSValue bindings = JS_NewObject(ctx);
    JS_SetPropertyFunctionList(ctx, bindings, BINDINGS, sizeof(BINDINGS) / sizeof(BINDINGS[0]));
    return bindings;
}
