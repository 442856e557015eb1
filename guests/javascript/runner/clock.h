/* The clock of timers and of performance.now. */
#ifndef HKS_CLOCK_H
#define HKS_CLOCK_H

#include <stdint.h>

/* Nanoseconds since the attempt began; after clock_resume, as if the attempt that loaded the source were still going on. */
uint64_t clock_monotonic_ns(void);

/* The last act of the attempt that loaded the source, and the first of one that calls its handler. */
void clock_suspend(void);
void clock_resume(void);

#endif
