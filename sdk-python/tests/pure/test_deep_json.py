"""The reader and writer without recursion agree with the standard library wherever that works."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from hks_sdk._deep_json import read, write

TEXTS = [
    "null",
    " [ ] ",
    "{}",
    '{"a":{},"b":[],"c":[{}],"":0}',
    "[true,false,null,-1,0,1.5,-2e10,3E-2,123456789012345678901234567890]",
    '"\\u00fc\\n\\"\\\\ \\ud83d\\ude00 ü"',
    '{"a\\"b": "}", "]": "[", "a,b": ":"}',
    '[[[1],[2,[3]]],{"x":[{"y":null}]}]',
    "\n\t[1 ,\r\n2]\n",
    '"\\ud800"',
]


def some_value(source: random.Random, depth: int) -> Any:
    kind = source.randrange(8 if depth else 6)
    if kind >= 6:
        children = [some_value(source, depth - 1) for _ in range(source.randrange(4))]
        return children if kind == 6 else {f"k{source.randrange(9)}{{": child for child in children}
    return [None, True, source.randrange(-(10**20), 10**20), source.uniform(-1e9, 1e9), 'a"\\\nü[', ""][kind]


@pytest.mark.parametrize("text", TEXTS)
def test_reading_agrees(text: str) -> None:
    assert read(text) == json.loads(text)


@pytest.mark.parametrize("seed", range(200))
def test_any_value_goes_there_and_back(seed: int) -> None:
    value = some_value(random.Random(seed), 5)
    assert read(json.dumps(value)) == value == json.loads(write(value)) == read(write(value))


def test_writing_agrees_for_what_is_not_plain_json() -> None:
    value = {1: (2, 3), None: True, False: [(), {}]}
    assert json.loads(write(value)) == json.loads(json.dumps(value))


@pytest.mark.parametrize("text", ["[?]", "?"])
def test_what_is_not_json_is_an_error_and_no_endless_loop(text: str) -> None:
    with pytest.raises(ValueError, match="not JSON"):
        read(text)
