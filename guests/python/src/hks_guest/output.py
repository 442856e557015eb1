"""`sys.stdout` and `sys.stderr`, ending at the host's log instead of at a file descriptor.

They are the interpreter's own text streams over a small raw stream, so everything that works on a real one works here:
`.buffer`, `print(..., flush=True)`, `reconfigure`, `TextIOWrapper` tricks. A line is handed on when it is complete, so
that nothing of it is lost when the execution is stopped. The host bounds what it keeps; nothing here does.
"""

import codecs
import io
import sys
from collections.abc import Callable

_to_text = str
_Anything = BaseException
# Kinds of open files that may hold something back.
_FILES = frozenset(map(id, (io.TextIOWrapper, io.BufferedWriter, io.BufferedRandom)))
# Bounds a single call to the host, whose copy of the text lives beside ours.
_MAX_CALL_BYTES = 256 * 1024


class _Log(io.RawIOBase):
    """A raw stream that decodes bytes and sends text. Bytes that are no UTF-8 arrive as escapes (`\\xff`)."""

    def __init__(self, send: Callable[[str], None], name: str) -> None:
        self.name = name
        self.mode = "wb"
        self._send = send
        self._decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
        # True between two writes that split a character.
        self._in_character = False

    def writable(self) -> bool:
        return True

    def write(self, data) -> int:
        length = memoryview(data).nbytes
        if not self._in_character and length <= _MAX_CALL_BYTES:
            try:
                self._send(_to_text(data, "utf-8"))
                return length
            except UnicodeDecodeError:
                pass
        view = memoryview(data).cast("B")
        for start in range(0, length, _MAX_CALL_BYTES):
            text = self._decoder.decode(view[start : start + _MAX_CALL_BYTES])
            if text:
                self._send(text)
        self._in_character = bool(self._decoder.getstate()[0])
        return length

    def finish(self) -> None:
        """Sends what is left of a character that was never completed."""
        if self._in_character:
            self._in_character = False
            self._send(self._decoder.decode(b"", True))


class Streams:
    """The two output streams of a run, and an input stream that is at its end."""

    def __init__(self, write_stdout: Callable[[str], None], write_stderr: Callable[[str], None]) -> None:
        self._senders = (write_stdout, write_stderr)
        self._untouched = False
        self._open()

    def install_ahead(self) -> None:
        """At build time: the same, so that the first run finds it done."""
        self.install()
        self._untouched = True

    def _open(self) -> None:
        self._logs = (_Log(self._senders[0], "<stdout>"), _Log(self._senders[1], "<stderr>"))
        self._stdout = _text_stream(self._logs[0])
        self._stderr = _text_stream(self._logs[1])
        self._stdin = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")

    def install(self) -> None:
        """Makes the streams the interpreter's own; opens new ones if an earlier run closed them."""
        if self._untouched:
            self._untouched = False
            return
        if not (_usable(self._stdout) and _usable(self._stderr) and _usable(self._stdin)):
            self._open()
        sys.stdout = sys.__stdout__ = self._stdout
        sys.stderr = sys.__stderr__ = self._stderr
        sys.stdin = sys.__stdin__ = self._stdin

    def flush(self) -> None:
        """Sends everything that is still held back, also by streams that user code put in place of ours."""
        for stream in (sys.stdout, sys.stderr):
            if stream is not self._stdout and stream is not self._stderr:
                _flush_quietly(stream)
        _flush_quietly(self._stdout)
        _flush_quietly(self._stderr)
        for log in self._logs:
            log.finish()


def _text_stream(log: _Log) -> io.TextIOWrapper:
    buffered = io.BufferedWriter(log, buffer_size=8192)
    return io.TextIOWrapper(buffered, encoding="utf-8", errors="backslashreplace", newline="\n", line_buffering=True)


def _usable(stream: io.TextIOWrapper) -> bool:
    try:
        return not stream.closed
    except ValueError:  # its buffer was detached
        return False


def _flush_quietly(stream: object) -> None:
    try:
        stream.flush()
    except _Anything:
        # A stream that was closed, detached or replaced by something odd has nothing for us.
        pass


def flush_files(namespace: dict[str, object]) -> None:
    """Writes out what files that a module left open still hold back: no interpreter shuts down here to do it."""
    # By identity, because `isinstance` asks the value, which may be hostile.
    if _FILES.isdisjoint(map(id, map(type, namespace.values()))):
        return
    for value in list(namespace.values()):
        if id(type(value)) in _FILES:
            _flush_quietly(value)


def refuse_input(prompt: object = "", /) -> str:
    """Replaces the builtin `input`."""
    raise EOFError("input() has nobody to ask in the sandbox: pass what it should return in the event")
