"""Lists the objects of the snapshot, for the build to make them immortal.

Counting references writes to the objects that a program merely looks at: a page to copy and to put back for each of some
hundred places all over memory. CPython leaves the counts of immortal objects alone, but cannot be asked to make one. So
the build does it, in the memory of the finished component (`guests/pack/src/quiet`), and this module tells it where.

What dies before the snapshot is taken must not be in the list: every object here has an owner besides the walk.
"""

import gc
import sys
import types
import zlib
from array import array

# In capitals, so that the list is the only place where they stand together with a right checksum.
_MARK = b"hks-immortals-v1"
_HEADER_BYTES = len(_MARK) + 8
_PAIR_BYTES = 8
# How many objects the second walk may find that the first did not.
_MORE = 64
# What the running code makes and drops again.
_PASSING = (types.FrameType, types.GeneratorType, types.CoroutineType, types.TracebackType)
_CODE = ("co_consts", "co_names", "co_filename", "co_name", "co_qualname", "co_linetable", "co_exceptiontable")
_name_of, _qualified_name_of = type.__dict__["__name__"].__get__, type.__dict__["__qualname__"].__get__
_lists: list[bytearray] = []


def list_all() -> None:
    """Leaves the list in memory. Call this after the last collection and before the objects are set apart."""
    # Room for it before the walk, so that what the walk needs lies behind it and leaves no hole.
    room = bytearray(_HEADER_BYTES + (len(_reachable()) + _MORE) * _PAIR_BYTES)
    _lists.append(room)
    found = _reachable()
    # An object with no owner but `found`, and the reference that comes with asking, is about to die.
    pairs = array("I")
    for place in range(len(found)):
        if sys.getrefcount(found[place]) > 2:
            pairs.extend((id(found[place]), id(type(found[place]))))
    body = pairs.tobytes()
    header = array("I", (len(pairs) // 2, zlib.crc32(body))).tobytes()
    memoryview(room)[: _HEADER_BYTES + len(body)] = _MARK.upper() + header + body


def _reachable() -> list[object]:
    found: list[object] = []
    waiting = [*gc.get_objects(), sys.modules, object]
    seen: set[int] = set()
    seen.update(map(id, (found, waiting, seen, _lists)))
    while waiting:
        value = waiting.pop()
        # `type`, because `isinstance` asks a proxy for the class of what it stands for.
        if id(value) in seen or type(value) in _PASSING:
            continue
        seen.add(id(value))
        found.append(value)
        waiting += gc.get_referents(value)
        waiting += _hidden_referents(value)
    return found


def _hidden_referents(value: object) -> tuple[object, ...]:
    """What the collector is not told of, since it cannot be part of a cycle."""
    if type(value) is types.CodeType:
        return tuple(getattr(value, name) for name in _CODE)
    if issubclass(type(value), type):
        return _name_of(value), _qualified_name_of(value)
    return ()
