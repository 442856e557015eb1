"""Eryx: the same CPython as ours on the same Wasmtime, embedded in Python as we are. The nearest peer."""

from __future__ import annotations

import os
from contextlib import ExitStack
from importlib import metadata
from typing import Mapping

from peers import PYTHON_HANDLER, Call, Contestant, MissingError

# It hands over no event as data: whoever embeds it writes the event into the source.
SCRIPT = PYTHON_HANDLER + 'result = handler({"input": 21})\n'


def _open(stack: ExitStack) -> Call:
    try:
        import eryx
    except ImportError as error:
        raise MissingError(f"eryx cannot be imported ({error}); its wheels need Python 3.12 or newer") from error

    return lambda: eryx.Sandbox().execute(SCRIPT).result


def _open_without_spare(stack: ExitStack) -> Call:
    os.environ["ERYX_WARM_INSTANCES"] = "0"  # read when it is imported
    return _open(stack)


def facts() -> Mapping[str, object]:
    """The version."""
    return {"version": metadata.version("pyeryx")}


_ISOLATION = (
    "a fresh WebAssembly instance each time, as ours; fuel is counted but not limited unless asked for; the event is part "
    "of the source; no /tmp"
)

CONTESTANTS = {
    "eryx": Contestant("Eryx", f"{_ISOLATION}; a spare instance is made on another thread meanwhile", _open, facts),
    "eryx-no-spare": Contestant("Eryx, no spare instance", _ISOLATION, _open_without_spare, facts),
}
