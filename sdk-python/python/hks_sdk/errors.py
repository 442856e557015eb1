"""Every exception that this package raises, in one tree.

A failure of the *function* is data (`ExecutionResult.error`) and only becomes an exception when the caller asks for
it with `ExecutionResult.raise_for_error()`, or where there is no result to return, as from `load`. What is raised by
`execute` itself is never the function's fault.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hks_sdk._escapes import neutralise

if TYPE_CHECKING:
    from hks_sdk._result import ExecutionResult

__all__ = [
    "ForkedProcessError",
    "FunctionError",
    "GuestNotFoundError",
    "HksError",
    "InfrastructureError",
    "InvalidArgumentError",
    "OverloadedError",
]


class HksError(Exception):
    """Base of all exceptions of this package. Catch it to catch them all."""


class InvalidArgumentError(HksError, ValueError):
    """An argument has a wrong type or lies outside its bounds; nothing was executed.

    The message names the argument, the value and what would be right. Mend the call: trying again does not help. Also
    raised for a file that cannot be resumed, and for saving a function that has no snapshot.
    """


class InfrastructureError(HksError):
    """The execution could not be started, or its result could not be had, for a reason outside the function.

    Examples: the native module is missing, the cache folder cannot be written, `HKS_API_URL` is set. The message says
    what to do. The function may or may not have run.
    """


class ForkedProcessError(InfrastructureError):
    """The runtime was used in a child made by `os.fork()` after the parent had used it; its threads did not survive
    the fork.

    Use the "spawn" (or "forkserver") start method of `multiprocessing`, or make the first call in the child.
    """


class GuestNotFoundError(InfrastructureError):
    """The interpreter for the language is not in the installed package.

    Install the wheel again, or run `cargo xtask guests` in a clone of the source.
    """


class OverloadedError(InfrastructureError):
    """Too many executions are under way in this process; this one was not started.

    Wait for others to end and try again, or bound the number of calls under way, for example with
    `asyncio.Semaphore`.
    """


class FunctionError(HksError):
    """The function itself did not succeed. Raised by `ExecutionResult.raise_for_error()`, and by `functions.load` for
    what the function's top level did.

    `name`, `message` and `traceback` are those of the function's own exception, or name the limit that it met.
    `result` is the whole `ExecutionResult`, with logs and usage.
    """

    def __init__(self, name: str, message: str, traceback: str, result: ExecutionResult) -> None:
        super().__init__(name, message, traceback, result)
        self.name = name
        self.message = message
        self.traceback = traceback
        self.result = result

    def __str__(self) -> str:
        """One line, then the function's traceback; terminal escapes that the function put there are made visible."""
        line = f"{self.name}: {self.message}" if self.message else self.name
        text = f"{line}\n\n{self.traceback.rstrip()}" if self.traceback.strip() else line
        return neutralise(text)
