"""JSON at the border: the caller's input on its way in, the report on its way out.

The fast path is one call into the standard library. Only when that refuses does a walk over the value find out where
and why, so that the error names the path of the offending value.
"""

from __future__ import annotations

import json
from typing import Any, Iterator, Optional

from hks_sdk._escapes import clip
from hks_sdk.errors import InfrastructureError, InvalidArgumentError

INPUT_BYTES_MAX = 6 << 20
"""As JSON in UTF-8; what AWS Lambda takes."""

INPUT_DEPTH_MAX = 200
"""Lists and objects within each other. More than documents have, and far below what overflows a guest's stack."""

# Cycles end as a RecursionError, and are looked for only then.
_encode = json.JSONEncoder(check_circular=False, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
_decode = json.JSONDecoder().raw_decode
_SCALARS = (str, int, float, bool, type(None))
_CONTAINERS = (dict, list, tuple)


def encode_input(value: Any) -> str:
    """The JSON text of an input.

    Raises `InvalidArgumentError` with the path of what is no JSON, nested too deeply, in a cycle, or too large.
    """
    if value is None:
        return "null"
    try:
        text = _encode(value)
        size = len(text) if text.isascii() else len(text.encode())
    except (TypeError, ValueError, RecursionError) as error:
        _refuse(value, error)
        text = _write_deep(value)
        size = len(text.encode())
    if size > INPUT_BYTES_MAX:
        most = f"the maximum of {INPUT_BYTES_MAX:,} (6 MiB)"
        raise InvalidArgumentError(f"input: {size:,} bytes of JSON are more than {most}")
    # Each level costs a bracket on either side, so that small inputs need no look at their levels.
    if size > 2 * INPUT_DEPTH_MAX and text.count("[") + text.count("{") > INPUT_DEPTH_MAX and _is_too_deep(value):
        _refuse(value, None)
    return text


def encode_text(value: Any) -> str:
    """The JSON text of a value that came out of a report, spaced for reading."""
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        return _write_deep(value)


def decode_report(text: str) -> dict[str, Any]:
    """The report of the native module as plain Python values, however the function's value is nested."""
    report = decode(text)
    if not isinstance(report, dict):
        raise InfrastructureError(f"the runtime sent no report but {clip(text, 60)!r}")
    return report


def decode(text: str) -> Any:
    """JSON of the native module as plain Python values, however it is nested."""
    try:
        # Without the search for white space before and after, which costs as much as reading a small value.
        value, end = _decode(text)
        return value if end == len(text) else json.loads(text)
    except (ValueError, RecursionError):
        from hks_sdk import _deep_json

        return _deep_json.read(text)


def _write_deep(value: Any) -> str:
    from hks_sdk import _deep_json

    return _deep_json.write(value)


def _refuse(value: Any, error: Optional[BaseException]) -> None:
    """Raises for the first fault of `value`. If there is none, only the caller's own deep stack was in the way."""
    fault = _fault(value)
    if fault is not None:
        raise InvalidArgumentError(fault) from error
    if error is not None and not isinstance(error, RecursionError):
        raise InvalidArgumentError(f"input: cannot be written as JSON: {clip(str(error), 200)}") from error


def _is_too_deep(value: Any) -> bool:
    """Goes down level by level, which is much quicker than going along paths."""
    level = [value]
    for _ in range(INPUT_DEPTH_MAX):
        level = [
            child
            for container in level
            for child in (container.values() if isinstance(container, dict) else container)
            if isinstance(child, _CONTAINERS)
        ]
        if not level:
            return False
    return True


def _fault(root: Any) -> Optional[str]:
    """Walks `root` without recursion; the first fault with its path."""
    reason = _why_not_json(root)
    if reason is not None or isinstance(root, _SCALARS):
        return reason and f"input: {reason}"
    path: list[Any] = []
    open_ids = {id(root)}
    open_children = [(id(root), _children(root))]
    while open_children:
        container, children = open_children[-1]
        step = next(children, None)
        if step is None:
            open_children.pop()
            open_ids.discard(container)
            if path:
                path.pop()
            continue
        key, child = step
        reason = _why_no_key(key) or _why_not_json(child)
        if reason is None and id(child) in open_ids:
            reason = "contains itself; JSON has no cycles"
        if reason is None and not isinstance(child, _SCALARS):
            if len(open_children) >= INPUT_DEPTH_MAX:
                return f"input: nested more than {INPUT_DEPTH_MAX} levels deep at {_shown([*path, key])}"
            path.append(key)
            open_ids.add(id(child))
            open_children.append((id(child), _children(child)))
        elif reason is not None:
            return f"{_shown([*path, key])}: {reason}"
    return None


def _children(container: Any) -> Iterator[tuple[Any, Any]]:
    return iter(container.items()) if isinstance(container, dict) else iter(enumerate(container))


def _why_not_json(value: Any) -> Optional[str]:
    if isinstance(value, str):
        return "holds a lone surrogate, which is no Unicode text" if _has_surrogates(value) else None
    if isinstance(value, float):
        return None if value - value == 0 else f"{float(value)!r} is not JSON; use None or a string"
    if isinstance(value, int):
        return _why_no_int(value)
    if value is None or isinstance(value, _CONTAINERS):
        return None
    if isinstance(value, (bytes, bytearray, memoryview)):
        return f"{type(value).__name__} is not JSON; decode it to str, or encode it with base64"
    kind = type(value)
    name = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return f"{clip(name, 80)} is not JSON; use dict, list, str, int, float, bool or None"


def _why_no_int(value: int) -> Optional[str]:
    try:
        int.__repr__(value)
    except ValueError:
        return "is a whole number with more digits than Python writes (sys.get_int_max_str_digits)"
    return None


def _why_no_key(key: Any) -> Optional[str]:
    if not isinstance(key, _SCALARS):
        return f"an object's key must be a str, not {clip(type(key).__name__, 80)}"
    return _why_not_json(key)


def _has_surrogates(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _shown(path: list[Any]) -> str:
    """`input["rows"][3]`; the middle of a long path is left out."""
    steps = [f"[{clip(ascii(key) if not isinstance(key, str) else json.dumps(key), 40)}]" for key in path]
    if len(steps) > 12:
        steps[6:-6] = ["…"]
    return "input" + "".join(steps)
