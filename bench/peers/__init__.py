"""Who takes part: ourselves and the peers, one file each.

A contestant does the same small thing in its own way, over and over: it runs the trivial handler with the event below,
fresh each time unless its `isolation` says otherwise, and returns what the handler returned. Each is run in a process
of its own (`lane.py`), so that the threads and the memory of one are no burden to another.
"""

from __future__ import annotations

import importlib
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Awaitable, Callable, Mapping, Optional

import functions

PYTHON_HANDLER = functions.TRIVIAL.read_text()
JAVASCRIPT_HANDLER = functions.TRIVIAL_JAVASCRIPT.read_text()

EVENT = {"input": 21}
EXPECTED = {"result": 42}

Call = Callable[[], Any]
"""One execution from start to value."""

AsyncCall = Callable[[], Awaitable[Any]]
"""The same in an event loop."""


class MissingError(Exception):
    """A peer is not to be had here. The message says why, and what would bring it."""


@dataclass(frozen=True)
class Contestant:
    """One way to run the handler."""

    title: str
    """What the table calls it."""
    isolation: str
    """What stands between two executions, and between an execution and the host."""
    open: Callable[[ExitStack], Call]
    """Makes it ready; whatever has to be closed later goes on the stack. Raises `MissingError`."""
    facts: Callable[[], Mapping[str, object]] = field(default=dict)
    """Versions and settings, asked for when it is open."""
    acall: Optional[AsyncCall] = None
    """For event loops, where it has a way."""


MODULES = {
    "hks-python": "hks",
    "hks-javascript": "hks",
    "hks-python-loaded": "hks",
    "hks-javascript-loaded": "hks",
    "hks-imports-loaded": "hks",
    "hks-template-loaded": "hks",
    "python3": "python3",
    "bubblewrap": "bubblewrap",
    "pyodide-cold": "pyodide",
    "pyodide-warm": "pyodide",
    "monty": "monty",
    "eryx": "eryx",
    "eryx-no-spare": "eryx",
    "node": "node",
}
"""Contestants by name, and the file in this folder that each is in."""


def find(name: str) -> Contestant:
    """The contestant of this name. Only its own file is imported."""
    contestants: Mapping[str, Contestant] = importlib.import_module(f"peers.{MODULES[name]}").CONTESTANTS
    return contestants[name]
