"""Waits in an event loop for an execution to end, without a thread: thousands may be under way in one loop.

The native module calls `wake` from a thread of its own whenever there is something to read. That only sets an event
in the loop; the reading is done by the task that waits. Cancelling the task cancels the execution and waits a moment
for it to be gone, so that nothing outlives the task.

Loading a function is rarer, and takes a thread.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
from typing import TYPE_CHECKING, Callable, Optional, TypeVar

from hks_sdk._waiting import END_WAIT_S

if TYPE_CHECKING:
    from hks_sdk._hks import Execution
    from hks_sdk._request import Call, LineCallback

T = TypeVar("T")
Wake = Callable[[], object]

LINES_AT_ONCE_MAX = 64
"""Lines that are handed over before other tasks of the loop have their turn."""


async def run(start: Callable[[Wake], Execution], call: Call) -> str:
    """Has the execution of `call` started, and returns the report's JSON."""
    readable = _Readable()
    execution = start(readable.wake)
    try:
        return await _read(execution, readable, call.on_stdout, call.on_stderr)
    except GeneratorExit:
        # The loop is gone, and so is every way to wait.
        execution.cancel()
        raise
    except BaseException:
        await _cancel(execution, readable)
        raise


async def in_thread(work: Callable[[Callable[[], bool]], T]) -> T:
    """What `work` returns or raises, on a thread of the loop's pool. It is handed a question that it asks from time to
    time: whether it was canceled, which it is with the task.
    """
    canceled = threading.Event()
    working = asyncio.get_running_loop().run_in_executor(None, work, canceled.is_set)
    # Nobody may be left to hear how it ended.
    working.add_done_callback(lambda done: done.cancelled() or done.exception())
    try:
        return await asyncio.shield(working)
    except asyncio.CancelledError:
        canceled.set()
        await asyncio.wait({working}, timeout=END_WAIT_S)
        raise
    except GeneratorExit:
        # The loop is gone, and so is every way to wait.
        canceled.set()
        raise


class _Readable:
    """An event that a foreign thread may set."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._event = asyncio.Event()

    def wake(self) -> None:
        """Called on a thread of the native module."""
        try:
            self._loop.call_soon_threadsafe(self._event.set)
        except RuntimeError:
            return  # the loop is closed, so nobody waits any more

    async def wait(self) -> None:
        await self._event.wait()
        # Whatever comes after this sets it again, and whatever came before is about to be read.
        self._event.clear()


async def _read(
    execution: Execution,
    readable: _Readable,
    on_stdout: Optional[LineCallback],
    on_stderr: Optional[LineCallback],
) -> str:
    lines = 0
    while True:
        event = execution.next(0)
        if event is None:
            await readable.wait()
            continue
        kind, text = event
        if kind == "report":
            return text
        callback = on_stdout if kind == "stdout" else on_stderr
        if callback is not None:
            answer = callback(text)
            if inspect.isawaitable(answer):
                await answer
        lines += 1
        if lines % LINES_AT_ONCE_MAX == 0:
            await asyncio.sleep(0)


async def _cancel(execution: Execution, readable: _Readable) -> None:
    try:
        execution.cancel()
        await asyncio.wait_for(_read(execution, readable, None, None), END_WAIT_S)
    except Exception:
        # The exception that ended the wait is the one to tell of. Only another cancellation goes before it.
        return
