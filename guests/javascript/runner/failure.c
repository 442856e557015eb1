/* Turns the pending exception into name, value and traceback.
 *
 * The wording is the prelude's (prelude/failure.js), which also keeps each part within its size. This file is what stands
 * around it: it keeps memory for the purpose, and has a plainer description of its own for when the prelude's throws
 * because the user replaced what it needs. */
#include "failure.h"

#include <stdio.h>
#include <string.h>

#include "buffer.h"
#include "engine.h"
#include "guest.h"
#include "heap.h"
#include "text.h"

enum { PLAIN_PART_MAX = 4096 };

static struct failure_text literal(const char *text)
{
    return (struct failure_text){text, strlen(text)};
}

static struct failure exit_failure(void)
{
    static char value[16], traceback[128];
    snprintf(value, sizeof(value), "%d", (int)guest.exit_code);
    snprintf(traceback, sizeof(traceback),
             "ProcessExit: the function called process.exit(%d); it ends by returning from its handler\n",
             (int)guest.exit_code);
    return (struct failure){literal("ProcessExit"), literal(value), literal(traceback)};
}

/* ---- the prelude's description ---- */

static struct failure_text part(JSContext *ctx, JSValueConst parts, uint32_t index)
{
    struct failure_text text = {NULL, 0};
    JSValue value = JS_GetPropertyUint32(ctx, parts, index);
    if (JS_IsString(value))
        text.bytes = text_of(ctx, value, &text.length);
    return text;
}

/* False when the prelude threw. */
static bool describe(JSContext *ctx, JSValueConst exception, const char *code, size_t length, struct failure *failure)
{
    JSValue source = JS_NewStringLen(ctx, code, length);
    JSValueConst arguments[] = {exception, source, JS_NewBool(ctx, heap_is_exhausted())};
    JSValue parts = JS_Call(ctx, guest.driver.describe_failure, JS_UNDEFINED, 3, arguments);
    if (JS_IsException(parts)) {
        JS_FreeValue(ctx, JS_GetException(ctx));
        return false;
    }
    *failure = (struct failure){part(ctx, parts, 0), part(ctx, parts, 1), part(ctx, parts, 2)};
    return failure->name.bytes && failure->value.bytes && failure->traceback.bytes;
}

/* ---- the plain one ---- */

/* The text of a value if it is a string; otherwise `fallback`. */
static struct failure_text plain_text(JSContext *ctx, JSValue value, const char *fallback)
{
    struct failure_text text = literal(fallback);
    if (JS_IsException(value))
        JS_FreeValue(ctx, JS_GetException(ctx));
    if (JS_IsString(value))
        text.bytes = text_of(ctx, value, &text.length);
    if (text.length > PLAIN_PART_MAX)
        text.length = PLAIN_PART_MAX;
    while (text.length > 0 && text.length == PLAIN_PART_MAX && (text.bytes[text.length] & 0xC0) == 0x80)
        text.length--; /* not within a character */
    return text;
}

static struct failure_text property_text(JSContext *ctx, JSValueConst object, const char *name, const char *fallback)
{
    return plain_text(ctx, JS_IsObject(object) ? JS_GetPropertyStr(ctx, object, name) : JS_UNDEFINED, fallback);
}

static struct failure describe_plainly(JSContext *ctx, JSValueConst exception)
{
    struct failure_text name = property_text(ctx, exception, "name", "Error");
    struct failure_text value = property_text(ctx, exception, "message", "the function threw what cannot be described");
    struct failure_text frames = plain_text(ctx, engine_frames(ctx, exception), "");
    static struct buffer traceback;
    buffer_append(&traceback, name.bytes, name.length);
    buffer_append_text(&traceback, ": ");
    buffer_append(&traceback, value.bytes, value.length);
    buffer_append_byte(&traceback, '\n');
    buffer_append(&traceback, frames.bytes, frames.length);
    if (traceback.failed)
        return (struct failure){name, value, value};
    return (struct failure){name, value, {traceback.bytes, traceback.length}};
}

struct failure failure_take(JSContext *ctx, const char *code, size_t length)
{
    struct failure failure;
    JSValue exception = JS_GetException(ctx);
    if (guest.exit_requested)
        return exit_failure();
    heap_release_reserve();
    if (JS_VALUE_GET_TAG(exception) == JS_TAG_UNINITIALIZED)
        exception = JS_NULL; /* no memory was left to make an exception of that */
    return describe(ctx, exception, code, length, &failure) ? failure : describe_plainly(ctx, exception);
}
