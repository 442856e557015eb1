"""Waits on the caller's own thread for an execution to end, handing over lines as they come.

Nothing outlives the wait: whatever ends it early (Ctrl-C, an exception in a callback) cancels the execution and gives
it a moment to be gone before the exception goes on its way.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Optional

from hks_sdk import _embedded
from hks_sdk._embedded import WAIT_S
from hks_sdk.errors import InvalidArgumentError

if TYPE_CHECKING:
    from hks_sdk._hks import Execution
    from hks_sdk._request import Call, LineCallback

END_WAIT_S = 1.0
"""How long a canceled execution may take to be gone. The runtime stops a guest within a few milliseconds."""


def wait(execution: Execution, on_stdout: Optional[LineCallback], on_stderr: Optional[LineCallback]) -> str:
    """The report's JSON. Ctrl-C is seen within `WAIT_S`."""
    try:
        while True:
            event = execution.next(WAIT_S)
            if event is None:
                _embedded.PROCESS.refuse_fork()  # a callback may have forked
                continue
            kind, text = event
            if kind == "report":
                return text
            callback = on_stdout if kind == "stdout" else on_stderr
            if callback is not None:
                callback(text)
    except BaseException:
        _cancel(execution)
        raise


def refuse_coroutines(call: Call) -> None:
    """Raises `InvalidArgumentError` if a callback makes coroutines, which only an event loop can run."""
    for name, callback in (("on_stdout", call.on_stdout), ("on_stderr", call.on_stderr)):
        if callback is not None and _is_coroutine_callback(callback):
            raise InvalidArgumentError(f"{name}: a coroutine function needs an event loop; use aexecute")


def _is_coroutine_callback(callback: object) -> bool:
    import inspect

    return inspect.iscoroutinefunction(callback) or inspect.iscoroutinefunction(getattr(callback, "__call__", None))  # noqa: B004


def _cancel(execution: Execution) -> None:
    try:
        execution.cancel()
        deadline = time.monotonic() + END_WAIT_S
        while (left := deadline - time.monotonic()) > 0:
            event = execution.next(min(left, WAIT_S))
            if event is not None and event[0] == "report":
                return
    except Exception:
        # The exception that ended the wait is the one to tell of. Only a second Ctrl-C goes before it.
        return
