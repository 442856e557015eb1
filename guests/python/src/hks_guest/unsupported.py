"""What cannot work in the sandbox says so, and says what to do instead.

There are no threads, processes, signals or sockets, and no native libraries. Python's own words for that are
"[Errno 58] Not supported" or an AttributeError deep inside a library. The replacements keep the exception types that
libraries catch (OSError, RuntimeError, AttributeError), and what is absent stays absent for `hasattr`.
"""

import concurrent.futures
import concurrent.futures.thread
import http.client
import multiprocessing.context
import multiprocessing.process
import os
import socket
import subprocess
import sys
import threading
import time
import types
import urllib.error
import urllib.request
from collections.abc import Callable

NO_NETWORK = (
    "there is no network in the sandbox. Pass what the function needs in its event, or use the container runtime"
)
NO_THREADS = (
    "the sandbox has one thread. Call the function directly, wait for several things at once with asyncio, or use the "
    "container runtime"
)
NO_PROCESSES = "the sandbox cannot run other programs. Do it in Python, or use the container runtime"
NO_SIGNALS = "no signals reach a function in the sandbox. Mind context.remaining_time_ms() instead"

_SOCKET_FUNCTIONS = """
    create_connection create_server getaddrinfo gethostbyaddr gethostbyname gethostbyname_ex getnameinfo socketpair
    fromfd
""".split()
_MULTIPROCESSING = """
    Array Barrier Condition Event JoinableQueue Lock Manager Pipe Pool Queue RawArray RawValue RLock Semaphore
    SimpleQueue Value
""".split()
_ABSENT_FROM_OS = dict.fromkeys(
    """
    execl execle execlp execlpe execv execve execvp execvpe fork forkpty posix_spawn posix_spawnp spawnl spawnle
    spawnlp spawnlpe spawnv spawnve spawnvp spawnvpe system startfile wait wait3 wait4 waitpid waitid
    """.split(),
    NO_PROCESSES,
) | dict.fromkeys(["kill", "killpg", "abort"], NO_SIGNALS)


def refusal(what: str, reason: str, kind: type[Exception] = OSError) -> Callable:
    """A function that takes anything and raises `kind`, saying that `what` cannot work and why."""
    message = f"{what} cannot work here: {reason}"

    def refuse(*args: object, **kwargs: object) -> None:
        raise kind(message)

    refuse.__name__ = refuse.__qualname__ = what.rpartition(".")[2].rpartition(" ")[2]
    return refuse


def install() -> None:
    """Replaces what is there and cannot work, and explains what is absent."""
    _refuse_network()
    _refuse_processes()
    _refuse_threads()
    sys.breakpointhook = refusal("breakpoint()", "nobody sits at a terminal. Print, or use logging", RuntimeError)
    os._exit = _leave
    _explain_absent(os, _ABSENT_FROM_OS)
    _explain_absent(http.client, {"HTTPSConnection": NO_NETWORK})


def _refuse_network() -> None:
    socket.socket.__init__ = refusal("socket.socket", NO_NETWORK)
    # Else each failed attempt would end in a second error, from an object that was never set up.
    socket.socket.__repr__ = object.__repr__
    for name in _SOCKET_FUNCTIONS:
        if hasattr(socket, name):
            setattr(socket, name, refusal(f"socket.{name}", NO_NETWORK))
    refuse_url = refusal("this URL", NO_NETWORK, urllib.error.URLError)
    urllib.request.HTTPHandler.http_open = refuse_url
    urllib.request.FTPHandler.ftp_open = refuse_url
    # Without TLS, https is an unknown kind of URL to the library.
    urllib.request.UnknownHandler.unknown_open = refuse_url


def _refuse_processes() -> None:
    subprocess.Popen.__init__ = refusal("subprocess", NO_PROCESSES)
    subprocess.Popen.returncode = None
    os.popen = refusal("os.popen", NO_PROCESSES)
    multiprocessing.process.BaseProcess.start = refusal("multiprocessing", NO_PROCESSES)
    concurrent.futures.ProcessPoolExecutor = refusal("ProcessPoolExecutor", NO_PROCESSES)
    for name in _MULTIPROCESSING:
        refuse = refusal(f"multiprocessing.{name}", NO_PROCESSES)
        setattr(multiprocessing.context.BaseContext, name, refuse)
        setattr(multiprocessing, name, refuse)


def _refuse_threads() -> None:
    threading.Thread.start = refusal("a thread", NO_THREADS, RuntimeError)
    threading.Timer.start = refusal("threading.Timer", NO_THREADS, RuntimeError)
    concurrent.futures.thread.ThreadPoolExecutor.submit = _submit_inline
    wait, sleep = threading.Condition.wait, time.sleep

    def wait_for_time(self: threading.Condition, timeout: float | None = None) -> bool:
        if timeout is None:
            raise RuntimeError(f"waiting without a timeout would never end: {NO_THREADS}")
        # Nobody else can notify: the time passes, and then it is over.
        sleep(max(0.0, timeout))
        return wait(self, 0)

    # What events, semaphores, barriers and queues wait with, too.
    threading.Condition.wait = wait_for_time


def _submit_inline(self: concurrent.futures.Executor, fn: Callable, /, *args: object, **kwargs: object):
    """Runs the function at once: right for independent work, which is what thread pools are mostly used for."""
    if self._shutdown:
        raise RuntimeError("cannot schedule new futures after shutdown")
    future = concurrent.futures.Future()
    future.set_running_or_notify_cancel()
    try:
        future.set_result(fn(*args, **kwargs))
    except BaseException as error:
        future.set_exception(error)
    return future


def _leave(status: int) -> None:
    """`os._exit`, as an exception: ending the instance would lose what was printed, and look like a crash."""
    raise SystemExit(status)


def _explain_absent(module: types.ModuleType, reasons: dict[str, str]) -> None:
    """Gives the AttributeError of an absent name a message that helps; the name stays absent."""
    absent = {name: reason for name, reason in reasons.items() if not hasattr(module, name)}

    def explain(name: str) -> None:
        reason = absent.get(name)
        detail = f": it cannot work here, because {reason}" if reason else ""
        raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}{detail}", name=name, obj=module)

    module.__getattr__ = explain
    for name in reasons.keys() - absent.keys():
        setattr(module, name, refusal(f"{module.__name__}.{name}", reasons[name]))
