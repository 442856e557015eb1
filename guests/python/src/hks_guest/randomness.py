"""Gives each execution its own randomness, although all of them start from one snapshot.

`os.urandom`, and with it `secrets`, `uuid4` and new `random.Random()` objects, asks the host each time. Functions of
the module `random` share one generator that the snapshot contains; it is seeded again for every run, and with it what
draws from it (`email.utils.make_msgid`, `email.generator`, `uuid.getnode`). `check` proves at build time that there is
no other. SQLite, which finds no `/dev/urandom`, would seed itself with the time in seconds; `fix_sqlite` replaces its
two functions. The seed of `hash()` cannot be changed after start: it is the same in every execution of a build.
"""

import functools
import gc
import logging
import os
import random
import sqlite3
import tempfile
import time
import uuid

# A method of the shared generator: bound, so that a replaced `random.seed` changes nothing.
_seed = random.seed
_shared = random.seed.__self__
_now = time.time_ns
_urandom = os.urandom


def reseed() -> None:
    """Seeds the shared generator from the host, and starts the clock that `logging` counts from."""
    _seed()
    logging._startTime = _now()


def fix_sqlite() -> None:
    """Gives every connection that `sqlite3.connect` opens a `random()` and a `randomblob()` that ask the host."""
    connect = sqlite3.connect

    @functools.wraps(connect)
    def connect_with_randomness(*args: object, **kwargs: object) -> sqlite3.Connection:
        connection = connect(*args, **kwargs)
        connection.create_function("random", 0, _random_integer)
        connection.create_function("randomblob", 1, _random_blob)
        return connection

    sqlite3.connect = sqlite3.dbapi2.connect = connect_with_randomness


def _random_integer() -> int:
    return int.from_bytes(_urandom(8), "little", signed=True)


def _random_blob(length: int) -> bytes:
    # As SQLite has it: one byte at least.
    return _urandom(max(1, int(length)))


def check() -> None:
    """Raises RuntimeError if the snapshot would hold random state that `reseed` does not reach."""
    strays = [item for item in gc.get_objects() if isinstance(item, random.Random) and not _is_fresh(item)]
    if strays:
        raise RuntimeError(f"seeded at build time and never again: {strays}")
    if tempfile._name_sequence is not None:
        raise RuntimeError("tempfile was used at build time: every execution would choose the same names")
    if uuid._node is not None or uuid._last_timestamp is not None or uuid._last_timestamp_v7 is not None:
        raise RuntimeError("uuid was used at build time: its node and clock would be the same in every execution")


def _is_fresh(generator: random.Random) -> bool:
    return generator is _shared or isinstance(generator, random.SystemRandom)
