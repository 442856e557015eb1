"""A result says what the report says, in the words of the contract."""

from __future__ import annotations

import copy
import json
import pickle
import sys
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import pytest

import hks_sdk
from fake_native import REPORT, failed_json, report_json
from hks_sdk import ExecutionResult, FunctionError, RichResult


def result(**fields: Any) -> ExecutionResult:
    return ExecutionResult(report_json(**fields))


def test_every_field_of_the_contract() -> None:
    artifact = {"path": "a/b.txt", "mime": "text/plain", "size": 3, "sha256": "00", "url": "file:///x"}
    formats = [{"text": "x", "png": "aGk=", "json": {"a": None}, "new": 1}]
    got = result(
        value=[1], results=formats, logs={"stdout": ["a"], "stderr": ["b"]}, artifacts=[artifact], trace_id="t"
    )
    assert got.execution_id == REPORT["execution_id"]
    assert (got.function, got.version, got.status, got.outcome) == ("execute", "0", "succeeded", "succeeded")
    assert (got.ok, got.value, got.truncated, got.error) == (True, [1], False, None)
    assert got.results == [RichResult(text="x", png="aGk=", json={"a": None}, extra={"new": 1})]
    assert got.results[0].formats() == ["text", "png", "json", "new"]
    assert got.logs == hks_sdk.Logs(stdout=["a"], stderr=["b"])
    assert got.artifacts == [hks_sdk.Artifact(**artifact)]  # type: ignore[arg-type]
    assert got.usage == hks_sdk.Usage(123, 0.5, 1.25, 1 << 20, 0, 300)
    assert got.limits == hks_sdk.Limits(128, 30.0, 3_000_000_000_000, 1 << 20, 1 << 20, 64 << 20)
    assert (got.trigger, got.attempt, got.trace_id) == ("api", 1, "t")
    assert got.created_at == datetime(2026, 11, 21, 9, 41, 36, 123456, timezone.utc)
    assert got.started_at == datetime(2026, 11, 21, 9, 41, 36, 200000, timezone.utc)
    assert got.finished_at == datetime(2026, 11, 21, 9, 41, 37, 0, timezone.utc)
    assert got.logs is got.logs


def test_a_value_that_was_read_by_itself_is_that_of_the_report() -> None:
    text = report_json(value={"a": [1]})
    early, late = (ExecutionResult._of((text, '{"a": [1]}')) for _ in range(2))
    value = early.value
    assert value == {"a": [1]} and early.ok and early.value is value and early["a"] is value["a"]
    assert late.ok and late.value == value
    assert early == late == ExecutionResult(text) == pickle.loads(pickle.dumps(early))
    assert ExecutionResult._of((text, None)).value == value


def test_fields_of_a_newer_runtime_are_kept_and_do_no_harm() -> None:
    got = result(usage={**REPORT["usage"], "gpu_ms": 1}, region="x")
    assert got.usage.fuel == 123
    assert got.to_dict()["region"] == "x"


def test_a_failure_is_data() -> None:
    got = ExecutionResult(failed_json(traceback="Traceback…\n"))
    assert not got.ok and not got
    assert got.error == hks_sdk.FunctionFailure("ValueError", "boom", "Traceback…\n")
    with pytest.raises(FunctionError, match="ValueError: boom\n\nTraceback…") as caught:
        got.raise_for_error()
    error = caught.value
    assert (error.name, error.message, error.traceback, error.result) == ("ValueError", "boom", "Traceback…\n", got)


def test_a_success_passes_raise_for_error() -> None:
    got = result(value=1)
    assert got.raise_for_error() is got


def test_what_ended_without_an_error_raises_its_outcome() -> None:
    got = result(status="canceled", outcome="canceled")
    with pytest.raises(FunctionError, match="canceled: the execution ended as canceled"):
        got.raise_for_error()


def test_an_error_shows_no_terminal_escapes() -> None:
    got = ExecutionResult(failed_json(value="\x1b[31mred\u202e", traceback="\x1b]0;title\x07"))
    with pytest.raises(FunctionError) as caught:
        got.raise_for_error()
    assert str(caught.value) == "ValueError: \\x1b[31mred\\u202e\n\n\\x1b]0;title\\x07"
    assert caught.value.message == "\x1b[31mred\u202e"


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"value": "plain"}, "plain"),
        ({"value": ""}, ""),
        ({"value": {"a": "ü"}}, '{"a": "ü"}'),
        ({"value": 0}, "0"),
        ({"value": None}, "null"),
        ({"value": None, "results": [{"text": "a"}, {"text": "b"}, {"html": "c"}]}, "b"),
        ({"value": 1, "results": [{"text": "a"}]}, "1"),
        ({"status": "failed"}, None),
        ({"status": "failed", "results": [{"text": "a"}]}, "a"),
        ({"results": [{"text": [1]}]}, "[1]"),
    ],
)
def test_text(fields: dict[str, Any], text: str) -> None:
    assert result(**fields).text == text


