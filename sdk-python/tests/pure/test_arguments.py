"""Every argument is checked before anything starts, and the error names it."""

from __future__ import annotations

from collections import OrderedDict
from datetime import timedelta
from enum import IntEnum
from typing import Any

import pytest

from fake_native import FakeRuntime
from hks_sdk import HksError, InfrastructureError, InvalidArgumentError
from hks_sdk.functions import execute

CODE = "def handler(event): return event"


class BadRepr:
    def __repr__(self) -> str:
        raise RuntimeError("no")


class Three(IntEnum):
    THREE = 3


def cyclic() -> Any:
    value: dict[str, Any] = {"a": [1, {}]}
    value["a"][1]["b"] = value
    return value


def nested(depth: int) -> Any:
    value: Any = 1
    for level in range(depth):
        value = [value] if level % 2 else {"x": value}
    return value


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"code": b"def handler(): pass"}, "code: must be str, not bytes; decode"),
    ({"code": None}, "code: must be str, not None"),
    ({"code": "x = '\ud800'"}, "code: character 5 is the lone surrogate '\\ud800'"),
    ({"code": "#" * (10 << 20)}, "code: 10,485,760 bytes are more than the maximum of 1,048,576"),
    ({"code": "#" + "ü" * (1 << 19)}, "code: 1,048,577 bytes"),
    ({"language": "ruby"}, "language: 'ruby' is not one of 'python' (or 'py'), 'javascript' (or 'js')"),
    ({"language": None}, "language: None is not one of"),
    ({"language": ["python"]}, "language: ['python'] is not one of"),
    ({"language": "x" * 1000}, "more characters) is not one of"),
    ({"timeout": 0}, "timeout: 0 is not between 0.001 and 900 seconds"),
    ({"timeout": -1}, "timeout: -1 is not between"),
    ({"timeout": 900.1}, "timeout: 900.1 is not between"),
    ({"timeout": float("nan")}, "timeout: nan is not between"),
    ({"timeout": float("inf")}, "timeout: inf is not between"),
    ({"timeout": 10**400}, "is not between"),
    ({"timeout": 10**5000}, "is not between"),
    ({"timeout": timedelta(hours=1)}, "timeout: datetime.timedelta(seconds=3600) is not between"),
    ({"timeout": "30"}, "timeout: must be int, float (seconds) or timedelta, not str"),
    ({"timeout": True}, "timeout: must be int, float (seconds) or timedelta, not bool"),
    ({"timeout": None}, "timeout: must be int, float (seconds) or timedelta, not None"),
    ({"memory_mb": 7}, "memory_mb: 7 is not between 8 and 2,048 MiB"),
    ({"memory_mb": 2049}, "memory_mb: 2049 is not between"),
    ({"memory_mb": -128}, "memory_mb: -128 is not between"),
    ({"memory_mb": 128.0}, "memory_mb: must be int, not float"),
    ({"memory_mb": True}, "memory_mb: must be int, not bool"),
    ({"memory_mb": None}, "memory_mb: must be int, not None"),
    ({"fuel": 0}, "fuel: 0 is not between 1 and 90,000,000,000,000 units"),
    ({"fuel": 90_000_000_000_001}, "fuel: 90000000000001 is not between"),
    ({"fuel": 1e6}, "fuel: must be int, not float"),
    ({"fuel": False}, "fuel: must be int, not bool"),
    ({"env": ["A=b"]}, "env: must be a mapping of str to str, not list"),
    ({"env": {1: "s3cret"}}, "env: a name must be str, not int"),
    ({"env": {"A": 1}}, "env: the value of 'A' must be str, not int"),
    ({"env": {"": "s3cret"}}, "env: '' is not a name"),
    ({"env": {"A=B": "s3cret"}}, "env: 'A=B' is not a name"),
    ({"env": {"A": "s3cret\0"}}, "env: the value of 'A' holds a NUL"),
    ({"env": {"A": "s3cret\ud800"}}, "env: the name or value of 'A' holds a lone surrogate"),
    ({"env": {"HKS_EXECUTION_ID": "s3cret"}}, "env: HKS_EXECUTION_ID is set by the runtime"),
    ({"env": {"A": "x" * (128 << 10)}}, "env: 131,073 bytes are more than the maximum of 131,072"),
    ({"on_stdout": "print"}, "on_stdout: must be callable or None, not str"),
    ({"on_stderr": 1}, "on_stderr: must be callable or None, not int"),
    ({"input": {1, 2}}, "input: set is not JSON"),
    ({"input": {"rows": [1, {"x": {1}}]}}, 'input["rows"][1]["x"]: set is not JSON'),
    ({"input": [b"x"]}, "input[0]: bytes is not JSON; decode it to str"),
    ({"input": {"a": timedelta(1)}}, 'input["a"]: datetime.timedelta is not JSON'),
    ({"input": [1, float("nan")]}, "input[1]: nan is not JSON"),
    ({"input": float("-inf")}, "input: -inf is not JSON"),
    ({"input": {"a": {(1, 2): 3}}}, 'input["a"][(1, 2)]: an object\'s key must be a str, not tuple'),
    ({"input": {"a": "\ud800"}}, 'input["a"]: holds a lone surrogate'),
    ({"input": {"\ud800": 1}}, 'input["\\ud800"]: holds a lone surrogate'),
    ({"input": cyclic()}, 'input["a"][1]["b"]: contains itself'),
    ({"input": nested(201)}, "input: nested more than 200 levels deep at input"),
    ({"input": nested(100_000)}, "input: nested more than 200 levels deep at input"),
    ({"input": "x" * (6 << 20)}, "input: 6,291,458 bytes of JSON are more than the maximum of 6,291,456"),
    ({"input": "ü" * (3 << 20)}, "input: 6,291,458 bytes of JSON"),
    ({"input": BadRepr()}, "BadRepr is not JSON"),
    ({"memory_mb": BadRepr()}, "memory_mb: must be int, not BadRepr"),
    ({"language": BadRepr()}, "language: this BadRepr is not one of"),
]


