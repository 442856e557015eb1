"""Waiting hands lines over in order, and whatever ends it early cancels the execution."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fake_native import FakeRuntime, report_json
from hks_sdk.functions import aexecute, execute

CODE = "def handler(event): return event"
END = ("report", report_json(value=1))
LINES = [("stdout", "a"), ("stderr", "b"), ("stdout", ""), END]


class Stop(BaseException):
    """Neither an Exception nor known to anybody."""


def test_lines_reach_their_callbacks_in_order(fake: FakeRuntime) -> None:
    fake.events = LINES
    seen: list[tuple[str, str]] = []
    execute(CODE, on_stdout=lambda line: seen.append(("out", line)), on_stderr=lambda line: seen.append(("err", line)))
    assert seen == [("out", "a"), ("err", "b"), ("out", "")]


def test_a_stream_without_a_callback_is_dropped(fake: FakeRuntime) -> None:
    fake.events = LINES
    seen: list[str] = []
    assert execute(CODE, on_stderr=seen.append).ok
    assert seen == ["b"]


def test_without_a_callback_nothing_is_handed_to_another_thread(fake: FakeRuntime) -> None:
    assert execute(CODE).value == 42
    assert len(fake.starts) == 1 and not fake.executions


def test_a_stream_that_is_there_already_is_read_without_waiting(fake: FakeRuntime) -> None:
    execute(CODE, on_stdout=print)
    assert len(fake.executions[0].waits) == 1


@pytest.mark.parametrize("error", [ZeroDivisionError("mine"), KeyboardInterrupt(), Stop()])
def test_an_exception_in_a_callback_cancels_and_goes_on(fake: FakeRuntime, error: BaseException) -> None:
    def callback(line: str) -> None:
        raise error

    fake.events = LINES
    with pytest.raises(type(error)) as caught:
        execute(CODE, on_stdout=callback)
    assert caught.value is error
    assert fake.executions[0].canceled.is_set()


def test_a_native_error_while_canceling_does_not_hide_the_first(fake: FakeRuntime) -> None:
    def callback(line: str) -> None:
        fake.executions[0].next = lambda timeout_s: 1 / 0  # type: ignore[method-assign, assignment, return-value]
        raise KeyError("first")

    fake.events = LINES
    with pytest.raises(KeyError, match="first"):
        execute(CODE, on_stdout=callback)


def test_async_lines_reach_their_callbacks_in_order(fake: FakeRuntime) -> None:
    fake.events = [("stdout", str(number)) for number in range(1000)] + [END]
    seen: list[str] = []

    async def slow(line: str) -> None:
        await asyncio.sleep(0)
        seen.append(line)

    assert asyncio.run(aexecute(CODE, on_stdout=slow)).value == 1
    assert seen == [str(number) for number in range(1000)]


def test_async_plain_callbacks_leave_other_tasks_their_turn(fake: FakeRuntime) -> None:
    fake.events = [("stdout", str(number)) for number in range(1000)] + [END]
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def main() -> None:
        task = asyncio.ensure_future(other())
        await aexecute(CODE, on_stdout=lambda line: None)
        task.cancel()

    asyncio.run(main())
    assert turns >= 10


def test_async_exception_in_a_callback_cancels_and_goes_on(fake: FakeRuntime) -> None:
    async def callback(line: str) -> None:
        raise ZeroDivisionError("mine")

    fake.events = LINES
    with pytest.raises(ZeroDivisionError, match="mine"):
        asyncio.run(aexecute(CODE, on_stdout=callback))
    assert fake.executions[0].canceled.is_set()


def test_async_cancellation_cancels_the_execution(fake: FakeRuntime) -> None:
    fake.endless = True

    async def main() -> None:
        task = asyncio.ensure_future(aexecute(CODE))
        while not fake.executions:
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert fake.executions[0].canceled.is_set()

    asyncio.run(main())


def test_async_timeouts_cancel_the_execution(fake: FakeRuntime) -> None:
    fake.endless = True

    async def main() -> None:
        task = asyncio.ensure_future(aexecute(CODE))
        while not fake.executions:
            await asyncio.sleep(0.001)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(task, 0.05)
        assert fake.executions[0].canceled.is_set()

    asyncio.run(main())


def test_a_coroutine_that_is_closed_cancels_the_execution(fake: FakeRuntime) -> None:
    fake.endless = True
    coroutine = aexecute(CODE)

    async def main() -> None:
        await asyncio.wait_for(_Steps(coroutine, 20), 5)

    asyncio.run(main())
    coroutine.close()
    assert fake.executions[0].canceled.is_set()


class _Steps:
    """Drives a coroutine for some steps and leaves it suspended."""

    def __init__(self, coroutine: Any, steps: int) -> None:
        self._coroutine = coroutine
        self._steps = steps

    def __await__(self) -> Any:
        for _ in range(self._steps):
            future = self._coroutine.send(None)
            if future is not None and hasattr(future, "_asyncio_future_blocking"):
                future._asyncio_future_blocking = False
            yield from asyncio.sleep(0.001).__await__()


def test_many_at_once_in_one_loop(fake: FakeRuntime) -> None:
    async def main() -> list[Any]:
        return await asyncio.gather(*(aexecute(CODE, number) for number in range(500)))

    assert [result.value for result in asyncio.run(main())] == [42] * 500


def test_execute_works_inside_a_running_loop(fake: FakeRuntime) -> None:
    async def main() -> Any:
        return execute(CODE).value

    assert asyncio.run(main()) == 42
