"""Gives each execution its own randomness, although all of them start from one snapshot.

`os.urandom`, and with it `secrets` and `uuid4`, asks the host each time. What keeps state is made anew:

- The generator behind the functions of the module `random`, and with it what draws from it (`email.utils.make_msgid`,
  `email.generator`, `uuid.getnode`). Seeding takes time and most executions draw nothing, so the first that looks into
  the module finds it seeded (`_Untouched`). `check` proves at build time that there is no way around the module.
- Generators that a function's top level made, if it was loaded for a snapshot and did not seed them itself
  (`watch`, `renew_loaded`). What it seeded is kept: who gives a seed wants the same numbers every time. The shared one is
  not seeded by the host for a top level, and the host hears of it if that draws.
- What `uuid` remembers of its last values; the moment that `logging` counts from.

SQLite, which finds no `/dev/urandom`, would seed itself with the time in seconds; `fix_sqlite` replaces its two
functions. The seed of `hash()` cannot be changed after start: it is the same in every execution of a build.
"""

import functools
import gc
import logging
import os
import random
import sqlite3
import tempfile
import time
import types
import uuid
import weakref

_Random = random.Random
_shared = random.seed.__self__
# The plain methods, which nothing that a program replaces can change.
_seed, _getstate, _setstate = _Random.seed, _Random.getstate, _Random.setstate
_module = random
_names = vars(random)
_now = time.time_ns
_urandom = os.urandom

_UUID_STATE = ("_node", "_last_timestamp", "_last_timestamp_v6", "_last_timestamp_v7", "_last_counter_v7")
_unused_uuid = {name: getattr(uuid, name) for name in _UUID_STATE if hasattr(uuid, name)}


class _Untouched(types.ModuleType):
    """The module `random` until somebody looks into it. An import alone looks at its `__spec__` only."""

    __slots__ = ()

    def __getattribute__(self, name: str) -> object:
        if name != "__spec__":
            _settle()
        return types.ModuleType.__getattribute__(self, name)


class _Origins:
    """Knows which generators got their state from the host, while a top level is loaded that will be shared."""

    def __init__(self) -> None:
        self.watching = False
        # By identity: a subclass may have an equality of its own.
        self.fresh: weakref.WeakValueDictionary[int, random.Random] = weakref.WeakValueDictionary()
        # Those of them that were still there at the end.
        self.renewed: list[random.Random] = []
        # The shared one is among them, and nobody can draw from it unnoticed: seeding waits until somebody does.
        self.shared_waits = False
        # Who held a function that draws directly before the top level was executed.
        self.holders: tuple[set[int], int] = (set(), 0)
        # Hashes of states that such generators gave out, so that putting one back is not taken for a seed.
        self.states: set[int] = set()
        # The hash of the shared one's state before anybody drew from it.
        self.undrawn: int | None = None

    def note(self, generator: random.Random, from_host: bool) -> None:
        if self.watching and from_host:
            self.fresh[id(generator)] = generator
        elif self.watching:
            self.fresh.pop(id(generator), None)


_origins = _Origins()


def watch_generators() -> None:
    """At build time: lets `_origins` see how generators get their state."""

    @functools.wraps(_seed)
    def seed(self: random.Random, a: object = None, version: int = 2) -> None:
        if self is _shared:
            _stop_waiting()
        _seed(self, a, version)
        _origins.note(self, a is None)

    @functools.wraps(_getstate)
    def getstate(self: random.Random) -> tuple:
        if self is _shared and _WAITING in vars(self):
            _settle()
        state = _getstate(self)
        if id(self) in _origins.fresh:
            _origins.states.add(hash(state))
        return state

    @functools.wraps(_setstate)
    def setstate(self: random.Random, state: tuple) -> None:
        if self is _shared:
            _stop_waiting()
        _setstate(self, state)
        _origins.note(self, bool(_origins.states) and hash(_getstate(self)) in _origins.states)

    for method in (seed, getstate, setstate):
        setattr(_Random, method.__name__, method)
        setattr(random, method.__name__, getattr(_shared, method.__name__))


def put_off() -> None:
    """At build time: what componentize-py takes for `random.seed`, and calls in every execution, does nothing. The first
    step that executes source puts the function back."""
    _names["seed"] = _nothing


def _nothing() -> None:
    """Seeding is put off until somebody draws."""


def renew() -> None:
    """For source that is about to be executed."""
    if _names["seed"] is _nothing:
        _names["seed"] = _shared.seed
        _module.__class__ = _Untouched
    elif type(_module) is not _Untouched:
        _seed_shared()
    logging._startTime = _now()


