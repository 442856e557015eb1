"""Runs functions: `execute` waits on the caller's thread, `aexecute` in its event loop.

Both run the code in this process, in a WebAssembly sandbox of its own, with finite time, memory and fuel, and no
access to files, network or environment of the caller. They raise for wrong arguments and for faults of the
infrastructure only; how the function fared is in the result.

Where a function is called often, `load` (or `aload`) runs its top level once, for all executions; `resume` takes up one
that was saved to a file.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Mapping, Optional

from hks_sdk import _embedded, _loaded, _waiting
from hks_sdk._loaded import Folder, LoadedFunction
from hks_sdk._request import (
    MEMORY_MB_DEFAULT,
    TIMEOUT_S_DEFAULT,
    LineCallback,
    Timeout,
    check_call,
    check_options,
    check_source,
)
from hks_sdk._result import ExecutionResult
from hks_sdk.errors import InfrastructureError

if TYPE_CHECKING:
    from hks_sdk._hks import Runtime

__all__ = ["aexecute", "aload", "execute", "load", "resume"]


def execute(
    code: str,
    input: Any = None,
    *,
    language: str = "python",
    timeout: Timeout = TIMEOUT_S_DEFAULT,
    memory_mb: int = MEMORY_MB_DEFAULT,
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
    source = check_source(code, language)
    call = check_call(input, check_options(timeout, memory_mb, fuel, env), on_stdout, on_stderr)
    if call.streams:
        _waiting.refuse_coroutines(call)
    runtime = _ready(source.language)
    if not call.streams:
        return ExecutionResult._of(source.execute(runtime, call))
    return ExecutionResult(_waiting.wait(source.start(runtime, call, None), on_stdout, on_stderr))


async def aexecute(
    code: str,
    input: Any = None,
    *,
    language: str = "python",
    timeout: Timeout = TIMEOUT_S_DEFAULT,
    memory_mb: int = MEMORY_MB_DEFAULT,
    fuel: Optional[int] = None,
    env: Optional[Mapping[str, str]] = None,
    on_stdout: Optional[LineCallback] = None,
    on_stderr: Optional[LineCallback] = None,
) -> ExecutionResult:
    """As `execute`, for event loops: nothing blocks, and no thread waits.

    Callbacks run in the event loop. One that returns an awaitable is awaited before the next line is handed over.
    Cancelling the task cancels the execution.
    """
    source = check_source(code, language)
    call = check_call(input, check_options(timeout, memory_mb, fuel, env), on_stdout, on_stderr)
    _refuse_remote()
    from hks_sdk import _async

    runtime = await _embedded.PROCESS.ready_async(source.language)
    return ExecutionResult(await _async.run(lambda wake: source.start(runtime, call, wake), call))


def load(
    code: str,
    *,
    language: str = "python",
    packages: Optional[Folder] = None,
    timeout: Timeout = TIMEOUT_S_DEFAULT,
    memory_mb: int = MEMORY_MB_DEFAULT,
    fuel: Optional[int] = None,
    env: Optional[Mapping[str, str]] = None,
) -> LoadedFunction:
    """Runs the top level of `code` once in the sandbox and returns the function, whose executions start behind it.

    Args:
        code: As for `execute`.
        language: As for `execute`.
        packages: A folder of pure Python packages, as `pip install --target` makes it, that the code may import. It is
            read now, up to 256 MiB and 20,000 files.
        timeout: Bounds the top level, and each execution unless that is given another. So do `memory_mb` and `fuel`.
        memory_mb: See `timeout`.
        fuel: See `timeout`.
        env: Environment variables that the top level sees, and the handler unless an execution is given others. What
            the top level made of them is part of the function from then on.

    Raises:
        FunctionError: The top level raised, met a limit, or left no handler; the exception has its `result`.
        InvalidArgumentError: An argument is wrong, or the code needs a native module of `packages`.
        InfrastructureError: The runtime could not run it; see its subclasses.

    What the top level leaves behind is shared by all executions, each of which has a copy: modules, data, compiled
    expressions. Time, randomness and the environment are each execution's own, but for values that the top level stored.
    """
    request = _loaded.check_load(code, language, packages, timeout, memory_mb, fuel, env)
    return _loaded.load(_ready(request.language), request)


async def aload(
    code: str,
    *,
    language: str = "python",
    packages: Optional[Folder] = None,
    timeout: Timeout = TIMEOUT_S_DEFAULT,
    memory_mb: int = MEMORY_MB_DEFAULT,
    fuel: Optional[int] = None,
    env: Optional[Mapping[str, str]] = None,
) -> LoadedFunction:
    """As `load`, for event loops: a thread of the loop's pool waits. Cancelling the task ends the top level."""
    request = _loaded.check_load(code, language, packages, timeout, memory_mb, fuel, env)
    _refuse_remote()
    from hks_sdk import _async

    runtime = await _embedded.PROCESS.ready_async(request.language)
    return await _async.in_thread(lambda canceled: _loaded.load(runtime, request, canceled))


def resume(
    path: Folder,
    *,
    packages: Optional[Folder] = None,
    timeout: Optional[Timeout] = None,
    memory_mb: Optional[int] = None,
    fuel: Optional[int] = None,
    env: Optional[Mapping[str, str]] = None,
) -> LoadedFunction:
    """The function that `LoadedFunction.save` wrote to `path`. Its top level is not run again.

    Args:
        path: The file. It knows its language, and the limits that the function was loaded with.
        packages: The folder that the function was loaded with, for what its handler has yet to import.
        timeout: For executions that are not given another; as it was loaded with, unless given. So are `memory_mb` and
            `fuel`.
        memory_mb: See `timeout`.
        fuel: See `timeout`.
        env: Environment variables for the handler, unless an execution is given others. None are in the file.

    Raises:
        InvalidArgumentError: The file is damaged, no saved function, or of another version of this package: `load` the
            function again.
        OSError: The file cannot be read.
        InfrastructureError: As for `load`.
    """
    _refuse_remote()
    return _loaded.resume(path, packages, timeout, memory_mb, fuel, env)


def _ready(language: str) -> Runtime:
    """The runtime, able to start `language` at once."""
    runtime = _embedded.PROCESS.prepared(language)
    # The native module looks at an environment without the exception that `os.environ` makes of every missing name.
    if runtime is not None and runtime.is_unset("HKS_API_URL"):
        return runtime
    _refuse_remote()
    return _embedded.PROCESS.ready(language)


def _refuse_remote() -> None:
    """Code that its caller meant for a server must not run on this machine without a word."""
    url = os.environ.get("HKS_API_URL")
    if url:
        raise InfrastructureError(
            "HKS_API_URL is set, but this version of hks-sdk cannot execute on a server yet, and does not run code "
            "here that was meant for one; unset HKS_API_URL to run it embedded, in this process"
        )
