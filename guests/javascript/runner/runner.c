/* The guest's two entry points: one that makes the interpreter before the snapshot, one that runs a handler in it.
 *
 * A run takes the snapshot's interpreter as it is, evaluates the source, calls the handler with the event and waits for
 * what it returns. The instance is dropped afterwards, so nothing is freed and nothing is reset.
 *
 * Limits are the host's: fuel, deadline and memory. The runner's own are the depth of the stack, which has to become a
 * RangeError before it becomes a trap, and the sizes in failure and json_out. */
#include <stdlib.h>
#include <string.h>

#include "bindings.h"
#include "engine.h"
#include "failure.h"
#include "guest.h"
#include "heap.h"
#include "host.h"
#include "json_out.h"
#include "loop.h"
#include "program.h"

struct guest guest;

enum {
    /* Of the 1 MiB of stack that build.py links, and so much that the host's 2 MiB are not used up before: see
       engine_patch.py. */
    JS_STACK_BYTES = 512 * 1024,
    /* Cycles are collected when the heap has grown by this much: a small run never pays for a collection, which would
       also write to every page of the snapshot. */
    GC_HEADROOM_BYTES = 16 << 20,
};

/* Writable, so that it can be cleared once it is compiled: zeros cost nothing in the snapshot. */
static char prelude_source[] = {
#embed "prelude.js"
    , 0};

JSValue guest_throw_named(JSContext *ctx, const char *name, const char *message)
{
    JSValue error = JS_NewError(ctx);
    int flags = JS_PROP_CONFIGURABLE | JS_PROP_WRITABLE;
    JS_DefinePropertyValueStr(ctx, error, "name", JS_NewString(ctx, name), flags);
    JS_DefinePropertyValueStr(ctx, error, "message", JS_NewString(ctx, message), flags);
    return JS_Throw(ctx, error);
}

/* ---- before the snapshot ---- */

/* The prelude as a function, without its source text. */
static JSValue compile_prelude(JSContext *ctx)
{
    size_t size;
    JSValue compiled = engine_compile(ctx, prelude_source, sizeof(prelude_source) - 1, "prelude.js", 1,
                                      JS_EVAL_TYPE_GLOBAL);
    uint8_t *bytecode = JS_WriteObject(ctx, &size, compiled, JS_WRITE_OBJ_BYTECODE | JS_WRITE_OBJ_STRIP_SOURCE);
    JS_FreeValue(ctx, compiled);
    if (!bytecode)
        return JS_EXCEPTION;
    JSValue stripped = JS_ReadObject(ctx, bytecode, size, JS_READ_OBJ_BYTECODE);
    js_free(ctx, bytecode);
    memset(prelude_source, 0, sizeof(prelude_source));
    return JS_EvalFunction(ctx, stripped);
}

static struct driver driver_from(JSContext *ctx, JSValueConst object)
{
    return (struct driver){
        .describe_failure = JS_GetPropertyStr(ctx, object, "describeFailure"),
        .missing_handler = JS_GetPropertyStr(ctx, object, "missingHandler"),
        .missing_module = JS_GetPropertyStr(ctx, object, "missingModule"),
        .report_rejection = JS_GetPropertyStr(ctx, object, "reportRejection"),
        .make_require = JS_GetPropertyStr(ctx, object, "makeRequire"),
        .context_prototype = JS_GetPropertyStr(ctx, object, "contextPrototype"),
    };
}

/* A prelude that throws is a fault of the build. The tests' host prints this; the packer refuses the call by its name. */
static _Noreturn void give_up(JSContext *ctx)
{
    JSValue error = JS_GetException(ctx), stack = JS_GetPropertyStr(ctx, error, "stack");
    for (int i = 0; i < 2; i++) {
        const char *text = JS_ToCString(ctx, i == 0 ? error : stack);
        host_write_log(HOST_STDERR, text, text ? strlen(text) : 0);
    }
    __builtin_trap();
}

static void load_prelude(JSContext *ctx)
{
    JSValue prelude = compile_prelude(ctx);
    JSValue bindings = bindings_new(ctx);
    JSValueConst arguments[] = {bindings};
    JSValue driver = JS_Call(ctx, prelude, JS_UNDEFINED, 1, arguments);
    if (JS_IsException(driver))
        give_up(ctx);
    guest.driver = driver_from(ctx, driver);
    JS_FreeValue(ctx, driver);
    JS_FreeValue(ctx, bindings);
    JS_FreeValue(ctx, prelude);
}

/* Called once at build time; what the memory holds when it returns is what every run starts from. */
__attribute__((export_name("wizer-initialize"))) void initialise(void)
{
    guest.rt = JS_NewRuntime();
    JS_SetMaxStackSize(guest.rt, JS_STACK_BYTES);
    guest.ctx = JS_NewContext(guest.rt);
    json_initialise(guest.ctx);
    loop_initialise(guest.rt);
    program_initialise(guest.rt);
    load_prelude(guest.ctx);
    JS_RunGC(guest.rt);
    JS_SetGCThreshold(guest.rt, engine_heap_size(guest.rt) + GC_HEADROOM_BYTES);
    heap_prepare_for_snapshot();
}

/* ---- a run ---- */

static void begin_run(JSContext *ctx)
{
    uint64_t seed;
    guest.in_run = true;
    JS_UpdateStackTop(guest.rt);
    host_random(&seed, sizeof(seed));
    engine_seed_random(ctx, seed);
}

static JSValue parse_context(JSContext *ctx, struct host_text context)
{
    JSValue object = JS_ParseJSON(ctx, context.bytes, context.length, "context");
    if (JS_IsObject(object))
        JS_SetPrototype(ctx, object, guest.driver.context_prototype);
    return object;
}

static JSValue call_handler(JSContext *ctx, const struct program *program, struct host_text event,
                            struct host_text context)
{
    JSValue arguments[] = {JS_ParseJSON(ctx, event.bytes, event.length, "event"), parse_context(ctx, context)};
    if (JS_IsException(arguments[0]) || JS_IsException(arguments[1]))
        return JS_EXCEPTION;
    JSValue returned = JS_Call(ctx, program->handler, program->receiver, 2, (JSValueConst *)arguments);
    if (JS_IsException(returned))
        return returned;
    return loop_settle(ctx, returned, "the promise that the handler returned");
}

static bool run(JSContext *ctx, struct host_text code, struct host_text event, struct host_text context,
                struct buffer *result)
{
    struct program program;
    if (!program_load(ctx, code.bytes, code.length, &program))
        return false;
    JSValue value = call_handler(ctx, &program, event, context);
    return !JS_IsException(value) && json_write(ctx, value, "result", result);
}

/* `result<string, failure>` as the canonical ABI lays it out. */
struct outcome {
    uint8_t is_failure;
    union {
        struct failure_text result;
        struct failure failure;
    };
};

__attribute__((export_name("hks:function/interpret@0.1.0#run"))) struct outcome *
export_run(char *code, size_t code_length, char *event, size_t event_length, char *context, size_t context_length)
{
    static struct outcome outcome;
    struct buffer result = {0};
    begin_run(guest.ctx);
    bool returned = run(guest.ctx, (struct host_text){code, code_length}, (struct host_text){event, event_length},
                        (struct host_text){context, context_length}, &result);
    outcome.is_failure = !returned;
    if (returned)
        outcome.result = (struct failure_text){result.bytes, result.length};
    else
        outcome.failure = failure_take(guest.ctx, code, code_length);
    return &outcome;
}