def test_access_into_an_object() -> None:
    got = result(value={"result": 42, "none": None})
    assert got["result"] == 42
    assert "result" in got and "x" not in got
    assert list(got) == ["result", "none"] and len(got) == 2
    assert got.get("result") == 42 and got.get("x") is None and got.get("x", 1) == 1
    assert dict(**got) == got.value == dict(got.items())
    assert list(got.values()) == [42, None]
    with pytest.raises(KeyError, match=r"the value has no key 'x'; it has \['result', 'none'\]") as caught:
        got["x"]
    assert str(caught.value).startswith("the value")
    with pytest.raises(TypeError, match="the value is a dict"):
        got[{}]


def test_access_into_a_list() -> None:
    got = result(value=[1, 2])
    assert got[0] == 1 and got[-1:] == [2] and 2 in got and list(got) == [1, 2] and len(got) == 2
    with pytest.raises(IndexError, match="the value has no index 2; its length is 2"):
        got[2]
    with pytest.raises(TypeError, match="cannot be looked up"):
        got["x"]
    with pytest.raises(TypeError, match=r"cannot be asked for keys\(\)"):
        got.keys()


@pytest.mark.parametrize("value", [None, 1, "text", True])
def test_access_into_anything_else_says_what_there_is(value: Any) -> None:
    with pytest.raises(TypeError, match=f"the value is {value!r}, which cannot be indexed"):
        result(value=value)[0]


def test_an_empty_value_is_still_a_success() -> None:
    assert result(value={}) and not len(result(value={}))


@pytest.mark.parametrize(
    "access", [lambda r: r["x"], lambda r: "x" in r, list, len, lambda r: r.get("x"), lambda r: r.keys()]
)
def test_access_after_a_failure_says_why_there_is_nothing(access: Any) -> None:
    with pytest.raises(TypeError, match="there is no value, .* the execution ended as failed: ValueError: boom"):
        access(ExecutionResult(failed_json()))


def test_a_result_never_changes() -> None:
    got = result(value=1)
    with pytest.raises(AttributeError, match="value cannot be set"):
        got.value = 2  # type: ignore[misc]
    with pytest.raises(AttributeError, match="x cannot be set"):
        got.x = 2
    with pytest.raises(AttributeError):
        del got._json
    with pytest.raises(AttributeError):
        got.logs.stdout = []  # type: ignore[misc]


def test_results_travel_and_compare() -> None:
    got = ExecutionResult(failed_json())
    assert pickle.loads(pickle.dumps(got)) == got == copy.deepcopy(got) == copy.copy(got)
    assert hash(got) == hash(copy.deepcopy(got)) and got != result() and got != 1
    try:
        got.raise_for_error()
    except FunctionError as error:
        again = pickle.loads(pickle.dumps(error))
        assert str(again) == str(error) and again.result == got
    assert ExecutionResult(got.to_json()) == got


def test_to_dict_is_a_copy() -> None:
    got = result(value={"a": [1]})
    got.to_dict()["value"]["a"].append(2)
    assert got.to_dict() == {**REPORT, "value": {"a": [1]}} == json.loads(got.to_json())


DEEP = 50_000


@pytest.mark.parametrize("text", ["[" * DEEP + "]" * DEEP, '{"a":' * DEEP + "1" + "}" * DEEP], ids=["lists", "objects"])
def test_a_value_of_any_depth_is_read_shown_and_written(text: str) -> None:
    got = ExecutionResult(report_json(value="DEEP").replace('"DEEP"', text))
    depth, value = 0, got.value
    while isinstance(value, (list, dict)) and value:
        depth, value = depth + 1, value["a"] if isinstance(value, dict) else value[0]
    assert depth >= DEEP - 1
    assert got.text is not None and got.text.replace(" ", "") == text
    assert len(repr(got)) < 2000 and len(got._repr_html_()) < 200_000
    assert ExecutionResult(got.to_json()).to_dict()["status"] == "succeeded"


@pytest.mark.skipif(not hasattr(sys, "get_int_max_str_digits"), reason="this Python reads whole numbers of any length")
def test_a_number_of_any_length_is_read() -> None:
    digits = "1" + "0" * 10_000
    got = ExecutionResult(report_json(value="BIG").replace('"BIG"', f"[{digits}, -7]"))
    assert got.value == [Decimal(digits), -7]
    assert got.text is not None and got.text.replace(" ", "") == f"[{digits},-7]"
    assert len(repr(got)) < 2000
