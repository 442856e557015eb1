"""Describes an exception to the host: its name, its message, and a traceback that shows the user's code only.

An exception is hostile data: its `__str__` may raise, its traceback may have a million entries, its chain may be long.
Nothing here trusts it, and whatever goes wrong still leaves a name and a message.
"""

import traceback
import types
from collections.abc import Iterator

from hks_guest.text import bounded, well_formed

# Where this package and the library lie while the component is built. Leading frames from there are not the user's.
_OWN_FOLDER = __file__.rpartition("/")[0] + "/"
_MACHINERY = (_OWN_FOLDER, "/python/")
# Formatting costs time and memory for each frame; of a longer traceback both ends are kept.
_MAX_FRAMES = 60
_KEPT_FRAMES = 20
# Exceptions of a chain or group that are looked at.
_MAX_EXCEPTIONS = 200
# A message beyond this is data, not a message.
_MAX_VALUE_CHARS = 16 * 1024

_TracebackException = traceback.TracebackException
_Anything = BaseException

Described = tuple[str, str, str]


def describe(error: BaseException) -> Described:
    """Name, message and traceback of an exception, all fit to cross the border."""
    name, value = _name(error), _value(error)
    try:
        trace = _trace(error)
    except _Anything:
        trace = f"{name}: {value}\n"
    return well_formed(name), value, well_formed(bounded(trace))


def bare(error: BaseException) -> Described:
    """The same without frames: for our own verdicts, where no line of the user's code is to blame."""
    name, value = _name(error), _value(error)
    return name, value, f"{name}: {value}\n"


def _name(error: BaseException) -> str:
    return bounded(_plain(type.__getattribute__(type(error), "__name__")), 200)


def _value(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        text = "0" if error.code is None else _text(error.code)
    else:
        text = _text(error)
    return well_formed(bounded(text, _MAX_VALUE_CHARS))


def _text(value: object) -> str:
    try:
        return _plain(str(value))
    except _Anything as problem:
        return f"<no message: str() of it raised {_name(problem)}>"


def _plain(text: str) -> str:
    """The same text without a subclass of str around it, whose methods could do anything."""
    return "".join((text,))


def _trace(error: BaseException) -> str:
    start = _from_user_code(error.__traceback__)
    error.__traceback__ = start
    cuts = {id(linked): _cut(linked.__traceback__) for linked in _linked(error)}
    summary = _TracebackException(type(error), error, start, compact=True)
    for linked, part in _pairs(error, summary):
        part.stack = _Stack(frame for frame in part.stack if not frame.filename.startswith(_OWN_FOLDER))
        part.stack.left_out = cuts.get(id(linked), 0)
    return "".join(summary.format())


def _from_user_code(entry: types.TracebackType | None) -> types.TracebackType | None:
    """The traceback without its head of driver and event loop; None if there is nothing else."""
    while entry is not None and entry.tb_frame.f_code.co_filename.startswith(_MACHINERY):
        entry = entry.tb_next
    return entry


def _cut(entry: types.TracebackType | None) -> int:
    """Cuts the middle out of an enormous traceback. Returns how many entries it took."""
    count, last_kept, tail = 0, None, entry
    while entry is not None:
        count += 1
        if count == _KEPT_FRAMES:
            last_kept = entry
        if count > _KEPT_FRAMES:
            tail = tail.tb_next
        entry = entry.tb_next
    if count <= _MAX_FRAMES:
        return 0
    last_kept.tb_next = tail
    return count - 2 * _KEPT_FRAMES


def _linked(error: BaseException) -> Iterator[BaseException]:
    """The exception and those that its traceback will show: causes, contexts, members of groups."""
    pending, seen = [error], set()
    while pending and len(seen) < _MAX_EXCEPTIONS:
        current = pending.pop()
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        pending += [current.__cause__, current.__context__, *_members(current)]


def _pairs(
    error: BaseException, summary: traceback.TracebackException
) -> Iterator[tuple[BaseException, traceback.TracebackException]]:
    """The same exceptions, each with its part of the summary."""
    pending = [(error, summary)]
    while pending:
        current, part = pending.pop()
        if current is None or part is None:
            continue
        yield current, part
        pending += [(current.__cause__, part.__cause__), (current.__context__, part.__context__)]
        pending += zip(_members(current), part.exceptions or (), strict=False)


def _members(error: BaseException) -> tuple[BaseException, ...]:
    return error.exceptions if isinstance(error, BaseExceptionGroup) else ()


class _Stack(traceback.StackSummary):
    """The frames of one exception; says where its middle was cut out."""

    left_out = 0

    def format(self, **options: object) -> list[str]:
        lines = super().format(**options)
        if self.left_out:
            remark = f"  [{self.left_out} frames left out]\n"
            lines.insert(len(lines) // 2 if len(lines) >= 2 * _KEPT_FRAMES else _middle(lines), remark)
        return lines


def _middle(lines: list[str]) -> int:
    """Where the remark goes when equal frames were folded: before the line that says how many."""
    folded = [at for at, line in enumerate(lines) if line.startswith("  [Previous line repeated")]
    return folded[0] if folded else len(lines)
