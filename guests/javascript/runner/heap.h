/* The guest's own malloc; see heap.c. */
#ifndef HKS_HEAP_H
#define HKS_HEAP_H

#include <stdbool.h>

enum heap_holes {
    HEAP_HOLES_ABANDONED, /* never used again, so that a run allocates from fresh, contiguous pages */
    HEAP_HOLES_KEPT,      /* used again: a limit counts them */
};

/* Called as the last act before a snapshot: clears what is free, and keeps a reserve and some headroom. */
void heap_prepare_for_snapshot(enum heap_holes holes);

/* Gives the reserve back to the allocator, so that there is memory left to report that there is no memory left. */
void heap_release_reserve(void);

/* Whether the host ever refused to grow the memory. */
bool heap_is_exhausted(void);

#endif
