"""Checks every argument of `execute`, `load` and their like before anything is started.

The bounds are those of the runtime (`Limits`, `Attempt` and `Environment` in `hks-protocol`), which checks them
again. They are repeated here so that an error names the argument as the caller wrote it, and costs no start.
"""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Callable, Mapping, NamedTuple, Optional, Union

from hks_sdk._escapes import clip, neutralise
from hks_sdk._json import encode_input
from hks_sdk._source import dedent
from hks_sdk.errors import InvalidArgumentError

if TYPE_CHECKING:
    from hks_sdk._hks import Execution, Runtime

CODE_BYTES_MAX = 1 << 20
REMEMBERED_CHARS_MAX = 16 << 10
"""Of a source that was found good, so that what is remembered stays small."""

TIMEOUT_S_DEFAULT = 30
TIMEOUT_S_MIN = 0.001
TIMEOUT_S_MAX = 900
MEMORY_MB_DEFAULT = 128
MEMORY_MB_MIN = 8
MEMORY_MB_MAX = 2048
FUEL_MAX = 90_000_000_000_000
ENV_BYTES_MAX = 128 << 10
ENV_RESERVED = frozenset(
    ("HKS_FUNCTION_NAME", "HKS_FUNCTION_VERSION", "HKS_PROJECT_NAME", "HKS_EXECUTION_ID", "HKS_CONTEXT")
)

Timeout = Union[int, float, timedelta]
LineCallback = Callable[[str], object]

_LANGUAGES = {"python": "python", "py": "python", "javascript": "javascript", "js": "javascript"}


class Options(NamedTuple):
    """What a call may use, and its environment."""

    timeout_s: float
    memory_mb: int
    fuel: Optional[int]
    environment: dict[str, str]


_DEFAULTS = Options(float(TIMEOUT_S_DEFAULT), MEMORY_MB_DEFAULT, None, {})


class Call(NamedTuple):
    """A checked call of a handler. `input` is JSON text."""

    input: str
    options: Options
    on_stdout: Optional[LineCallback]
    on_stderr: Optional[LineCallback]

    @property
    def streams(self) -> bool:
        """Somebody wants the lines while it runs."""
        return self.on_stdout is not None or self.on_stderr is not None


class Source(NamedTuple):
    """Checked source text, ready for the guest of its language."""

    language: str
    code: str

    def start(self, runtime: Runtime, call: Call, wake: Optional[Callable[[], object]]) -> Execution:
        """Hands a call of it to the runtime, which answers at once."""
        return runtime.start(self.language, self.code, call.input, call.options, call.streams, wake)

    def execute(self, runtime: Runtime, call: Call) -> tuple[str, Optional[str]]:
        """Runs a call of it on this thread, which saves handing it over to another and back."""
        return runtime.execute(self.language, self.code, call.input, call.options)


def check_source(code: str, language: str) -> Source:
    """The source as the runtime wants it. Raises `InvalidArgumentError`."""
    if type(code) is str and type(language) is str and len(code) <= REMEMBERED_CHARS_MAX:
        return _remembered_source(code, language)
    return _check_source(code, language)


def _check_source(code: Any, language: Any) -> Source:
    language = _language(language)
    return Source(language, _code(code, language))


# Who executes a source once executes it again, and looking at it takes longer than most else that is done here.
_remembered_source = lru_cache(maxsize=128)(_check_source)


def check_call(
    input: Any, options: Options, on_stdout: Optional[LineCallback], on_stderr: Optional[LineCallback]
) -> Call:
    """The call as the runtime wants it. Raises `InvalidArgumentError` for the first argument that is wrong."""
    if on_stdout is not None:
        _check_callback("on_stdout", on_stdout)
    if on_stderr is not None:
        _check_callback("on_stderr", on_stderr)
    return Call(encode_input(input), options, on_stdout, on_stderr)


