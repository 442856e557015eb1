/* The guest's own malloc.
 *
 * Why not libc's: the one that comes with the compiler rounds every request up to a power of two and never joins
 * neighbours, so that an array which grows to 30 MB would exhaust a limit of 128 MiB. And a run should touch as few
 * pages of the snapshot as possible, which only the allocator can arrange.
 *
 * How: blocks lie side by side from the end of the static data to `top`; each begins with its size and two flags. A free
 * block carries links to others of its size class behind its size, and its size again in its last word, so that its
 * right neighbour finds it. Neighbours that are both free are always joined. Classes are exact up to 512 bytes and four
 * per power of two above; a bit per class tells which has blocks.
 *
 * Bounds: every operation but growing the memory takes constant time, apart from the search of one class for large
 * requests, which looks at SEARCH_MAX blocks at most. Memory is never given back: an instance serves one run.
 *
 * What it does not do: detect a double free or an overrun. The code that could commit one is confined to this memory. */
#include "heap.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint32_t word;

struct block {
    word head; /* size in bytes, a multiple of 8, and the two flags */
    struct block *next, *previous; /* only while free */
};

enum {
    IN_USE = 1,
    LEFT_IN_USE = 2,
    FLAGS = 7,

    HEADER = sizeof(word),
    ALIGNMENT = 8,
    BLOCK_MIN = 16,
    SMALL_MAX = 512,
    SMALL_CLASSES = SMALL_MAX / ALIGNMENT + 1,
    CLASSES = SMALL_CLASSES + 4 * 24,
    SEARCH_MAX = 16,

    WASM_PAGE = 64 * 1024,
    GROW_PAGES = 16,           /* grow by 1 MiB: a call to the host for each page would cost more than the page */
    RUN_HEADROOM = 1 << 20,    /* a small run never has to grow the memory at all */
    RESERVE = 256 * 1024,      /* enough to render a failure of the largest size that is handed out */
    REQUEST_MAX = 0x7fff0000,
};

extern unsigned char __heap_base; /* set by the linker: the end of static data and stack */

static struct block *classes[CLASSES];
static uint64_t occupied[(CLASSES + 63) / 64];
static uintptr_t top;   /* first byte that belongs to no block; its left neighbour is always in use */
static uintptr_t limit; /* end of the memory */
static void *reserve;
static bool exhausted;

static word size_of(const struct block *block) { return block->head & ~(word)FLAGS; }
static struct block *right_of(struct block *block) { return (struct block *)((char *)block + size_of(block)); }
static struct block *block_of(void *pointer) { return (struct block *)((char *)pointer - HEADER); }
static void *pointer_of(struct block *block) { return (char *)block + HEADER; }

static struct block *left_of(struct block *block)
{
    word left_size = ((word *)block)[-1];
    return (struct block *)((char *)block - left_size);
}

static unsigned class_of(word size)
{
    if (size <= SMALL_MAX)
        return size / ALIGNMENT;
    unsigned exponent = 31 - (unsigned)__builtin_clz(size);
    unsigned quarter = (size >> (exponent - 2)) & 3;
    return SMALL_CLASSES + (exponent - 9) * 4 + quarter;
}

static void link_free(struct block *block, word size)
{
    unsigned index = class_of(size);
    ((word *)((char *)block + size))[-1] = size;
    block->head = size | LEFT_IN_USE;
    block->previous = NULL;
    block->next = classes[index];
    if (block->next)
        block->next->previous = block;
    classes[index] = block;
    occupied[index / 64] |= UINT64_C(1) << (index % 64);
}

static void unlink_free(struct block *block)
{
    unsigned index = class_of(size_of(block));
    if (block->next)
        block->next->previous = block->previous;
    if (block->previous) {
        block->previous->next = block->next;
        return;
    }
    classes[index] = block->next;
    if (!block->next)
        occupied[index / 64] &= ~(UINT64_C(1) << (index % 64));
}

/* The first class from `index` on that has blocks, or CLASSES. */
static unsigned occupied_from(unsigned index)
{
    for (unsigned i = index / 64; i < sizeof(occupied) / sizeof(occupied[0]); i++) {
        uint64_t bits = occupied[i];
        if (i == index / 64)
            bits &= ~UINT64_C(0) << (index % 64);
        if (bits)
            return i * 64 + (unsigned)__builtin_ctzll(bits);
    }
    return CLASSES;
}

static struct block *find_free(word size)
{
    unsigned index = class_of(size);
    if (size > SMALL_MAX) { /* blocks of one large class differ in size */
        struct block *block = classes[index];
        for (int i = 0; block && i < SEARCH_MAX; i++, block = block->next)
            if (size_of(block) >= size)
                return block;
        index++;
    }
    index = occupied_from(index);
    return index < CLASSES ? classes[index] : NULL;
}

/* Cuts what a block in use has beyond `size` off and frees it. */
static void release_tail(struct block *block, word size);

static void *take_free(struct block *block, word size)
{
    unlink_free(block);
    block->head |= IN_USE;
    right_of(block)->head |= LEFT_IN_USE;
    release_tail(block, size);
    return pointer_of(block);
}

static bool grow(word size)
{
    uint32_t pages = (size - (limit - top) + WASM_PAGE - 1) / WASM_PAGE;
    uint32_t generous = pages < GROW_PAGES ? GROW_PAGES : pages;
    if (__builtin_wasm_memory_grow(0, generous) != (size_t)-1) {
        limit += generous * WASM_PAGE;
        return true;
    }
    if (generous == pages || __builtin_wasm_memory_grow(0, pages) == (size_t)-1) {
        exhausted = true;
        return false;
    }
    limit += pages * WASM_PAGE;
    return true;
}

