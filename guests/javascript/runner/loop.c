/* The event loop of a run.
 *
 * It ends as soon as the awaited promise is settled and the microtasks are done; timers that are still pending then are
 * dropped. It has no bound of its own: fuel, deadline and memory of the instance end a loop that does not end.
 * Rejections that nobody handles are reported on the stderr log after the microtasks, as Node does, and do not fail a run
 * that succeeds otherwise. An exception that a timer or microtask throws does: nobody else could notice it. */
#include "loop.h"

#include <stdio.h>

#include "guest.h"
#include "timers.h"

enum { REJECTIONS_MAX = 64 }; /* further ones of the same turn are counted, not kept */

static struct {
    struct {
        JSValue promise, reason;
    } kept[REJECTIONS_MAX];
    int count;
} rejections;

static void forget_rejection(JSContext *ctx, int at)
{
    JS_FreeValue(ctx, rejections.kept[at].promise);
    JS_FreeValue(ctx, rejections.kept[at].reason);
    rejections.kept[at] = rejections.kept[--rejections.count];
}

static int find_rejection(JSValueConst promise)
{
    for (int i = 0; i < rejections.count; i++)
        if (JS_VALUE_GET_PTR(rejections.kept[i].promise) == JS_VALUE_GET_PTR(promise))
            return i;
    return -1;
}

static void track_rejection(JSContext *ctx, JSValueConst promise, JSValueConst reason, bool is_handled, void *opaque)
{
    (void)opaque;
    int at = find_rejection(promise);
    if (is_handled && at >= 0)
        forget_rejection(ctx, at);
    if (is_handled || at >= 0 || rejections.count == REJECTIONS_MAX)
        return;
    rejections.kept[rejections.count].promise = JS_DupValue(ctx, promise);
    rejections.kept[rejections.count].reason = JS_DupValue(ctx, reason);
    rejections.count++;
}

/* Reports what nobody handled, apart from the promise that the run itself waits for. */
static void report_rejections(JSContext *ctx, JSValueConst awaited)
{
    int own = find_rejection(awaited);
    if (own >= 0)
        forget_rejection(ctx, own);
    while (rejections.count > 0) {
        JSValueConst arguments[] = {rejections.kept[0].reason};
        JSValue done = JS_Call(ctx, guest.driver.report_rejection, JS_UNDEFINED, 1, arguments);
        if (JS_IsException(done))
            JS_FreeValue(ctx, JS_GetException(ctx)); /* the user broke what formats it; the run goes on */
        forget_rejection(ctx, 0);
    }
}

/* The engine asks now and then. A script that asked to exit must not outlive that by catching our exception. */
static int interrupt(JSRuntime *rt, void *opaque)
{
    (void)rt, (void)opaque;
    return guest.exit_requested;
}

void loop_initialise(JSRuntime *rt)
{
    JS_SetHostPromiseRejectionTracker(rt, track_rejection, NULL);
    JS_SetInterruptHandler(rt, interrupt, NULL);
}

/* A promise for any value, by the engine's own means: the user may have replaced `Promise`. */
static JSValue promise_for(JSContext *ctx, JSValue value)
{
    if (JS_IsPromise(value))
        return value;
    JSValue functions[2];
    JSValue promise = JS_NewPromiseCapability(ctx, functions);
    if (!JS_IsException(promise)) {
        JSValueConst arguments[] = {value};
        JS_FreeValue(ctx, JS_Call(ctx, functions[0], JS_UNDEFINED, 1, arguments));
        JS_FreeValue(ctx, functions[0]);
        JS_FreeValue(ctx, functions[1]);
    }
    JS_FreeValue(ctx, value);
    return promise;
}

static bool run_microtasks(JSContext *ctx)
{
    JSContext *of;
    int ran;
    while (!guest.exit_requested && (ran = JS_ExecutePendingJob(JS_GetRuntime(ctx), &of)) > 0)
        ;
    if (!guest.exit_requested)
        return ran == 0;
    if (!JS_HasException(ctx))
        JS_ThrowInternalError(ctx, "process.exit"); /* the script swallowed ours */
    return false;
}

static JSValue throw_unsettled(JSContext *ctx, const char *what)
{
    char message[160];
    snprintf(message, sizeof(message),
             "%s never settles: no timer, microtask or other pending work is left that could resolve or reject it", what);
    return guest_throw_named(ctx, "UnsettledPromiseError", message);
}

JSValue loop_settle(JSContext *ctx, JSValue value, const char *what)
{
    JSValue promise = promise_for(ctx, value);
    if (JS_IsException(promise))
        return promise;
    JS_PromiseMarkAsHandled(ctx, promise);
    for (;;) {
        if (!run_microtasks(ctx))
            return JS_EXCEPTION;
        report_rejections(ctx, promise);
        switch (JS_PromiseState(ctx, promise)) {
        case JS_PROMISE_FULFILLED:
            return JS_PromiseResult(ctx, promise);
        case JS_PROMISE_REJECTED:
            return JS_Throw(ctx, JS_PromiseResult(ctx, promise));
        default:
            break;
        }
        int ran = timers_run_next(ctx);
        if (ran < 0)
            return JS_EXCEPTION;
        if (ran == 0)
            return throw_unsettled(ctx, what);
    }
}
