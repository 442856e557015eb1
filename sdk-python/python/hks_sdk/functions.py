"""Runs functions: `execute` waits on the caller's thread, `aexecute` in its event loop.

Both run the code in this process, in a WebAssembly sandbox of its own, with finite time, memory and fuel, and no
access to files, network or environment of the caller. They raise for wrong arguments and for faults of the
infrastructure only; how the function fared is in the result.
"""

from __future__ import annotations

import os
from typing import Any, Mapping, Optional

from hks_sdk import _embedded, _waiting
from hks_sdk._request import LineCallback, Timeout, check
from hks_sdk._result import ExecutionResult
from hks_sdk.errors import InfrastructureError, InvalidArgumentError

__all__ = ["aexecute", "execute"]


def execute(
    code: str,
    input: Any = None,
    *,
    language: str = "python",
    timeout: Timeout = 30,
    memory_mb: int = 128,
    fuel: Optional[int] = None,
    env: Optional[Mapping[str, str]] = None,
    on_stdout: Optional[LineCallback] = None,
    on_stderr: Optional[LineCallback] = None,
) -> ExecutionResult:
    """Runs the handler in `code` with `input` in a fresh sandbox and returns how it went.

    Args:
        code: Source with a handler: `def handler(event)` or `def handler(event, context)`, also `async`, in Python;
            `exports.handler`, `module.exports`, `export function handler` or `export default` in JavaScript. Python
            code may be indented as a whole. At most 1 MiB.
        input: What the handler gets as `event`: anything that JSON can say, at most 6 MiB and 200 levels deep.
        language: `"python"` (or `"py"`), `"javascript"` (or `"js"`).
        timeout: Seconds, or a `timedelta`; 0.001 to 900. Time in which nothing is computed counts, too.
        memory_mb: Mebibytes for the instance, interpreter included; 8 to 2,048.
        fuel: Units of WebAssembly work, 1 to 90,000,000,000,000; derived from the timeout unless given.
        env: Environment variables of the function. It sees nothing of the caller's.
        on_stdout: Called with each line that the function prints, on this thread, while it runs.
        on_stderr: The same for stderr.

    Returns:
        The result. A function that raised, or that met a limit, is a result with `ok` false and an `error`.

    Raises:
        InvalidArgumentError: An argument is wrong; nothing was run.
        InfrastructureError: The runtime could not run it; see its subclasses.
        Exception: Whatever a callback raises; the execution is canceled. The same goes for Ctrl-C.

    The first use of a language on a machine compiles its interpreter, which takes up to a minute and shows progress
    on stderr. May be called from any number of threads. In a coroutine it works but blocks the event loop: use
    `aexecute` there.
    """
    request = check(code, input, language, timeout, memory_mb, fuel, env, on_stdout, on_stderr)
    for name, callback in (("on_stdout", on_stdout), ("on_stderr", on_stderr)):
        if callback is not None and _waiting.is_coroutine_callback(callback):
            raise InvalidArgumentError(f"{name}: a coroutine function needs an event loop; use aexecute")
    _refuse_remote()
    runtime = _embedded.PROCESS.ready(request.language)
    return ExecutionResult(_waiting.wait(request.start(runtime, None), on_stdout, on_stderr))


async def aexecute(
    code: str,
    input: Any = None,
    *,
    language: str = "python",
    timeout: Timeout = 30,
    memory_mb: int = 128,
    fuel: Optional[int] = None,
    env: Optional[Mapping[str, str]] = None,
    on_stdout: Optional[LineCallback] = None,
    on_stderr: Optional[LineCallback] = None,
) -> ExecutionResult:
    """As `execute`, for event loops: nothing blocks, and no thread waits.

    Callbacks run in the event loop. One that returns an awaitable is awaited before the next line is handed over.
    Cancelling the task cancels the execution.
    """
    request = check(code, input, language, timeout, memory_mb, fuel, env, on_stdout, on_stderr)
    _refuse_remote()
    from hks_sdk import _async

    return ExecutionResult(await _async.run(request))


def _refuse_remote() -> None:
    """Code that its caller meant for a server must not run on this machine without a word."""
    url = os.environ.get("HKS_API_URL")
    if url:
        raise InfrastructureError(
            "HKS_API_URL is set, but this version of hks-sdk cannot execute on a server yet, and does not run code "
            "here that was meant for one; unset HKS_API_URL to run it embedded, in this process"
        )
