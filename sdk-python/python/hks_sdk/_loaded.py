"""Functions whose top level has run once: each execution starts behind it, from a snapshot of the sandbox's memory.

A snapshot can only be taken of memory. Where a top level leaves more behind, such as an open file, every execution runs
it again, and `LoadedFunction.snapshot_refused` says why.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Callable, Mapping, NamedTuple, NoReturn, Optional, Union

from hks_sdk import _embedded
from hks_sdk._escapes import neutralise
from hks_sdk._request import Call, LineCallback, Options, Timeout, check_call, check_options, check_source
from hks_sdk._result import ExecutionResult
from hks_sdk.errors import FunctionError, HksError, InfrastructureError, InvalidArgumentError

if TYPE_CHECKING:
    from hks_sdk._hks import Function, Runtime
    from hks_sdk._saved import Saved

Folder = Union[str, "os.PathLike[str]"]


class LoadedFunction:
    """A function that is ready to be called, made by `functions.load`, `aload` or `resume`.

    Its executions are as apart from each other as any others: each has memory of its own that begins as the top level
    left it. It may be used by any number of threads and tasks at once. It belongs to its process: `save` it for others.
    """

    __slots__ = ("_defaults", "_language", "_native", "_result")

    def __init__(self, native: Function, language: str, defaults: Options, result: ExecutionResult) -> None:
        """Not to be called: use `functions.load`."""
        self._native = native
        self._language = language
        self._defaults = defaults
        self._result = result

    def execute(
        self,
        input: Any = None,
        *,
        timeout: Optional[Timeout] = None,
        memory_mb: Optional[int] = None,
        fuel: Optional[int] = None,
        env: Optional[Mapping[str, str]] = None,
        on_stdout: Optional[LineCallback] = None,
        on_stderr: Optional[LineCallback] = None,
    ) -> ExecutionResult:
        """Runs the handler with `input` and returns how it went, as `functions.execute` does.

        What is not given is as it was when the function was loaded. `env` replaces that environment: it is what the
        handler sees, while the values that the top level took from its own stay what they are.
        """
        call = self._call(input, timeout, memory_mb, fuel, env, on_stdout, on_stderr)
        if not call.streams:
            return ExecutionResult._of(self._native.execute(call.input, call.options))
        from hks_sdk import _waiting

        _waiting.refuse_coroutines(call)
        execution = self._native.start(call.input, call.options, True, None)
        return ExecutionResult(_waiting.wait(execution, on_stdout, on_stderr))

    async def aexecute(
        self,
        input: Any = None,
        *,
        timeout: Optional[Timeout] = None,
        memory_mb: Optional[int] = None,
        fuel: Optional[int] = None,
        env: Optional[Mapping[str, str]] = None,
        on_stdout: Optional[LineCallback] = None,
        on_stderr: Optional[LineCallback] = None,
    ) -> ExecutionResult:
        """As `execute`, for event loops: see `functions.aexecute`."""
        call = self._call(input, timeout, memory_mb, fuel, env, on_stdout, on_stderr)
        from hks_sdk import _async

        native = self._native
        return ExecutionResult(
            await _async.run(lambda wake: native.start(call.input, call.options, call.streams, wake), call)
        )

    @property
    def result(self) -> ExecutionResult:
        """How the top level went: what it printed and used. Its `value` is `None`."""
        return self._result

    @property
    def language(self) -> str:
        """`"python"` or `"javascript"`."""
        return self._language

    @property
    def snapshot_refused(self) -> Optional[str]:
        """Why there is no snapshot, so that every execution runs the top level again; `None` if there is one."""
        return self._native.refusal

    @property
    def snapshot_bytes(self) -> Optional[int]:
        """What the snapshot takes of this process's memory, once for all executions; `None` without one."""
        return self._native.snapshot_bytes

    def save(self, path: Folder) -> None:
        """Writes the function to a file, for `functions.resume` in any process with this version on this kind of machine.

        A file that is there is replaced at once and as a whole. Only the user may read it, as it holds whatever the top
        level held, secrets included.

        Raises:
            InvalidArgumentError: There is no snapshot: see `snapshot_refused`.
            OSError: The file cannot be written; what was there is left as it is.
        """
        _embedded.PROCESS.refuse_fork()
        snapshot = self._native.save()
        if snapshot is None:
            raise InvalidArgumentError(f"the function cannot be saved, because it has no snapshot: {self._refusal()}")
        from hks_sdk import _saved

        timeout_s, memory_mb, fuel, _ = self._defaults
        report = self._result.to_json()
        _saved.write(path, _saved.Saved(self._language, timeout_s, memory_mb, fuel, report, snapshot))

    def _call(
        self,
        input: Any,
        timeout: Optional[Timeout],
        memory_mb: Optional[int],
        fuel: Optional[int],
        env: Optional[Mapping[str, str]],
        on_stdout: Optional[LineCallback],
        on_stderr: Optional[LineCallback],
    ) -> Call:
        _embedded.PROCESS.refuse_fork()
        options = _override(self._defaults, timeout, memory_mb, fuel, env)
        return check_call(input, options, on_stdout, on_stderr)

    def _refusal(self) -> str:
        return neutralise(self._native.refusal or "")

    def __repr__(self) -> str:
        size = self._native.snapshot_bytes
        state = f"no snapshot: {self._refusal()}" if size is None else f"snapshot of {size / (1 << 20):.1f} MiB"
        return f"<LoadedFunction {self._language}, {state}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a LoadedFunction belongs to its process; save() it, and functions.resume() the file elsewhere")