@pytest.mark.parametrize(("arguments", "message"), REFUSED, ids=[message[:40] for _, message in REFUSED])
def test_a_wrong_argument_is_refused_by_name(fake: FakeRuntime, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        execute(**{"code": CODE, **arguments})
    assert message in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert len(str(caught.value)) < 1000
    assert isinstance(caught.value, ValueError) and isinstance(caught.value, HksError)
    assert not fake.starts


ACCEPTED: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {"language": "python", "timeout_s": 30.0, "memory_mb": 128, "fuel": None, "environment": {}, "stream": False}),
    ({"language": "py"}, {"language": "python"}),
    ({"language": "js", "code": "  indented"}, {"language": "javascript", "code": "  indented"}),
    ({"timeout": 0.001}, {"timeout_s": 0.001}),
    ({"timeout": 900}, {"timeout_s": 900.0}),
    ({"timeout": timedelta(milliseconds=1500)}, {"timeout_s": 1.5}),
    ({"memory_mb": 8}, {"memory_mb": 8}),
    ({"memory_mb": 2048}, {"memory_mb": 2048}),
    ({"fuel": 1}, {"fuel": 1}),
    ({"fuel": 90_000_000_000_000}, {"fuel": 90_000_000_000_000}),
    ({"env": OrderedDict(A="ü=", B="")}, {"environment": {"A": "ü=", "B": ""}}),
    ({"on_stderr": print}, {"stream": True}),
    ({"code": "#" * (1 << 20)}, {"code": "#" * (1 << 20)}),
    ({"code": "\n    x = 1\n    "}, {"code": "\nx = 1\n"}),
    ({"input": None}, {"input": "null"}),
    ({"input": {"a": (1, 2.5, True, None, "ü")}}, {"input": '{"a":[1,2.5,true,null,"ü"]}'}),
    ({"input": {1: 2, None: Three.THREE}}, {"input": '{"1":2,"null":3}'}),
    ({"input": 2**100}, {"input": str(2**100)}),
    ({"input": nested(200)}, {}),
    ({"input": [[1]] * 1000}, {"input": "[" + ",".join(["[1]"] * 1000) + "]"}),
    ({"input": "x" * ((6 << 20) - 2)}, {}),
]


@pytest.mark.parametrize(("arguments", "expected"), ACCEPTED)
def test_what_is_right_reaches_the_runtime(
    fake: FakeRuntime, arguments: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert execute(**{"code": CODE, **arguments}).value == 42
    (start,) = fake.starts
    assert {name: start[name] for name in expected} == expected


def test_the_environment_is_copied(fake: FakeRuntime) -> None:
    env = {"A": "b"}
    execute(CODE, env=env)
    assert fake.starts[0]["environment"] is not env


def test_an_input_below_a_deep_stack_is_written(fake: FakeRuntime) -> None:
    def at_depth(left: int) -> None:
        if left:
            at_depth(left - 1)
        else:
            execute(CODE, nested(150))

    at_depth(850)
    assert fake.starts[0]["input"].count("[") == 75


def test_a_coroutine_callback_is_refused_where_nothing_can_run_it(fake: FakeRuntime) -> None:
    async def callback(line: str) -> None: ...

    with pytest.raises(InvalidArgumentError, match="on_stdout: a coroutine function needs an event loop; use aexecute"):
        execute(CODE, on_stdout=callback)


def test_code_meant_for_a_server_is_not_run_here(fake: FakeRuntime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HKS_API_URL", "https://functions.example")
    with pytest.raises(InfrastructureError, match="unset HKS_API_URL to run it embedded"):
        execute(CODE)
    assert not fake.starts
    monkeypatch.setenv("HKS_API_URL", "")
    assert execute(CODE).ok
