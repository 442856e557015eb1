"""The file of a saved function: what it is and what its executions may use, then its snapshot.

Layout: magic with version (8) · length of the header (4, little-endian) · header (JSON) · snapshot, in the runtime's own
format, which names the interpreter that it is of and has a digest of its own.

A snapshot is memory of the sandbox. Whoever can change the file can change what the function does, inside its sandbox;
nothing in the file is run or unpickled outside.
"""

from __future__ import annotations

import json
import os
from typing import Any, NamedTuple, Optional, Union

from hks_sdk.errors import InvalidArgumentError

MAGIC = b"HKSFUNC1"
LENGTH_BYTES = 4
# Logs and results of a top level are in it; far above their maximum, and far below what could exhaust memory.
HEADER_BYTES_MAX = 128 << 20

Path = Union[str, "os.PathLike[str]"]


class Saved(NamedTuple):
    """A function as its file has it. The environment is not kept: it may hold secrets."""

    language: str
    timeout_s: float
    memory_mb: int
    fuel: Optional[int]
    report: str
    """JSON of the top level's report."""
    snapshot: bytes


def write(path: Path, saved: Saved) -> None:
    """Writes the file, or leaves what was there as it is. Only the user may read it. Raises `OSError`."""
    import tempfile

    path = os.path.abspath(path)
    fields = saved._asdict()
    snapshot: bytes = fields.pop("snapshot")
    header = json.dumps(fields).encode()
    number, unfinished = tempfile.mkstemp(prefix=".hks-", suffix=".tmp", dir=os.path.dirname(path))
    try:
        with os.fdopen(number, "wb") as file:
            file.writelines((MAGIC, len(header).to_bytes(LENGTH_BYTES, "little"), header, snapshot))
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    except BaseException:
        os.unlink(unfinished)
        raise


def read(path: Path) -> Saved:
    """Raises `OSError` if the file cannot be read, and `InvalidArgumentError` if `write` did not write it."""
    # Not the number of an open file.
    with open(os.fspath(path), "rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise InvalidArgumentError(f"{os.fspath(path)} is not a function that this version of hks-sdk saved")
        length = int.from_bytes(file.read(LENGTH_BYTES), "little")
        if length > HEADER_BYTES_MAX:
            raise damaged(path)
        header = file.read(length)
        try:
            return Saved(snapshot=file.read(), **_fields(header))
        except (ValueError, TypeError, RecursionError):
            raise damaged(path) from None


def damaged(path: Path) -> InvalidArgumentError:
    """To be raised for a file that begins as it should and goes on otherwise."""
    return InvalidArgumentError(f"{os.fspath(path)} is damaged; load the function again, and save it")


def _fields(header: bytes) -> dict[str, Any]:
    fields = json.loads(header)
    if not isinstance(fields, dict) or not isinstance(fields.get("report"), str):
        raise ValueError("no header")
    return fields
