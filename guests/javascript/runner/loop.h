/* The event loop: microtasks, timers, and the promise that the run waits for. */
#ifndef HKS_LOOP_H
#define HKS_LOOP_H

#include "quickjs.h"

/* Once, when the snapshot is made. */
void loop_initialise(JSRuntime *rt);

/* Takes over `value` and returns what it resolves to, running jobs and timers until then. JS_EXCEPTION with an exception
 * pending when it rejects, when a callback throws, on process.exit, or when nothing is left that could settle it; `what`
 * then names it. */
JSValue loop_settle(JSContext *ctx, JSValue value, const char *what);

#endif
