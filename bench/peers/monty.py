"""Monty: a small interpreter in Rust for a part of Python, in worker processes that are kept and used again."""

from __future__ import annotations

from contextlib import ExitStack
from importlib import metadata
from typing import Mapping

from peers import EVENT, PYTHON_HANDLER, Call, Contestant, MissingError

SCRIPT = PYTHON_HANDLER + "handler(event)\n"
WORKERS = 2
# What ours has by default; Monty's own default is no limit.
SECONDS_MAX = 30.0
MEMORY_BYTES_MAX = 128 << 20


def _open(stack: ExitStack) -> Call:
    try:
        from pydantic_monty import Monty, ResourceLimits
    except ImportError as error:
        raise MissingError(f"pydantic_monty cannot be imported ({error}); it needs Python 3.10 or newer") from error
    pool = stack.enter_context(Monty(min_processes=WORKERS, max_processes=WORKERS))
    limits = ResourceLimits(max_feed_duration_secs=SECONDS_MAX, max_memory=MEMORY_BYTES_MAX)

    def call() -> object:
        with pool.checkout(limits=limits) as session:
            return session.feed_run(SCRIPT, inputs={"event": EVENT})

    return call


def facts() -> Mapping[str, object]:
    """The version."""
    return {"version": metadata.version("pydantic-monty")}


CONTESTANTS = {
    "monty": Contestant(
        "Monty",
        "an interpreter without system calls, in a process that is used again; not CPython: a part of the language and "
        "of the standard library; given the limits of time and memory that ours has by default",
        _open,
        facts,
    )
}
