/* QuickJS-ng as one compilation unit, with what engine.h adds to it.
 *
 * The engine is included and not compiled by itself for two reasons. It switches its stack check off when it is built
 * for WASI, but without that check deep recursion is a trap instead of a RangeError. And the runner needs half a dozen
 * internals. The sources themselves stay as they come from the crate. */
#include <assert.h>
#include <errno.h>
#include <fenv.h>
#include <inttypes.h>
#include <limits.h>
#include <malloc.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "cutils.h"

/* From here on only quickjs.c looks at these two. Without the first it checks the stack; the second tells it that there
 * are no threads, hence no Atomics, and that a switch is the faster way to dispatch in WebAssembly. */
#undef __wasi__
#define EMSCRIPTEN 1

#include "quickjs.c"

#include "engine.h"

JSValue engine_compile(JSContext *ctx, const char *source, size_t length, const char *filename, int first_line,
                       int eval_type)
{
    return JS_EvalInternal(ctx, ctx->global_obj, source, length, filename, first_line,
                           eval_type | JS_EVAL_FLAG_COMPILE_ONLY, -1);
}

void engine_seed_random(JSContext *ctx, uint64_t seed)
{
    ctx->random_state = seed != 0 ? seed : 1; /* xorshift stays at zero for ever */
}

uint64_t engine_random_state(JSContext *ctx)
{
    return ctx->random_state;
}

bool engine_module_is_bare(JSModuleDef *module)
{
    return module->req_module_entries_count == 0 && module->export_entries_count == 0 &&
           module->star_export_entries_count == 0;
}

int engine_is_array(JSContext *ctx, JSValueConst value)
{
    return js_is_array(ctx, value);
}

JSValue engine_unbox(JSContext *ctx, JSValueConst value)
{
    switch (JS_GetClassID(value)) {
    case JS_CLASS_NUMBER:
        return JS_ToNumber(ctx, value);
    case JS_CLASS_STRING:
        return JS_ToString(ctx, value);
    case JS_CLASS_BOOLEAN:
    case JS_CLASS_BIG_INT:
        return js_dup(JS_VALUE_GET_OBJ(value)->u.object_data);
    default:
        return JS_UNDEFINED;
    }
}

JSValue engine_frames(JSContext *ctx, JSValueConst value)
{
    return JS_IsObject(value) ? js_error_get_stack(ctx, value) : JS_UNDEFINED;
}

size_t engine_heap_size(JSRuntime *rt)
{
    return rt->malloc_state.malloc_size;
}
