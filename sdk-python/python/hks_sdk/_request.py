"""Checks every argument of `execute` before anything is started.

The bounds are those of the runtime (`Limits`, `Attempt` and `Environment` in `hks-protocol`), which checks them
again. They are repeated here so that an error names the argument as the caller wrote it, and costs no start.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Callable, Mapping, NamedTuple, Optional, Union

from hks_sdk._escapes import clip, neutralise
from hks_sdk._json import encode_input
from hks_sdk._source import dedent
from hks_sdk.errors import InvalidArgumentError

if TYPE_CHECKING:
    from hks_sdk._hks import Execution, Runtime

CODE_BYTES_MAX = 1 << 20
TIMEOUT_S_MIN = 0.001
TIMEOUT_S_MAX = 900
MEMORY_MB_MIN = 8
MEMORY_MB_MAX = 2048
FUEL_MAX = 90_000_000_000_000
ENV_BYTES_MAX = 128 << 10
ENV_RESERVED = frozenset(("HKS_FUNCTION_NAME", "HKS_FUNCTION_VERSION", "HKS_PROJECT_NAME", "HKS_EXECUTION_ID"))

Timeout = Union[int, float, timedelta]
LineCallback = Callable[[str], object]

_LANGUAGES = {"python": "python", "py": "python", "javascript": "javascript", "js": "javascript"}


class Request(NamedTuple):
    """A checked call. `input` is JSON text, `code` is ready for the guest."""

    language: str
    code: str
    input: str
    timeout_s: float
    memory_mb: int
    fuel: Optional[int]
    environment: dict[str, str]
    on_stdout: Optional[LineCallback]
    on_stderr: Optional[LineCallback]

    def start(self, runtime: Runtime, wake: Optional[Callable[[], object]]) -> Execution:
        """Hands the call to the runtime, which answers at once."""
        return runtime.start(
            self.language,
            self.code,
            self.input,
            timeout_s=self.timeout_s,
            memory_mb=self.memory_mb,
            fuel=self.fuel,
            environment=self.environment,
            stream=self.on_stdout is not None or self.on_stderr is not None,
            wake=wake,
        )


def check(
    code: str,
    input: Any,
    language: str,
    timeout: Timeout,
    memory_mb: int,
    fuel: Optional[int],
    env: Optional[Mapping[str, str]],
    on_stdout: Optional[LineCallback],
    on_stderr: Optional[LineCallback],
) -> Request:
    """The call as the runtime wants it. Raises `InvalidArgumentError` for the first argument that is wrong."""
    language = _language(language)
    return Request(
        language,
        _code(code, language),
        encode_input(input),
        _timeout_s(timeout),
        _whole("memory_mb", memory_mb, MEMORY_MB_MIN, MEMORY_MB_MAX, "MiB"),
        None if fuel is None else _whole("fuel", fuel, 1, FUEL_MAX, "units"),
        {} if env is None else _environment(env),
        _callback("on_stdout", on_stdout),
        _callback("on_stderr", on_stderr),
    )


def _language(language: Any) -> str:
    known = _LANGUAGES.get(language) if isinstance(language, str) else None
    if known is None:
        raise InvalidArgumentError(
            f"language: {_shown(language)} is not one of 'python' (or 'py'), 'javascript' (or 'js')"
        )
    return known


def _code(code: Any, language: str) -> str:
    if not isinstance(code, str):
        hint = "; decode it first, for example with .decode('utf-8')" if isinstance(code, (bytes, bytearray)) else ""
        raise InvalidArgumentError(f"code: must be str, not {_kind(code)}{hint}")
    size = len(code)
    if not code.isascii():
        try:
            size = len(code.encode())
        except UnicodeEncodeError as error:
            raise InvalidArgumentError(
                f"code: character {error.start} is the lone surrogate {code[error.start]!a}, which is no Unicode text"
            ) from None
    if size > CODE_BYTES_MAX:
        raise InvalidArgumentError(
            f"code: {size:,} bytes are more than the maximum of {CODE_BYTES_MAX:,} (1 MiB); pass data in input instead"
        )
    return dedent(code) if language == "python" else code


def _timeout_s(timeout: Any) -> float:
    seconds = timeout.total_seconds() if isinstance(timeout, timedelta) else timeout
    if not isinstance(seconds, (int, float)) or isinstance(seconds, bool):
        raise InvalidArgumentError(f"timeout: must be int, float (seconds) or timedelta, not {_kind(timeout)}")
    # Also false for NaN, and compares whole numbers of any size.
    if not TIMEOUT_S_MIN <= seconds <= TIMEOUT_S_MAX:
        raise InvalidArgumentError(
            f"timeout: {_shown(timeout)} is not between {TIMEOUT_S_MIN} and {TIMEOUT_S_MAX} seconds"
        )
    return float(seconds)


def _whole(name: str, value: Any, least: int, most: int, unit: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidArgumentError(f"{name}: must be int, not {_kind(value)}")
    if not least <= value <= most:
        raise InvalidArgumentError(f"{name}: {_shown(value)} is not between {least:,} and {most:,} {unit}")
    return value


def _environment(env: Any) -> dict[str, str]:
    """A copy. Values may be secrets, so that no message shows one."""
    if not isinstance(env, Mapping):
        raise InvalidArgumentError(f"env: must be a mapping of str to str, not {_kind(env)}")
    checked: dict[str, str] = {}
    size = 0
    for name, value in env.items():
        if not isinstance(name, str):
            raise InvalidArgumentError(f"env: a name must be str, not {_kind(name)}")
        if not isinstance(value, str):
            raise InvalidArgumentError(f"env: the value of {_shown(name)} must be str, not {_kind(value)}")
        size += _variable_bytes(name, value)
        checked[name] = value
    if size > ENV_BYTES_MAX:
        raise InvalidArgumentError(f"env: {size:,} bytes are more than the maximum of {ENV_BYTES_MAX:,} (128 KiB)")
    return checked


def _variable_bytes(name: str, value: str) -> int:
    if not name or "=" in name or "\0" in name:
        raise InvalidArgumentError(f"env: {_shown(name)} is not a name: it must not be empty or hold '=' or NUL")
    if name in ENV_RESERVED:
        raise InvalidArgumentError(f"env: {name} is set by the runtime; choose another name")
    if "\0" in value:
        raise InvalidArgumentError(f"env: the value of {_shown(name)} holds a NUL")
    try:
        return len(name.encode()) + len(value.encode())
    except UnicodeEncodeError:
        raise InvalidArgumentError(
            f"env: the name or value of {_shown(name)} holds a lone surrogate, which is no Unicode text"
        ) from None


def _callback(name: str, callback: Any) -> Optional[LineCallback]:
    if callback is not None and not callable(callback):
        raise InvalidArgumentError(f"{name}: must be callable or None, not {_kind(callback)}")
    return callback  # type: ignore[no-any-return]


def _kind(value: Any) -> str:
    return "None" if value is None else clip(type(value).__name__, 80)


def _shown(value: Any) -> str:
    """`value` for a message: short, printable, and never an exception of its own."""
    try:
        return neutralise(clip(repr(value), 60))
    except Exception:  # a foreign __repr__ may raise anything, and very long ints raise ValueError
        return f"this {_kind(value)}"