static void start(void)
{
    top = ((uintptr_t)&__heap_base + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT + HEADER;
    limit = __builtin_wasm_memory_size(0) * WASM_PAGE;
    /* The last word is kept, so that the block at the very end has a right neighbour's header to set a flag in. */
    limit -= ALIGNMENT;
}

static bool ensure_top(word size)
{
    if (top == 0)
        start();
    return size <= limit - top || grow(size);
}

static void *take_top(word size)
{
    if (!ensure_top(size))
        return NULL;
    struct block *block = (struct block *)top;
    block->head = size | IN_USE | LEFT_IN_USE;
    top += size;
    ((struct block *)top)->head = 0;
    return pointer_of(block);
}

static bool is_top(const struct block *block) { return (uintptr_t)block == top; }

/* Joins a block with its free neighbours and files it, or gives it back to the top. */
static void release(struct block *block)
{
    word size = size_of(block);
    struct block *right = right_of(block);
    if (!(block->head & LEFT_IN_USE)) {
        block = left_of(block);
        unlink_free(block);
        size += size_of(block);
    }
    if (is_top(right)) {
        top = (uintptr_t)block;
        block->head = 0;
        return;
    }
    if (!(right->head & IN_USE)) {
        unlink_free(right);
        size += size_of(right);
    } else {
        right->head &= ~(word)LEFT_IN_USE;
    }
    link_free(block, size);
}

static void release_tail(struct block *block, word size)
{
    word rest = size_of(block) - size;
    if (rest < BLOCK_MIN)
        return;
    block->head = size | (block->head & FLAGS);
    struct block *tail = right_of(block);
    tail->head = rest | IN_USE | LEFT_IN_USE;
    release(tail);
}

static bool block_size_for(size_t request, word *size)
{
    if (request > REQUEST_MAX) {
        errno = ENOMEM;
        return false;
    }
    *size = (word)((request + HEADER + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
    if (*size < BLOCK_MIN)
        *size = BLOCK_MIN;
    return true;
}

void *malloc(size_t request)
{
    word size;
    if (!block_size_for(request, &size))
        return NULL;
    struct block *block = find_free(size);
    void *pointer = block ? take_free(block, size) : take_top(size);
    if (!pointer)
        errno = ENOMEM;
    return pointer;
}

void free(void *pointer)
{
    if (pointer)
        release(block_of(pointer));
}

void *calloc(size_t count, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(count, size, &total)) {
        errno = ENOMEM;
        return NULL;
    }
    void *pointer = malloc(total);
    return pointer ? memset(pointer, 0, total) : NULL;
}

/* Lets a block in use take over what is free to its right; true if that made it large enough. */
static bool extend(struct block *block, word size)
{
    struct block *right = right_of(block);
    word current = size_of(block);
    if (is_top(right)) {
        if (!ensure_top(size - current))
            return false;
        block->head = size | (block->head & FLAGS);
        top = (uintptr_t)right_of(block);
        ((struct block *)top)->head = 0;
        return true;
    }
    if ((right->head & IN_USE) || current + size_of(right) < size)
        return false;
    unlink_free(right);
    block->head = (current + size_of(right)) | (block->head & FLAGS);
    right_of(block)->head |= LEFT_IN_USE;
    return true;
}

void *realloc(void *pointer, size_t request)
{
    if (!pointer)
        return malloc(request);
    word size;
    if (!block_size_for(request, &size))
        return NULL;
    struct block *block = block_of(pointer);
    if (size <= size_of(block) || extend(block, size)) {
        release_tail(block, size);
        return pointer;
    }
    void *moved = malloc(request);
    if (!moved)
        return NULL;
    memcpy(moved, pointer, size_of(block) - HEADER);
    free(pointer);
    return moved;
}

size_t malloc_usable_size(void *pointer)
{
    return pointer ? size_of(block_of(pointer)) - HEADER : 0;
}

/* Marks every free block as used, for good: filling such a hole later would cost a copy of its page. What was in them is
 * cleared, because zeros take no room in the snapshot. */
static void abandon_holes(void)
{
    for (unsigned index = 0; index < CLASSES; index++)
        for (struct block *block = classes[index], *next; block; block = next) {
            next = block->next;
            block->head |= IN_USE;
            right_of(block)->head |= LEFT_IN_USE;
            memset(pointer_of(block), 0, size_of(block) - HEADER);
        }
    memset(classes, 0, sizeof(classes));
    memset(occupied, 0, sizeof(occupied));
}

/* Clears free blocks up to the size in their last word. */
static void clear_holes(void)
{
    for (unsigned index = 0; index < CLASSES; index++)
        for (struct block *block = classes[index]; block; block = block->next)
            memset(block + 1, 0, size_of(block) - sizeof(*block) - sizeof(word));
}

void heap_prepare_for_snapshot(enum heap_holes holes)
{
    bool was_exhausted = exhausted;
    if (!reserve)
        reserve = malloc(RESERVE);
    ensure_top(RUN_HEADROOM);
    exhausted = was_exhausted; /* a memory limit that leaves no headroom is nobody's failure */
    if (holes == HEAP_HOLES_ABANDONED)
        abandon_holes();
    else
        clear_holes();
    memset((void *)top, 0, limit - top);
    if (reserve)
        memset(reserve, 0, RESERVE);
}

void heap_release_reserve(void)
{
    free(reserve);
    reserve = NULL;
}

bool heap_is_exhausted(void) { return exhausted; }
