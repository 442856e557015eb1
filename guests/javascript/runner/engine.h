/* The few things that the runner needs from QuickJS-ng and that quickjs.h does not offer.
 *
 * They are defined in engine.c, which is the only file that sees the engine's internals. */
#ifndef HKS_ENGINE_H
#define HKS_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "quickjs.h"

/* Compiles `source` (followed by a zero byte) without running it. `first_line` is the number of its first line; unlike
 * JS_Eval2 it may be 0, which is what a wrapper line in front of the user's own line 1 has. */
JSValue engine_compile(JSContext *ctx, const char *source, size_t length, const char *filename, int first_line,
                       int eval_type);

/* Seeds Math.random. The snapshot froze the seed that the engine chose when it was initialised. */
void engine_seed_random(JSContext *ctx, uint64_t seed);

/* Where Math.random is: other than before if anybody drew. */
uint64_t engine_random_state(JSContext *ctx);

/* Whether a compiled module neither imports nor exports anything: a script that merely uses top-level await. */
bool engine_module_is_bare(JSModuleDef *module);

/* IsArray of the specification: looks through proxies. -1 when a revoked proxy throws. */
int engine_is_array(JSContext *ctx, JSValueConst value);

/* The primitive inside a Number, String, Boolean or BigInt object; JS_UNDEFINED for any other value. */
JSValue engine_unbox(JSContext *ctx, JSValueConst value);

/* The frames that the engine noted in an error, as a string that no user code can have touched; JS_UNDEFINED if `value` is
 * not an error of its. */
JSValue engine_frames(JSContext *ctx, JSValueConst value);

/* Bytes that the runtime holds at the moment; the measure of its garbage collector. */
size_t engine_heap_size(JSRuntime *rt);

#endif
