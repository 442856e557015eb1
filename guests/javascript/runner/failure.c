/* Turns the pending exception into name, value and traceback.
 *
 * The wording is the prelude's (prelude/failure.js), which also keeps each part within its size. This file is what stands
 * around it: it keeps memory for the purpose, and has words of its own for exceptions so broken that describing them
 * throws again. */
#include "failure.h"

#include <stdio.h>
#include <string.h>

#include "guest.h"
#include "heap.h"
#include "text.h"

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

static struct failure undescribable(void)
{
    return (struct failure){
        literal("Error"),
        literal("the function threw something that cannot be described"),
        literal("the function threw something that cannot be described: reading its name, message or stack threw again\n"),
    };
}

static struct failure_text part(JSContext *ctx, JSValueConst parts, uint32_t index)
{
    struct failure_text text = {NULL, 0};
    JSValue value = JS_GetPropertyUint32(ctx, parts, index);
    if (JS_IsString(value))
        text.bytes = text_of(ctx, value, &text.length);
    return text;
}

static struct failure describe(JSContext *ctx, JSValueConst exception, const char *code, size_t length)
{
    JSValue source = JS_NewStringLen(ctx, code, length);
    JSValueConst arguments[] = {exception, source};
    JSValue parts = JS_Call(ctx, guest.driver.describe_failure, JS_UNDEFINED, 2, arguments);
    if (JS_IsException(parts))
        return undescribable();
    struct failure failure = {part(ctx, parts, 0), part(ctx, parts, 1), part(ctx, parts, 2)};
    return failure.name.bytes && failure.value.bytes && failure.traceback.bytes ? failure : undescribable();
}

struct failure failure_take(JSContext *ctx, const char *code, size_t length)
{
    JSValue exception = JS_GetException(ctx);
    if (guest.exit_requested)
        return exit_failure();
    heap_release_reserve();
    return describe(ctx, exception, code, length);
}
