"""The last steps at build time: leaves memory so that executions touch as little of it as possible.

Every page that an execution writes is a page fault and a copy, and has to be put back afterwards. So the collector must
not visit the objects of the snapshot, new objects must not go into holes between old ones, and room for them must be
there already. Nothing here changes what a program sees.
"""

import gc

# What most executions need at most; pages of it that are never touched cost nothing.
_ROOM_BYTES = 8 * 1024 * 1024
# Sizes of objects to fill holes with, largest first: whole free blocks before the small classes carve them up.
_LARGE = tuple(1 << bits for bits in range(17, 10, -1))
_SMALL = tuple(range(1024, 0, -8))
# A size is done when so many new objects in a row lie beyond everything that existed before.
_MISSES = 4
_PROBE_BYTES = 1 << 18
# A bound for the loop; far above what an interpreter's heap has holes for.
_MAX_PLUGS = 500_000

_plugs: list[object] = []


def freeze() -> None:
    """Call this last: collects, fills holes, sets the heap apart and makes room."""
    for _ in range(3):
        gc.collect()
    _plug_holes()
    gc.freeze()
    room = bytearray(_ROOM_BYTES)
    del room


def _plug_holes() -> None:
    """Fills the free blocks of the heap with objects that stay, so that new ones come from fresh memory in a row."""
    probes = [bytes(_PROBE_BYTES) for _ in range(8)]
    top = max(map(id, probes))
    plugs = [None] * _MAX_PLUGS
    count = 0
    for size in (*_LARGE, *_SMALL):
        count = _plug_size(plugs, count, size, top)
    _plugs.extend(plug for plug in plugs[:count] if id(plug) < top)


def _plug_size(plugs: list[object], count: int, size: int, top: int) -> int:
    overhead = b"".__sizeof__()
    misses = 0
    while misses < _MISSES and count < len(plugs):
        plug = bytes(size - overhead) if size > overhead + 1 else object()
        plugs[count] = plug
        count += 1
        if id(plug) > top:
            misses += 1
    return count
