"""Many executions in one event loop, without a thread for each, and none that outlives its task."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from typing import Any

import pytest

from hks_sdk import OverloadedError
from hks_sdk.functions import aexecute, execute

pytestmark = pytest.mark.usefixtures("compiled")

DOUBLE = "def handler(event): return event * 2"
SLEEP = "import time\ndef handler(event): time.sleep(60)"


async def patiently(code: str, input: Any, **limits: Any) -> Any:
    """The value, however busy the runtime is."""
    while True:
        try:
            return (await aexecute(code, input, **limits)).raise_for_error().value
        except OverloadedError:
            await asyncio.sleep(0.01)


def test_a_thousand_at_once_give_each_its_own_answer() -> None:
    async def main() -> list[Any]:
        return await asyncio.gather(*(patiently(DOUBLE, number) for number in range(1000)))

    execute(DOUBLE, 1)
    threads = threading.active_count()
    assert asyncio.run(main()) == [number * 2 for number in range(1000)]
    assert threading.active_count() <= threads + 1


def test_both_languages_run_side_by_side() -> None:
    async def main() -> list[Any]:
        script = "exports.handler = event => event * 2"
        calls = (patiently(*((script, n), (DOUBLE, n))[n % 2], language=("js", "py")[n % 2]) for n in range(100))
        return await asyncio.gather(*calls)

    assert asyncio.run(main()) == [number * 2 for number in range(100)]


def test_the_loop_goes_on_while_a_function_runs() -> None:
    async def main() -> int:
        ticks = 0
        task = asyncio.ensure_future(aexecute("import time\ndef handler(event): time.sleep(0.5)"))
        while not task.done():
            ticks += 1
            await asyncio.sleep(0.01)
        (await task).raise_for_error()
        return ticks

    assert asyncio.run(main()) > 10


def test_cancelling_the_task_ends_the_execution_at_once() -> None:
    async def main() -> float:
        task = asyncio.ensure_future(aexecute(SLEEP, timeout=60))
        await asyncio.sleep(0.2)
        began = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return time.monotonic() - began

    assert asyncio.run(main()) < 0.9


def test_a_timeout_of_the_caller_ends_the_execution() -> None:
    async def main() -> None:
        await asyncio.wait_for(aexecute("def handler(event):\n    while True: pass", timeout=60), 0.2)

    began = time.monotonic()
    with pytest.raises(asyncio.TimeoutError):
        asyncio.run(main())
    assert time.monotonic() - began < 2


def test_lines_are_awaited_in_order() -> None:
    code = "def handler(event):\n    for i in range(300): print(i)"
    seen: list[int] = []

    async def callback(line: str) -> None:
        await asyncio.sleep(0)
        seen.append(int(line))

    assert asyncio.run(aexecute(code, on_stdout=callback)).ok
    assert seen == list(range(300))


def test_an_exception_in_a_callback_ends_the_execution() -> None:
    code = "import time\ndef handler(event):\n    print('x', flush=True)\n    time.sleep(60)"

    def callback(line: str) -> None:
        raise ZeroDivisionError("mine")

    began = time.monotonic()
    with pytest.raises(ZeroDivisionError, match="mine"):
        asyncio.run(aexecute(code, on_stdout=callback, timeout=60))
    with pytest.raises(ZeroDivisionError, match="mine"):
        execute(code, on_stdout=callback, timeout=60)
    assert time.monotonic() - began < 5


def test_a_loop_that_is_closed_early_leaves_no_trace() -> None:
    async def main() -> None:
        asyncio.ensure_future(aexecute(SLEEP, timeout=60))
        await asyncio.sleep(0.1)

    for _ in range(3):
        asyncio.run(main())
    gc.collect()
    assert execute(DOUBLE, 2).value == 4


def test_execute_inside_a_running_loop_works() -> None:
    async def main() -> Any:
        return execute(DOUBLE, 21).value

    assert asyncio.run(main()) == 42
