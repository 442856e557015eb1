"""The last steps at build time: leaves memory so that executions touch as little of it as possible.

Every page that an execution writes is a page fault and a copy, and has to be put back afterwards. So the collector must
not visit the objects of the snapshot, and room for new ones must be there already. What cannot be done from here, the
build does in the memory of the finished component (`guests/pack/src/quiet`): objects are made immortal, which
`immortals` lists for it, and holes between them are filled. Nothing of this changes what a program sees.
"""

import gc

from hks_guest import immortals

# What most executions need at most; pages of it that are never touched cost nothing.
_ROOM_BYTES = 8 * 1024 * 1024

_freeze = gc.freeze


def freeze() -> None:
    """Call this last: collects, lists what is there, sets it apart and makes room."""
    for _ in range(3):
        gc.collect()
    immortals.list_all()
    gc.collect()
    gc.freeze()
    room = bytearray(_ROOM_BYTES)
    del room


def set_apart() -> None:
    """At the end of `load`: what a function has set up is from now on left alone by the collector, as the library is."""
    _freeze()