def check_options(timeout: Timeout, memory_mb: int, fuel: Optional[int], env: Optional[Mapping[str, str]]) -> Options:
    """The limits and the environment as the runtime wants them. Raises `InvalidArgumentError`."""
    if timeout is TIMEOUT_S_DEFAULT and memory_mb is MEMORY_MB_DEFAULT and fuel is None and env is None:
        return _DEFAULTS
    return Options(
        _timeout_s(timeout),
        _whole("memory_mb", memory_mb, MEMORY_MB_MIN, MEMORY_MB_MAX, "MiB"),
        None if fuel is None else _whole("fuel", fuel, 1, FUEL_MAX, "units"),
        {} if env is None else _environment(env),
    )


def _language(language: Any) -> str:
    known = _LANGUAGES.get(language) if isinstance(language, str) else None
    if known is None:
        raise InvalidArgumentError(
            f"language: {shown(language)} is not one of 'python' (or 'py'), 'javascript' (or 'js')"
        )
    return known


def _code(code: Any, language: str) -> str:
    if not isinstance(code, str):
        hint = "; decode it first, for example with .decode('utf-8')" if isinstance(code, (bytes, bytearray)) else ""
        raise InvalidArgumentError(f"code: must be str, not {kind(code)}{hint}")
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
        raise InvalidArgumentError(f"timeout: must be int, float (seconds) or timedelta, not {kind(timeout)}")
    # Also false for NaN, and compares whole numbers of any size.
    if not TIMEOUT_S_MIN <= seconds <= TIMEOUT_S_MAX:
        raise InvalidArgumentError(
            f"timeout: {shown(timeout)} is not between {TIMEOUT_S_MIN} and {TIMEOUT_S_MAX} seconds"
        )
    return float(seconds)


def _whole(name: str, value: Any, least: int, most: int, unit: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidArgumentError(f"{name}: must be int, not {kind(value)}")
    if not least <= value <= most:
        raise InvalidArgumentError(f"{name}: {shown(value)} is not between {least:,} and {most:,} {unit}")
    return value


def _environment(env: Any) -> dict[str, str]:
    """A copy. Values may be secrets, so that no message shows one."""
    if not isinstance(env, Mapping):
        raise InvalidArgumentError(f"env: must be a mapping of str to str, not {kind(env)}")
    checked: dict[str, str] = {}
    size = 0
    for name, value in env.items():
        if not isinstance(name, str):
            raise InvalidArgumentError(f"env: a name must be str, not {kind(name)}")
        if not isinstance(value, str):
            raise InvalidArgumentError(f"env: the value of {shown(name)} must be str, not {kind(value)}")
        size += _variable_bytes(name, value)
        checked[name] = value
    if size > ENV_BYTES_MAX:
        raise InvalidArgumentError(f"env: {size:,} bytes are more than the maximum of {ENV_BYTES_MAX:,} (128 KiB)")
    return checked


def _variable_bytes(name: str, value: str) -> int:
    if not name or "=" in name or "\0" in name:
        raise InvalidArgumentError(f"env: {shown(name)} is not a name: it must not be empty or hold '=' or NUL")
    if name in ENV_RESERVED:
        raise InvalidArgumentError(f"env: {name} is set by the runtime; choose another name")
    if "\0" in value:
        raise InvalidArgumentError(f"env: the value of {shown(name)} holds a NUL")
    try:
        return len(name.encode()) + len(value.encode())
    except UnicodeEncodeError:
        raise InvalidArgumentError(
            f"env: the name or value of {shown(name)} holds a lone surrogate, which is no Unicode text"
        ) from None


def _check_callback(name: str, callback: Any) -> None:
    if not callable(callback):
        raise InvalidArgumentError(f"{name}: must be callable or None, not {kind(callback)}")


def kind(value: Any) -> str:
    """The type of `value`, for a message."""
    return "None" if value is None else clip(type(value).__name__, 80)


def shown(value: Any) -> str:
    """`value` for a message: short, printable, and never an exception of its own."""
    try:
        return neutralise(clip(repr(value), 60))
    except Exception:  # a foreign __repr__ may raise anything, and very long ints raise ValueError
        return f"this {kind(value)}"
