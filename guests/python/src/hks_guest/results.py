"""Turns what a handler returned into JSON text, or says which part of it JSON cannot hold.

The plain encoder runs first, because nearly every result is fine. Only when it refuses, or when its text could not
leave the sandbox, is the value walked to name the culprit by its path. Values are never converted silently.
"""

import dataclasses
import enum
import json
import math
from collections.abc import Iterator

# The interpreter's own encoder, made once: `json` would make another one for every value. Arguments: containers that are
# open at the moment, what to do with other types, how to write text, indent, separators, sort, skip keys, allow nan.
_open_containers: dict[int, object] = {}
_encode = json.encoder.c_make_encoder(
    _open_containers, json.JSONEncoder().default, json.encoder.encode_basestring, None, ": ", ", ", False, False, False
)
_SCALARS = (str, int, float, bool, type(None))
_CONTAINERS = (dict, list, tuple)
# A path in a message; what follows is cut.
_MAX_PATH_STEPS = 40

# How to turn a type that people do return into something that JSON has; by name, so that nothing is imported for it.
_SUGGESTIONS = {
    "Decimal": "float() or str()",
    "Fraction": "float() or str()",
    "complex": "[value.real, value.imag]",
    "datetime": ".isoformat()",
    "date": ".isoformat()",
    "time": ".isoformat()",
    "timedelta": ".total_seconds()",
    "ZoneInfo": "str()",
    "UUID": "str()",
    "PosixPath": "str()",
    "PurePosixPath": "str()",
    "bytes": ".decode(), or base64.b64encode(...).decode() for binary data",
    "bytearray": ".decode(), or base64.b64encode(...).decode() for binary data",
    "memoryview": "base64.b64encode(...).decode()",
    "set": "list() or sorted()",
    "frozenset": "list() or sorted()",
    "mappingproxy": "dict()",
    "UserDict": "dict()",
    "ChainMap": "dict()",
    "UserList": "list()",
    "array": ".tolist()",
    "Match": ".group() or .groupdict()",
    "Row": "dict()",
    "StringIO": ".getvalue()",
    "BytesIO": "base64.b64encode(value.getvalue()).decode()",
    "function": "the function's result: call it",
    "method": "the method's result: call it",
    "coroutine": "its result: await it",
    "Future": "its result: await it",
    "Task": "its result: await it",
}
# An object that has one of these methods says itself how it wants to be converted.
_OWN_CONVERSIONS = ("model_dump", "to_dict", "_asdict", "tolist", "isoformat")


class InvalidResultError(Exception):
    """What the handler returned is not JSON. The message names the first offending value by its path."""


def encode(value: object) -> str:
    """JSON text of a handler's result. Raises `InvalidResultError`."""
    try:
        text = "".join(_encode(value, 0))
        if not text.isascii():
            text.encode("utf-8")
        return text
    except (TypeError, ValueError, RecursionError, OverflowError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
    finally:
        # Not empty if the encoder was interrupted.
        _open_containers.clear()
    raise InvalidResultError(_culprit(value) or f"the result is not JSON: {reason}")


def _culprit(value: object) -> str | None:
    """Which part of the value JSON cannot hold, and why; None if there is no such part."""
    if not isinstance(value, _CONTAINERS):
        problem = _scalar_problem(value)
        return problem and f"result {problem}"
    path: list[object] = []
    open_containers = [value]
    open_ids = {id(value)}
    entries = [_entries(value)]
    while entries:
        for step, child in entries[-1]:
            problem = _key_problem(step) if isinstance(open_containers[-1], dict) else None
            if problem is not None:
                return f"{_written(path)} {problem}"
            path.append(step)
            if isinstance(child, _CONTAINERS):
                if id(child) in open_ids:
                    return f"{_written(path)} contains itself, and JSON has no cycles; leave the reference back out"
                open_containers.append(child)
                open_ids.add(id(child))
                entries.append(_entries(child))
                break
            problem = _scalar_problem(child)
            if problem is not None:
                return f"{_written(path)} {problem}"
            path.pop()
        else:
            entries.pop()
            open_ids.discard(id(open_containers.pop()))
            if path:
                path.pop()
    return None


def _entries(container: dict | list | tuple) -> Iterator[tuple[object, object]]:
    return iter(container.items()) if isinstance(container, dict) else iter(enumerate(container))


def _key_problem(key: object) -> str | None:
    if not isinstance(key, _SCALARS):
        return f"has the key {_short(key)} ({_article(_kind(key))}), and JSON keys are text; convert the key with str()"
    problem = _scalar_problem(key)
    return None if problem is None else f"has the key {_short(key)}, which {problem}"


def _scalar_problem(value: object) -> str | None:
    if isinstance(value, str):
        return _text_problem(value)
    if isinstance(value, float):
        if math.isfinite(value):
            return None
        return f"is {float.__repr__(value)}, which JSON cannot hold; return None or a string instead"
    if isinstance(value, int):
        return _int_problem(value)
    if value is None:
        return None
    return f"is {_article(_kind(value))}, which JSON cannot hold; {_advice(value)}"


def _text_problem(value: str) -> str | None:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        code = ord(value[error.start])
        return (
            f"holds half a character (the lone surrogate U+{code:04X} at position {error.start}), which is not valid "
            "text; clean it with .encode('utf-8', 'replace').decode()"
        )
    return None


def _int_problem(value: int) -> str | None:
    try:
        int.__repr__(value)
    except ValueError:
        return "is an int with more digits than Python converts to text; return hex() of it instead"
    return None


def _advice(value: object) -> str:
    if isinstance(value, enum.Enum):
        return "use its .value"
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return "convert it with dataclasses.asdict()"
    if isinstance(value, BaseException):
        return "convert it with str(), or raise it"
    for kind in type(value).__mro__:
        if kind.__name__ in _SUGGESTIONS:
            return f"convert it with {_SUGGESTIONS[kind.__name__]}"
    for method in _OWN_CONVERSIONS:
        if hasattr(type(value), method):
            return f"convert it with .{method}()"
    if isinstance(value, Iterator) or hasattr(type(value), "__iter__"):
        return "convert it with list()"
    return "return dict, list, str, int, float, bool or None instead"


def _kind(value: object) -> str:
    return type(value).__name__


def _article(name: str) -> str:
    return f"an {name}" if name[:1] in "AEIOUaeiou" else f"a {name}"


def _short(value: object) -> str:
    try:
        text = repr(value)
    except Exception:
        text = f"<{_kind(value)}>"
    return text if len(text) <= 60 else f"{text[:57]}..."


def _written(path: tuple) -> str:
    steps = [f"[{_short(step) if not isinstance(step, str) else _quoted(step)}]" for step in path[:_MAX_PATH_STEPS]]
    more = "[...]" if len(path) > _MAX_PATH_STEPS else ""
    return f"result{''.join(steps)}{more}"


def _quoted(key: str) -> str:
    return json.dumps(key if len(key) <= 60 else f"{key[:57]}...", ensure_ascii=not key.isprintable())
