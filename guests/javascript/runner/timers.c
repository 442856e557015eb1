/* Timers as a binary heap, ordered by due time and then by age.
 *
 * A stopped timer is found by a walk over the heap: programs hold few timers, and stopping is rarer than starting. The
 * number of timers is bounded by the memory of the instance only. Waiting happens in the host, which ends it at the
 * deadline; an instance that waits uses no CPU. */
#include "timers.h"

#include <math.h>
#include <stdlib.h>

#include "clock.h"
#include "host.h"

struct timer {
    uint64_t due_ns; /* as of clock_monotonic_ns */
    uint64_t age;
    uint64_t interval_ns; /* of one that repeats, else 0 */
    uint32_t id;
    JSValue callback, arguments;
};

static struct timer *heap;
static size_t count, capacity;
static uint64_t next_age;
static uint32_t next_id = 1;

static const double NANOSECONDS_PER_MS = 1e6;
static const double DELAY_MAX_MS = 2147483647; /* as everywhere: what is longer, or not a number, is no delay */
static const uint64_t INTERVAL_MIN_NS = 1000000; /* so that setInterval(f, 0) lets the clock advance */

static bool precedes(const struct timer *a, const struct timer *b)
{
    return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->age < b->age;
}

static void swap(size_t a, size_t b)
{
    struct timer kept = heap[a];
    heap[a] = heap[b];
    heap[b] = kept;
}

static void sift_up(size_t at)
{
    for (; at > 0 && precedes(&heap[at], &heap[(at - 1) / 2]); at = (at - 1) / 2)
        swap(at, (at - 1) / 2);
}

static void sift_down(size_t at)
{
    for (;;) {
        size_t least = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < count; child++)
            if (precedes(&heap[child], &heap[least]))
                least = child;
        if (least == at)
            return;
        swap(at, least);
        at = least;
    }
}

static bool push(struct timer timer)
{
    if (count == capacity) {
        size_t larger = capacity ? capacity * 2 : 8;
        struct timer *moved = realloc(heap, larger * sizeof(*heap));
        if (!moved)
            return false;
        heap = moved;
        capacity = larger;
    }
    heap[count++] = timer;
    sift_up(count - 1);
    return true;
}

static struct timer take(size_t at)
{
    struct timer taken = heap[at];
    heap[at] = heap[--count];
    if (at < count) {
        sift_up(at);
        sift_down(at);
    }
    return taken;
}

static void drop(JSContext *ctx, struct timer *timer)
{
    JS_FreeValue(ctx, timer->callback);
    JS_FreeValue(ctx, timer->arguments);
}

static uint64_t nanoseconds(double delay_ms)
{
    if (!(delay_ms > 0) || delay_ms > DELAY_MAX_MS)
        return 0;
    return (uint64_t)(delay_ms * NANOSECONDS_PER_MS);
}

uint32_t timers_start(JSContext *ctx, JSValueConst callback, double delay_ms, bool repeats, JSValueConst arguments)
{
    uint64_t delay = nanoseconds(delay_ms);
    uint64_t interval = delay < INTERVAL_MIN_NS ? INTERVAL_MIN_NS : delay;
    struct timer timer = {
        .due_ns = clock_monotonic_ns() + (repeats ? interval : delay),
        .age = next_age++,
        .interval_ns = repeats ? interval : 0,
        .id = next_id++,
        .callback = JS_DupValue(ctx, callback),
        .arguments = JS_DupValue(ctx, arguments),
    };
    if (push(timer))
        return timer.id;
    drop(ctx, &timer);
    JS_ThrowOutOfMemory(ctx);
    return 0;
}

void timers_stop(JSContext *ctx, uint32_t id)
{
    for (size_t i = 0; i < count; i++)
        if (heap[i].id == id) {
            struct timer stopped = take(i);
            drop(ctx, &stopped);
            return;
        }
}

static bool call(JSContext *ctx, const struct timer *timer)
{
    int64_t argc = 0;
    if (JS_GetLength(ctx, timer->arguments, &argc) < 0)
        return false;
    JSValue *argv = calloc((size_t)argc + 1, sizeof(*argv));
    if (!argv) {
        JS_ThrowOutOfMemory(ctx);
        return false;
    }
    for (int64_t i = 0; i < argc; i++)
        argv[i] = JS_GetPropertyInt64(ctx, timer->arguments, i);
    JSValue result = JS_Call(ctx, timer->callback, JS_UNDEFINED, (int)argc, (JSValueConst *)argv);
    for (int64_t i = 0; i < argc; i++)
        JS_FreeValue(ctx, argv[i]);
    free(argv);
    JS_FreeValue(ctx, result);
    return !JS_IsException(result);
}

int timers_run_next(JSContext *ctx)
{
    if (count == 0)
        return 0;
    uint64_t now = clock_monotonic_ns();
    if (heap[0].due_ns > now)
        host_sleep_ns(heap[0].due_ns - now);
    struct timer timer = take(0);
    if (timer.interval_ns) { /* filed again first, so that its own callback can stop it */
        struct timer again = timer;
        again.due_ns += again.interval_ns;
        again.age = next_age++;
        again.callback = JS_DupValue(ctx, timer.callback);
        again.arguments = JS_DupValue(ctx, timer.arguments);
        push(again); /* cannot fail: a place was just vacated */
    }
    bool returned = call(ctx, &timer);
    drop(ctx, &timer);
    return returned ? 1 : -1;
}
