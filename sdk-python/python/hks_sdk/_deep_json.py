"""Reads and writes JSON without recursion, for what the standard library refuses.

`json` recurses in C and gives up at the interpreter's recursion limit, and `int` refuses more than some 4,300 digits.
A function decides how its value is nested, and must not be able to make its caller fail to read the report. This is
the slow path, some ten times slower than `json`; it is bounded by the output limit of the execution.

`read` takes only text that the native module has already checked to be JSON.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from json import decoder
from typing import Any, Callable

_SPACE = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_WORDS = {"t": (True, 4), "f": (False, 5), "n": (None, 4)}
_END = object()
# The standard library's own, in C: the text and where the string's content starts, to its value and where it ends.
scanstring: Callable[[str, int, bool], "tuple[str, int]"] = decoder.scanstring  # type: ignore[attr-defined]


def read(text: str) -> Any:
    """The value of a JSON text of any depth. Whole numbers that `int` refuses to read become `Decimal`, which is
    exact.
    """
    root: list[Any] = []
    containers: list[Any] = [root]
    keys: list[Any] = [None]
    position = 0
    while True:
        position = _skip(text, position)
        if position == len(text):
            return root[0]
        start = text[position]
        if start in ",:":
            position += 1
        elif start in "]}":
            containers.pop()
            keys.pop()
            position += 1
        elif start == '"' and isinstance(containers[-1], dict) and keys[-1] is _END:
            keys[-1], position = scanstring(text, position + 1, True)
        else:
            value, position = _token(text, position)
            _put(containers[-1], keys, value)
            if start in "[{":
                containers.append(value)
                keys.append(_END)


def _skip(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    return match.end() if match else position


def _put(container: Any, keys: list[Any], value: Any) -> None:
    if isinstance(container, list):
        container.append(value)
    else:
        container[keys[-1]] = value
        keys[-1] = _END


def _token(text: str, position: int) -> tuple[Any, int]:
    start = text[position]
    if start == "[":
        return [], position + 1
    if start == "{":
        return {}, position + 1
    if start == '"':
        return scanstring(text, position + 1, True)
    if start in _WORDS:
        value, length = _WORDS[start]
        return value, position + length
    return _number(text, position)


def _number(text: str, position: int) -> tuple[Any, int]:
    match = _NUMBER.match(text, position)
    if match is None:
        raise ValueError(f"not JSON at character {position}")
    if match.group(1) or match.group(2):
        return float(match.group()), match.end()
    try:
        return int(match.group()), match.end()
    except ValueError:
        return Decimal(match.group()), match.end()


def write(value: Any) -> str:
    """The JSON text of what `read` or `json.loads` returned, or of an input that was checked before."""
    parts: list[str] = []
    # What is still to be written, last first: texts as they are, values in a one-element tuple.
    pending: list[Any] = [(value,)]
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            parts.append(item)
        elif isinstance(item[0], dict):
            pending.extend(_dict_items(item[0]))
        elif isinstance(item[0], (list, tuple)):
            pending.extend(_list_items(item[0]))
        elif isinstance(item[0], Decimal):
            parts.append(str(item[0]))
        else:
            parts.append(json.dumps(item[0], ensure_ascii=False))
    return "".join(parts)


def _dict_items(value: dict[Any, Any]) -> list[Any]:
    items: list[Any] = ["}"]
    for key, child in reversed(list(value.items())):
        name = key if isinstance(key, str) else json.dumps(key)
        items += [(child,), f"{json.dumps(name, ensure_ascii=False)}:", ","]
    items[-1:] = ["{"] if value else ["}", "{"]
    return items


def _list_items(value: Any) -> list[Any]:
    items: list[Any] = ["]"]
    for child in reversed(value):
        items += [(child,), ","]
    items[-1:] = ["["] if value else ["]", "["]
    return items