class LoadRequest(NamedTuple):
    """What is to be loaded, checked."""

    language: str
    code: str
    packages: Optional[str]
    options: Options


def check_load(
    code: str,
    language: str,
    packages: Optional[Folder],
    timeout: Timeout,
    memory_mb: int,
    fuel: Optional[int],
    env: Optional[Mapping[str, str]],
) -> LoadRequest:
    """What is to be loaded. Raises `InvalidArgumentError` for the first argument that is wrong."""
    language, code = check_source(code, language)
    folder = _check_packages(packages, language)
    return LoadRequest(language, code, folder, check_options(timeout, memory_mb, fuel, env))


def load(runtime: Runtime, request: LoadRequest, canceled: Optional[Callable[[], bool]] = None) -> LoadedFunction:
    """Runs the top level on this thread. Ctrl-C ends it, and so does `canceled`, which is asked from time to time."""
    language, code, packages, options = request
    report, native = runtime.load(language, code, packages, options, canceled)
    result = ExecutionResult(report)
    if native is not None:
        return LoadedFunction(native, language, options, result)
    try:
        result.raise_for_error()
    except FunctionError as error:
        explanation = _explain(error, packages)
        if explanation is None:
            raise
        raise explanation from error
    raise InfrastructureError("the top level succeeded, but the runtime kept nothing of it")


def resume(
    path: Folder,
    packages: Optional[Folder],
    timeout: Optional[Timeout],
    memory_mb: Optional[int],
    fuel: Optional[int],
    env: Optional[Mapping[str, str]],
) -> LoadedFunction:
    """The function in a file of `LoadedFunction.save`."""
    from hks_sdk import _saved

    saved = _saved.read(path)
    language, defaults, result = _checked(saved, path)
    folder = _check_packages(packages, language)
    options = _override(defaults, timeout, memory_mb, fuel, env)
    runtime = _embedded.PROCESS.ready(language)
    try:
        native = runtime.resume(language, saved.snapshot, folder)
    except InvalidArgumentError as error:
        if str(error).startswith("packages:"):
            raise
        raise InvalidArgumentError(f"{os.fspath(path)}: {error}; load the function again, and save it") from None
    return LoadedFunction(native, language, options, result)


def _checked(saved: Saved, path: Folder) -> tuple[str, Options, ExecutionResult]:
    from hks_sdk import _saved

    try:
        language = check_source("", saved.language).language
        options = check_options(saved.timeout_s, saved.memory_mb, saved.fuel, None)
        return language, options, ExecutionResult(saved.report)
    except HksError:
        raise _saved.damaged(path) from None


def _override(
    defaults: Options,
    timeout: Optional[Timeout],
    memory_mb: Optional[int],
    fuel: Optional[int],
    env: Optional[Mapping[str, str]],
) -> Options:
    if timeout is None and memory_mb is None and fuel is None and env is None:
        return defaults
    return check_options(
        defaults.timeout_s if timeout is None else timeout,
        defaults.memory_mb if memory_mb is None else memory_mb,
        defaults.fuel if fuel is None else fuel,
        defaults.environment if env is None else env,
    )


def _check_packages(packages: Optional[Folder], language: str) -> Optional[str]:
    if packages is None:
        return None
    from hks_sdk import _packages

    return _packages.check_packages(packages, language)


def _explain(error: FunctionError, packages: Optional[str]) -> Optional[InvalidArgumentError]:
    if packages is None:
        return None
    from hks_sdk import _packages

    return _packages.explain(packages, error)
