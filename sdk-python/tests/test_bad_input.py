"""Wrong input of every kind ends in a clear error of the right type, or in an outcome that says what is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from hks_sdk import InvalidArgumentError
from hks_sdk.functions import execute

pytestmark = pytest.mark.usefixtures("compiled")

FAILED: list[tuple[str, str, str, str, str]] = [
    ("python", "syntax error", "def handler(event)\n    return 1", "SyntaxError", "line 1"),
    ("python", "wrong indent", "def handler(event):\n  a = 1\n    b = 2", "IndentationError", "line 3"),
    ("python", "nul", "def handler(event): return 1\0", "SyntaxError", "null"),
    ("python", "nothing", "", "HandlerNotFoundError", "def handler(event)"),
    ("python", "no handler", "def main(event): return 1", "HandlerNotFoundError", "def handler(event)"),
    ("python", "handler is no function", "handler = 3", "HandlerNotFoundError", "handler is an int"),
    ("python", "result is a set", "def handler(e): return {'a': [1, {1, 2}]}", "InvalidResultError", 'result["a"][1]'),
    ("python", "result is NaN", "def handler(e): return {'x': float('nan')}", "InvalidResultError", 'result["x"]'),
    ("python", "cyclic result", "def handler(e):\n a = [0]; a.append(a); return a", "InvalidResultError", "result[1]"),
    ("python", "half a character", "def handler(e): return '\\ud800'", "InvalidResultError", "surrogate"),
    ("python", "top level raises", "raise KeyError('x')", "KeyError", "'x'"),
    ("python", "endless recursion", "def handler(e): return handler(e)", "RecursionError", "recursion"),
    ("python", "too many parameters", "def handler(a, b, c): return 1", "Error", "handler"),
    ("javascript", "syntax error", "function (", "SyntaxError", ""),
    ("javascript", "no handler", "let x = 1", "HandlerNotFoundError", "exports.handler"),
    ("javascript", "handler is no function", "exports.handler = 3", "HandlerNotFoundError", "number"),
    (
        "javascript",
        "cyclic result",
        "exports.handler = () => { let a = {}; a.b = a; return a }",
        "InvalidResultError",
        "b",
    ),
    ("javascript", "result is NaN", "exports.handler = () => NaN", "InvalidResultError", "NaN"),
    (
        "javascript",
        "endless promise",
        "exports.handler = () => new Promise(() => {})",
        "UnsettledPromiseError",
        "promise",
    ),
]


@pytest.mark.parametrize(
    ("language", "code", "name", "part"),
    [(language, code, name, part) for language, _, code, name, part in FAILED],
    ids=[f"{language}-{case}" for language, case, *_ in FAILED],
)
def test_wrong_code_is_an_outcome_that_says_what_is_wrong(language: str, code: str, name: str, part: str) -> None:
    got = execute(code, {"n": 1}, language=language, timeout=10)
    assert (got.status, got.outcome, got.value, got.ok) == ("failed", "failed", None, False)
    assert got.error is not None
    assert name in got.error.name and part in f"{got.error.value}\n{got.error.traceback}"


CYCLE: list[Any] = []
CYCLE.append(CYCLE)

REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"code": "def handler(e): pass".encode("utf-16")}, "code: must be str, not bytes"),
    ({"code": b"\xff\xfe".decode("utf-8", "surrogateescape")}, "lone surrogate"),
    ({"code": "#" * (10 << 20)}, "10,485,760 bytes are more than the maximum"),
    ({"input": {"a": {1}}}, 'input["a"]: set is not JSON'),
    ({"input": [float("nan")]}, "input[0]: nan is not JSON"),
    ({"input": CYCLE}, "input[0]: contains itself"),
    ({"language": "cobol"}, "language: 'cobol' is not one of 'python'"),
    ({"timeout": -1}, "timeout: -1 is not between"),
    ({"timeout": 1e9}, "timeout: 1000000000.0 is not between"),
    ({"memory_mb": -1}, "memory_mb: -1 is not between"),
    ({"memory_mb": 1 << 40}, "is not between 8 and 2,048"),
    ({"fuel": -1}, "fuel: -1 is not between"),
    ({"fuel": 1 << 80}, "is not between 1 and"),
]


@pytest.mark.parametrize(("arguments", "message"), REFUSED, ids=[message[:30] for _, message in REFUSED])
def test_a_wrong_argument_is_an_error_that_names_it(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        execute(**{"code": "def handler(event): return 1", **arguments})
    assert message in str(caught.value)


@pytest.mark.parametrize("language", ["python", "javascript"])
def test_wrong_input_leaves_the_runtime_well(language: str) -> None:
    good = {"python": "def handler(e): return 1", "javascript": "exports.handler = () => 1"}[language]
    for _ in range(20):
        assert not execute("(", language=language).ok
        assert execute(good, language=language).value == 1
