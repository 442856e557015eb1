/* The guest's own malloc; see heap.c. */
#ifndef HKS_HEAP_H
#define HKS_HEAP_H

#include <stdbool.h>

/* Called once, as the last act before the snapshot: leaves the holes that initialisation made alone and keeps a reserve,
 * so that a run allocates from fresh, contiguous pages. */
void heap_prepare_for_snapshot(void);

/* Gives the reserve back to the allocator, so that there is memory left to report that there is no memory left. */
void heap_release_reserve(void);

/* Whether the host ever refused to grow the memory. */
bool heap_is_exhausted(void);

#endif
