"""From source text to a code object, and back from what `dump` made of one.

Compiling is a good part of what a short execution costs, so the host keeps what `dump` returns and hands it over with
the source from then on. Nothing may tell the two ways apart: compiling warns, too, so the warnings are kept with the code
and given again. The source itself is split into lines only when a traceback wants to show some.
"""

import _imp
import importlib.util
import linecache
import marshal
import types
import warnings
from collections.abc import Callable

# What user source is compiled as; stands in tracebacks.
FILENAME = "<function>"
# Of our format and of CPython's bytecode. That the bytes come from this very build is for the host to know.
_HEADER = b"hks1" + importlib.util.MAGIC_NUMBER

_lines = linecache.cache
_dumps, _loads = marshal.dumps, marshal.loads
_warn = warnings.warn_explicit
_name_file = _imp._fix_co_filename
_CodeType = types.CodeType


class ForeignCodeError(SystemError):
    """The compiled code was not made by this interpreter, or is damaged."""


def compiled(text: str) -> types.CodeType:
    """The code object of a function's source."""
    return compile(text.removeprefix("\ufeff"), FILENAME, "exec", dont_inherit=True)


def dump(text: str) -> bytes:
    """The same as bytes, together with the warnings of the compiler."""
    with warnings.catch_warnings(record=True) as caught:
        code = compiled(text)
    return _HEADER + _dumps((code, [(str(warning.message), warning.lineno) for warning in caught]))


def load(data: bytes, filename: str = FILENAME) -> types.CodeType:
    """The code object that `dump` made those bytes of, after the warnings. Raises ForeignCodeError for other bytes.

    Bytes that only look right can still crash the interpreter, and with it this instance.
    """
    code, warned = _unpack(data)
    for message, line in warned:
        _warn(message, SyntaxWarning, filename, line)
    if filename != FILENAME:
        _name_file(code, filename)
    return code


def _unpack(data: bytes) -> tuple[types.CodeType, list[tuple[str, int]]]:
    if not data.startswith(_HEADER):
        raise ForeignCodeError("the compiled code was not made by this build of the interpreter")
    try:
        code, warned = _loads(memoryview(data)[len(_HEADER) :])
    except (EOFError, TypeError, ValueError):
        code, warned = None, []
    if type(code) is not _CodeType:
        raise ForeignCodeError("the compiled code is damaged")
    return code, warned


def skip_library(folder: str) -> None:
    """At build time: tracebacks do not look for sources of the library, which are not kept. Looking for a path would make
    libc open the folders of the host and keep them, and an instance that holds any cannot become a snapshot."""
    look_up = linecache.updatecache

    def updatecache(filename: str, module_globals: dict[str, object] | None = None) -> list[str]:
        return [] if filename.startswith(f"{folder}/") else look_up(filename, module_globals)

    linecache.updatecache = updatecache


def show(text: str) -> None:
    """Lets tracebacks and `inspect` show the lines of a function's source."""
    _lines[FILENAME] = Lines(FILENAME, text)


class Lines:
    """An entry of `linecache.cache` that becomes a real one when it is looked into: splitting takes time and memory, and
    few executions show a line."""

    def __init__(self, filename: str, text: str | Callable[[], str]) -> None:
        self._filename = filename
        self._text = text

    def __len__(self) -> int:
        # As a real entry; one of length 1 would be looked for on the disk first.
        return 4

    def __getitem__(self, index: int) -> object:
        text = self._text if isinstance(self._text, str) else self._text()
        entry = (len(text), None, text.splitlines(True), self._filename)
        _lines[self._filename] = entry
        return entry[index]
