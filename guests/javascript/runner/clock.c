/* The host's monotonic clock, which starts anew with each attempt, made to go on over a snapshot.
 *
 * A handler that is called must find what it would find right behind its top level: timers that were started there have
 * their remaining delay, and `performance.now() - start` is the time that the function ran and never less than zero. */
#include "clock.h"

#include "host.h"

static uint64_t suspended_at_ns;
static uint64_t ahead_ns; /* of the host's clock; modulo 2^64, as it may be behind */

uint64_t clock_monotonic_ns(void) { return host_monotonic_ns() + ahead_ns; }

void clock_suspend(void) { suspended_at_ns = clock_monotonic_ns(); }

void clock_resume(void) { ahead_ns = suspended_at_ns - host_monotonic_ns(); }
