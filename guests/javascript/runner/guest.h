/* The one interpreter of this instance, and what its parts share.
 *
 * An instance serves one run, or a load and a call, and is dropped with its memory; so nothing here is freed at the end. */
#ifndef HKS_GUEST_H
#define HKS_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "quickjs.h"

/* The name of the user's source in stack traces; the prelude knows it too (prelude/stack.js). */
#define USER_FILENAME "function.js"

/* Functions of the prelude that the runner calls. They are taken when the snapshot is made, so that nothing that the
 * user does to globals can replace them. */
struct driver {
    JSValue describe_failure;    /* (error, code, exhausted) -> [name, value, traceback] */
    JSValue missing_handler;     /* (exported, declared, code) -> message */
    JSValue missing_module;      /* (specifier) -> Error */
    JSValue report_rejection;    /* (reason): one line on the stderr log */
    JSValue make_require;        /* () -> require */
    JSValue context_prototype;   /* of the handler's second argument */
};

struct guest {
    JSRuntime *rt;
    JSContext *ctx;
    struct driver driver;
    bool in_run;         /* false while the snapshot is made: the host cannot be called then */
    bool exit_requested; /* by process.exit */
    int32_t exit_code;
};

extern struct guest guest;

/* Throws an Error with this name; returns JS_EXCEPTION. */
JSValue guest_throw_named(JSContext *ctx, const char *name, const char *message);

#endif
