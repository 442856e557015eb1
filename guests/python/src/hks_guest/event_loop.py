"""asyncio without sockets, threads and signals.

The ordinary event loop waits in `select` on a pair of sockets. This one has nothing to wait for but time, so it sleeps
until the next timer. Tasks, timeouts, locks, queues and task groups are asyncio's own. When nothing is ready and no
timer is left, nothing can ever happen again: that is an error that names the waiting code, not a hang.
Functions for an executor run at once, in the only thread there is.
"""

import asyncio
import asyncio.base_events
import asyncio.events
import time
from collections.abc import Awaitable, Callable

from hks_guest.unsupported import NO_NETWORK, NO_PROCESSES, NO_SIGNALS, refusal

_sleep = time.sleep
_run = asyncio.run
_NETWORK = """
    create_connection create_datagram_endpoint create_server create_unix_connection create_unix_server
    connect_accepted_socket getaddrinfo getnameinfo sock_accept sock_connect sock_recv sock_recv_into sock_recvfrom
    sock_sendall sock_sendfile sock_sendto start_tls add_reader add_writer
""".split()
_PROCESSES = ("subprocess_exec", "subprocess_shell", "connect_read_pipe", "connect_write_pipe")


class _Timers:
    """Stands where the ordinary loop has its selector: waits for time only."""

    def __init__(self, waiting: Callable[[], str]) -> None:
        self._waiting = waiting

    def select(self, timeout: float | None) -> list:
        if timeout is None:
            raise RuntimeError(f"the event loop would wait forever: nothing is left to run{self._waiting()}")
        if timeout > 0:
            _sleep(timeout)
        return []


class SandboxLoop(asyncio.base_events.BaseEventLoop):
    """The event loop of the sandbox."""

    def __init__(self) -> None:
        super().__init__()
        self._selector = _Timers(self._waiting_tasks)

    def _process_events(self, event_list: list) -> None:
        """There are no events besides timers, which the base class handles."""

    def _write_to_self(self) -> None:
        """Wakes a loop that another thread waits in; there is none."""

    def _waiting_tasks(self) -> str:
        places = []
        for task in asyncio.all_tasks(self):
            places += [f"{frame.f_code.co_qualname} at line {frame.f_lineno}" for frame in task.get_stack(limit=1)]
        return f", while {' and '.join(sorted(places))} is still waiting" if places else ""

    def run_in_executor(self, executor: object, func: Callable, *args: object) -> asyncio.Future:
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except StopIteration:
            future.set_exception(RuntimeError("StopIteration cannot leave a function that runs in an executor"))
        except Exception as error:
            future.set_exception(error)
        return future

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """There is none to shut down."""

    def add_signal_handler(self, sig: int, callback: Callable, *args: object) -> None:
        raise NotImplementedError(NO_SIGNALS)

    def remove_signal_handler(self, sig: int) -> bool:
        return False


def install() -> None:
    """Makes `SandboxLoop` what `asyncio.run` and `asyncio.new_event_loop` use."""
    for names, reason in ((_NETWORK, NO_NETWORK), (_PROCESSES, NO_PROCESSES)):
        for name in names:
            setattr(SandboxLoop, name, refusal(f"asyncio {name}", reason))

    class Policy(asyncio.events._BaseDefaultEventLoopPolicy):
        _loop_factory = SandboxLoop

    asyncio.events._event_loop_policy = Policy()
    asyncio.EventLoop = asyncio.SelectorEventLoop = SandboxLoop


def run_to_end(awaitable: Awaitable) -> object:
    """Runs an awaitable, and the tasks that it leaves until they are cancelled, in a loop of their own."""
    if type(awaitable).__name__ == "coroutine":
        return _run(awaitable)
    return _run(_awaited(awaitable))


async def _awaited(awaitable: Awaitable) -> object:
    return await awaitable
