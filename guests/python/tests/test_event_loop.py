"""asyncio works without sockets, threads and signals, and never waits for nothing."""

import asyncio
import time

import pytest

from hks_guest.event_loop import SandboxLoop, install


def run(coroutine) -> object:
    with asyncio.Runner(loop_factory=SandboxLoop) as runner:
        return runner.run(coroutine)


def test_tasks_timeouts_and_queues_work() -> None:
    async def work(number: int) -> int:
        await asyncio.sleep(0.001)
        return number

    async def main() -> list:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(work(number)) for number in range(3)]
        queue: asyncio.Queue[int] = asyncio.Queue()
        asyncio.get_running_loop().call_later(0.001, queue.put_nowait, 7)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.005):
                await asyncio.sleep(10)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.Event().wait(), 0.005)
        return [task.result() for task in tasks] + await asyncio.gather(work(3), work(4)) + [await queue.get()]

    assert run(main()) == [0, 1, 2, 3, 4, 7]


def test_sleep_takes_its_time_once() -> None:
    async def main() -> None:
        await asyncio.gather(*(asyncio.sleep(0.05) for _ in range(20)))

    started = time.monotonic()
    run(main())
    assert 0.05 <= time.monotonic() - started < 0.5


def test_threads_run_inline() -> None:
    async def main() -> list:
        def fail() -> None:
            raise KeyError("inline")

        with pytest.raises(KeyError):
            await asyncio.to_thread(fail)
        return [await asyncio.to_thread(sum, [1, 2]), await asyncio.get_running_loop().run_in_executor(None, len, "ab")]

    assert run(main()) == [3, 2]


def test_waiting_for_nothing_is_an_error_that_names_the_place() -> None:
    async def main() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(RuntimeError, match=r"would wait forever.*main at line \d+ is still waiting"):
        run(main())


def test_network_and_processes_are_refused(monkeypatch) -> None:
    monkeypatch.setattr(asyncio.events, "_BaseDefaultEventLoopPolicy", object, raising=False)
    for name in ("EventLoop", "SelectorEventLoop"):
        monkeypatch.setattr(asyncio, name, None, raising=False)
    monkeypatch.setattr(asyncio.events, "_event_loop_policy", None)
    install()
    monkeypatch.undo()

    async def main() -> None:
        with pytest.raises(OSError, match="there is no network in the sandbox"):
            await asyncio.open_connection("example.com", 80)
        with pytest.raises(OSError, match="cannot run other programs"):
            await asyncio.create_subprocess_exec("ls")
        with pytest.raises(NotImplementedError, match="no signals"):
            asyncio.get_running_loop().add_signal_handler(2, print)

    run(main())
