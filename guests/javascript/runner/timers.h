/* setTimeout and its kin: what is due when, in the order that JavaScript promises. */
#ifndef HKS_TIMERS_H
#define HKS_TIMERS_H

#include <stdbool.h>
#include <stdint.h>

#include "quickjs.h"

/* Starts a timer that calls `callback` with the elements of the array `arguments` after `delay_ms`, again and again if
 * `repeats`. Returns its id, or 0 with an exception pending. */
uint32_t timers_start(JSContext *ctx, JSValueConst callback, double delay_ms, bool repeats, JSValueConst arguments);

void timers_stop(JSContext *ctx, uint32_t id);

/* Sleeps until the next timer is due and runs it. 0 when there is none, 1 when one ran, -1 when its callback threw. */
int timers_run_next(JSContext *ctx);

#endif