def watch() -> None:
    """For source whose top level is about to be executed once for many executions."""
    _origins.fresh.clear()
    _origins.states.clear()
    _origins.undrawn = None
    _origins.watching = True
    _origins.holders = _holders_of_direct_draws()
    if type(_module) is not _Untouched:
        _origins.note(_shared, True)


def unwatch() -> None:
    """After that top level."""
    _origins.watching = False
    if _origins.undrawn is not None and hash(_getstate(_shared)) != _origins.undrawn:
        # What it drew is kept, so the host is to know that it wanted chance.
        _urandom(1)
    _origins.shared_waits = id(_shared) in _origins.fresh and not _is_drawn_from_directly()
    if _origins.shared_waits:
        del _origins.fresh[id(_shared)]
    _origins.renewed = list(_origins.fresh.values())
    _origins.fresh.clear()
    _origins.states.clear()


def renew_loaded() -> None:
    """For a handler whose top level was executed in another attempt: seeds again what the host had seeded there."""
    for generator in _origins.renewed:
        _seed(generator)
    if _origins.shared_waits:
        _wait_for_draws()
    vars(uuid).update(_unused_uuid)
    logging._startTime = _now()


def _is_drawn_from_directly() -> bool:
    """Whether a top level has taken one of the two functions from the module that are not written in Python. All others draw
    by looking up a method of the generator, which can be noticed."""
    (before, pairs_before), (holders, pairs) = _origins.holders, _holders_of_direct_draws()
    return pairs > pairs_before or not holders <= before


def _holders_of_direct_draws() -> tuple[set[int], int]:
    """Who refers to the two, and how many pairs of them do: asking makes such a pair of its own."""
    draws = tuple(map(_names.get, _BUILTIN_DRAWS))
    found = gc.get_referrers(*draws)
    pairs = [holder for holder in found if type(holder) is tuple and holder == draws]
    return {id(holder) for holder in found} - {id(pair) for pair in pairs}, len(pairs)


def _wait_for_draws() -> None:
    """Lets the shared generator be seeded as soon as somebody looks into the module, or draws by a method taken from it."""
    _module.__class__ = _Untouched
    vars(_shared).update(_SETTLING, gauss_next=None)


def _stop_waiting() -> None:
    _module.__class__ = types.ModuleType
    own = vars(_shared)
    for name in _SETTLING:
        own.pop(name, None)


def _settle() -> None:
    _stop_waiting()
    _seed_shared()


def _draw(name: str, *arguments: object) -> object:
    """Stands for a method of the shared generator that waits to be seeded."""
    _settle()
    return getattr(_shared, name)(*arguments)


_BUILTIN_DRAWS = ("random", "getrandbits")
_WAITING = "_randbelow"
_SETTLING = {name: functools.partial(_draw, name) for name in (*_BUILTIN_DRAWS, _WAITING)}


def _seed_shared() -> None:
    if _origins.watching:
        # It will be seeded again. Many packages only look into the module, which is no use of chance that the host should see.
        _seed(_shared, 0)
        _origins.undrawn = hash(_getstate(_shared))
    else:
        _seed(_shared)
    _origins.note(_shared, True)


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
    """Raises RuntimeError if the snapshot would hold random state that is not made anew."""
    strays = [item for item in gc.get_objects() if isinstance(item, random.Random) and not _is_renewed(item)]
    if strays:
        raise RuntimeError(f"seeded at build time and never again: {strays}")
    if tempfile._name_sequence is not None:
        raise RuntimeError("tempfile was used at build time: every execution would choose the same names")
    if any(getattr(uuid, name) != value for name, value in _unused_uuid.items()):
        raise RuntimeError("uuid was used at build time: its node and clock would be the same in every execution")
    _check_holders()


def _is_renewed(generator: random.Random) -> bool:
    return generator is _shared or isinstance(generator, random.SystemRandom)


def _check_holders() -> None:
    """Nobody but the module `random` may hold the shared generator or a method of it, and draw without seeding it."""
    holders = gc.get_referrers(_shared)
    known = {id(_names), id(globals()), id(holders)}
    for holder in holders:
        is_method = getattr(holder, "__self__", None) is _shared
        if id(holder) not in known and not (is_method and known.issuperset(map(id, gc.get_referrers(holder)))):
            raise RuntimeError(
                f"draws from the generator of the module random without looking into it: {holder!r:.300}"
            )
