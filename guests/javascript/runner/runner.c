/* The guest's entry points: one that makes the interpreter before the build's snapshot, and those of the world in it.
 *
 * A run takes the snapshot's interpreter as it is, evaluates the source, calls the handler with the event and waits for
 * what it returns. Load and call are its two halves; between them the host may take a second snapshot, from which many
 * calls start. Promises and timers that the top level left pending stay so until a call, as they do within a run. The
 * instance is dropped afterwards, so nothing is freed and nothing is reset.
 *
 * Limits are the host's: fuel, deadline and memory. The runner's own are the depth of the stack, which has to become a
 * RangeError before it becomes a trap, and the sizes in failure and json_out. */
#include <stdlib.h>
#include <string.h>

#include "bindings.h"
#include "clock.h"
#include "compile.h"
#include "engine.h"
#include "environment.h"
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

/* Garbage is collected now rather than in every run, and the next collection is as far away as ever. */
static void prepare_for_snapshot(enum heap_holes holes)
{
    JS_RunGC(guest.rt);
    JS_SetGCThreshold(guest.rt, engine_heap_size(guest.rt) + GC_HEADROOM_BYTES);
    heap_prepare_for_snapshot(holes);
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
    prepare_for_snapshot(HEAP_HOLES_ABANDONED);
}

/* ---- a run, and its halves ---- */

/* What the snapshot must not share: every entry point begins with it. */
static void begin(JSContext *ctx)
{
    uint64_t seed;
    guest.in_run = true;
    JS_UpdateStackTop(guest.rt);
    host_random(&seed, sizeof(seed));
    engine_seed_random(ctx, seed);
}

/* What the instance was used for. Its globals belong to one source, so it takes no second one. */
static struct {
    enum { UNUSED, TAKEN, LOADED } state;
    struct source source;
    struct program program;
} instance;

static bool take_instance(JSContext *ctx, const struct source *source)
{
    if (instance.state != UNUSED) {
        guest_throw_named(ctx, "InvalidStateError", "this instance was given a source before; each needs one of its own");
        return false;
    }
    instance.state = TAKEN;
    instance.source = *source;
    return true;
}

static bool load_program(JSContext *ctx, const struct source *source)
{
    return take_instance(ctx, source) && program_load(ctx, source, &instance.program);
}

static JSValue parse_context(JSContext *ctx, struct host_text context)
{
    JSValue object = JS_ParseJSON(ctx, context.bytes, context.length, "context");
    if (JS_IsObject(object))
        JS_SetPrototype(ctx, object, guest.driver.context_prototype);
    return object;
}

static JSValue call_handler(JSContext *ctx, struct host_text event, struct host_text context)
{
    JSValue arguments[] = {JS_ParseJSON(ctx, event.bytes, event.length, "event"), parse_context(ctx, context)};
    if (JS_IsException(arguments[0]) || JS_IsException(arguments[1]))
        return JS_EXCEPTION;
    const struct program *program = &instance.program;
    JSValue returned = JS_Call(ctx, program->handler, program->receiver, 2, (JSValueConst *)arguments);
    if (JS_IsException(returned))
        return returned;
    return loop_settle(ctx, returned, "the promise that the handler returned");
}

static bool run_handler(JSContext *ctx, struct host_text event, struct host_text context, struct buffer *result)
{
    JSValue value = call_handler(ctx, event, context);
    return !JS_IsException(value) && json_write(ctx, value, "result", result);
}

static bool require_loaded(JSContext *ctx)
{
    if (instance.state != LOADED)
        guest_throw_named(ctx, "InvalidStateError", "there is no handler to call: no source was loaded before");
    return instance.state == LOADED;
}

/* What a top level drew is kept, so the host is to know that it wanted chance: it counts who asks for some. */
static void report_draws(JSContext *ctx, uint64_t state_before)
{
    uint8_t ignored;
    if (engine_random_state(ctx) != state_before)
        host_random(&ignored, sizeof(ignored));
}

/* As the last act of a load that succeeded. What the source was compiled from is only in the way now. */
static void keep_program(struct source *source)
{
    instance.state = LOADED;
    free((void *)source->compiled);
    instance.source.compiled = NULL;
    clock_suspend();
    prepare_for_snapshot(HEAP_HOLES_KEPT);
}

/* ---- the canonical ABI of `interpret` ---- */

/* `result<string, failure>`, and what has the same layout: `result<list<u8>, failure>`, `result<_, failure>`. */
struct outcome {
    uint8_t is_failure;
    union {
        struct failure_text result;
        struct failure failure;
    };
};

static struct outcome *succeed(const void *bytes, size_t length)
{
    static struct outcome outcome;
    outcome.result = (struct failure_text){bytes, length};
    return &outcome;
}

/* Of the pending exception. */
static struct outcome *fail(const struct source *source)
{
    static struct outcome outcome = {.is_failure = 1};
    outcome.failure = failure_take(guest.ctx, source->code, source->length);
    return &outcome;
}

/* `option<list<u8>>` arrives as three values. */
static struct source source_from(const char *code, size_t code_length, int32_t is_compiled, const uint8_t *compiled,
                                 size_t compiled_length)
{
    return (struct source){code, code_length, is_compiled ? compiled : NULL, compiled_length};
}

#define EXPORT(function) __attribute__((export_name("hks:function/interpret@0.1.0#" function)))

EXPORT("run") struct outcome *
export_run(char *code, size_t code_length, int32_t is_compiled, uint8_t *compiled, size_t compiled_length, char *event,
           size_t event_length, char *context, size_t context_length)
{
    struct source source = source_from(code, code_length, is_compiled, compiled, compiled_length);
    struct buffer result = {0};
    begin(guest.ctx);
    bool returned = load_program(guest.ctx, &source) &&
                    run_handler(guest.ctx, (struct host_text){event, event_length},
                                (struct host_text){context, context_length}, &result);
    return returned ? succeed(result.bytes, result.length) : fail(&source);
}

EXPORT("compile") struct outcome *export_compile(char *code, size_t code_length)
{
    struct source source = {.code = code, .length = code_length};
    size_t size;
    begin(guest.ctx);
    JSValue compiled = compile_source(guest.ctx, code, code_length);
    uint8_t *bytes = JS_IsException(compiled) ? NULL : compile_write(guest.ctx, compiled, &size);
    return bytes ? succeed(bytes, size) : fail(&source);
}

EXPORT("load") struct outcome *
export_load(char *code, size_t code_length, int32_t is_compiled, uint8_t *compiled, size_t compiled_length)
{
    struct source source = source_from(code, code_length, is_compiled, compiled, compiled_length);
    begin(guest.ctx);
    uint64_t undrawn = engine_random_state(guest.ctx);
    if (!load_program(guest.ctx, &source))
        return fail(&source);
    report_draws(guest.ctx, undrawn);
    keep_program(&source);
    return succeed(NULL, 0);
}

EXPORT("call") struct outcome *
export_call(char *event, size_t event_length, char *context, size_t context_length)
{
    struct buffer result = {0};
    begin(guest.ctx);
    if (!require_loaded(guest.ctx))
        return fail(&instance.source);
    clock_resume();
    environment_refresh(guest.ctx);
    bool returned = run_handler(guest.ctx, (struct host_text){event, event_length},
                                (struct host_text){context, context_length}, &result);
    clock_suspend();
    return returned ? succeed(result.bytes, result.length) : fail(&instance.source);
}
