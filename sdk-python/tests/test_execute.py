"""Real executions: what goes in, what comes out, and what stays outside."""

from __future__ import annotations

import importlib.metadata
import os
import time
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

import hks_sdk
from hks_sdk import FunctionError, InfrastructureError
from hks_sdk.functions import execute

pytestmark = pytest.mark.usefixtures("compiled")

ECHO = {"python": "def handler(event): return event", "javascript": "exports.handler = event => event"}
LANGUAGES = pytest.mark.parametrize("language", ECHO)
VALUES: list[Any] = [
    None,
    True,
    0,
    -1.5,
    "",
    "ü € \U0001f600 \n \"'",
    [],
    {},
    [1, [2, {"a": None}]],
    {"": {"x y": [False]}, "ü": "ü"},
]


def test_the_version_is_that_of_the_package() -> None:
    assert importlib.metadata.version("hks-sdk") == hks_sdk.__version__


@LANGUAGES
@pytest.mark.parametrize("value", VALUES, ids=ascii)
def test_values_pass_through_unchanged(language: str, value: Any) -> None:
    got = execute(ECHO[language], value, language=language).raise_for_error()
    assert got.value == value and type(got.value) is type(value)


def test_whole_numbers_of_any_size_pass_through_python() -> None:
    assert execute(ECHO["python"], 2**200).value == 2**200


@LANGUAGES
def test_the_deepest_input_passes_through(language: str) -> None:
    value: Any = 1
    for _ in range(200):
        value = [value]
    assert execute(ECHO[language], value, language=language).raise_for_error().value == value


def test_a_report_says_what_happened_when() -> None:
    before = datetime.now(timezone.utc) - timedelta(milliseconds=1)
    got = execute(ECHO["python"], 1, timeout=timedelta(seconds=5), memory_mb=64, fuel=10**9)
    after = datetime.now(timezone.utc)
    assert before <= got.created_at <= got.started_at <= got.finished_at <= after
    assert (got.limits.timeout_s, got.limits.memory_mb, got.limits.fuel) == (5.0, 64, 10**9)
    assert 0 < got.usage.fuel < 10**9 and got.usage.wall_ms > 0 and got.usage.memory_peak_bytes > 0
    assert got.execution_id.startswith("exe_") and got.attempt == 1 and got.trigger == "api"
    assert got.artifacts == [] and got.results == [] and got.trace_id is None and not got.truncated


def test_the_same_work_uses_the_same_fuel() -> None:
    code = "def handler(n): return sum(i * i for i in range(n))"
    assert execute(code, 1000).usage.fuel == execute(code, 1000).usage.fuel


def test_the_context_names_the_execution() -> None:
    code = """
        async def handler(event, context):
            return [context.execution_id, context.attempt, context.function_name, context.trigger,
                    context.memory_limit_mb, context.remaining_time_ms() > 0]
    """
    got = execute(code, memory_mb=99).raise_for_error()
    assert got.value == [got.execution_id, 1, "execute", "api", 99, True]


def test_what_is_printed_is_logged_and_streamed_in_order() -> None:
    code = """
        import sys
        def handler(event):
            for i in range(100):
                print("out", i)
                print("err", i, file=sys.stderr)
            print("no line end", end="")
    """
    out: list[str] = []
    err: list[str] = []
    got = execute(code, on_stdout=out.append, on_stderr=err.append).raise_for_error()
    assert got.logs.stdout == out == [*(f"out {i}" for i in range(100)), "no line end"]
    assert got.logs.stderr == err == [f"err {i}" for i in range(100)]


def test_javascript_logs_too() -> None:
    code = "export function handler() { console.log('a', 1); console.error('b') }"
    got = execute(code, language="js").raise_for_error()
    assert (got.logs.stdout, got.logs.stderr) == (["a 1"], ["b"])


def test_lines_arrive_while_the_function_runs() -> None:
    code = "import time\ndef handler(event):\n    print('now', flush=True)\n    time.sleep(0.5)"
    arrived: list[float] = []
    execute(code, on_stdout=lambda line: arrived.append(time.monotonic()))
    assert time.monotonic() - arrived[0] > 0.3


def test_a_flood_of_output_is_cut_and_said_so() -> None:
    got = execute("def handler(event):\n    for i in range(100_000): print('x' * 100)")
    assert got.ok and got.truncated
    assert len("\n".join(got.logs.stdout)) <= 1 << 20


def test_a_function_sees_its_own_environment_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOST_SECRET", "s3cret")
    got = execute("import os\ndef handler(event): return dict(os.environ)", env={"MINE": "ü=1", "EMPTY": ""})
    assert got["MINE"] == "ü=1" and got["EMPTY"] == "" and got["HKS_EXECUTION_ID"] == got.execution_id
    assert "s3cret" not in str(got.value) and "PATH" not in got.value


def test_nothing_survives_into_the_next_execution() -> None:
    code = """
        import builtins, os, sys
        def handler(event):
            seen = [hasattr(builtins, "left"), os.path.exists("/tmp/left"), "left" in os.environ]
            builtins.left = os.environ["left"] = "1"
            open("/tmp/left", "w").close()
            return seen
    """
    for _ in range(3):
        assert execute(code).raise_for_error().value == [False, False, False]


def test_files_of_the_host_are_not_there() -> None:
    path = os.path.abspath(__file__)
    got = execute("def handler(path): return open(path).read()", path)
    assert got.error is not None and got.error.name == "FileNotFoundError"


LIMITS: list[tuple[str, str, dict[str, Any], str]] = [
    ("a sleep", "import time\ndef handler(e): time.sleep(60)", {"timeout": 0.2}, "timed_out"),
    ("a loop", "def handler(e):\n while True: pass", {"timeout": 0.2, "fuel": 90_000_000_000_000}, "timed_out"),
    ("fuel", "def handler(e):\n while True: pass", {"fuel": 50_000_000}, "out_of_fuel"),
    ("memory", "def handler(e): return len(bytearray(10**9))", {}, "out_of_memory"),
    ("output", "def handler(e): return 'x' * (2 << 20)", {}, "output_too_large"),
]


@pytest.mark.parametrize(("code", "limits", "outcome"), [case[1:] for case in LIMITS], ids=[case[0] for case in LIMITS])
def test_every_limit_is_an_outcome(code: str, limits: dict[str, Any], outcome: str) -> None:
    began = time.monotonic()
    got = execute(code, **limits)
    assert (got.status, got.outcome, got.ok, got.value) == ("limit_exceeded", outcome, False, None)
    assert got.error is not None and got.error.value
    assert time.monotonic() - began < 10
    with pytest.raises(FunctionError, match=got.error.name):
        got.raise_for_error()


def test_a_traceback_names_the_lines_of_the_author() -> None:
    got = execute(
        """
        def inner(x):
            return 1 / x   # the third line

        def handler(event):
            return inner(event)
        """,
        0,
    )
    assert got.error is not None and got.error.name == "ZeroDivisionError"
    assert "line 3, in inner" in got.error.traceback and "# the third line" in got.error.traceback
    assert "line 6, in handler" in got.error.traceback


def test_tabs_and_strings_at_the_margin_are_taken() -> None:
    code = '\n\tdef handler(event):\n\t\ttext = """\nat the margin\n"""\n\t\treturn text\n'
    assert execute(code).raise_for_error().value == "\nat the margin\n"


def test_a_value_that_is_nested_too_deeply_for_json_is_read() -> None:
    code = "def handler(n):\n    value = []\n    for _ in range(n): value = [value]\n    return value"
    got = execute(code, 5000)
    if got.ok:
        assert got.text == "[" * 5001 + "]" * 5001
    else:
        assert got.error is not None and got.error.value


def test_the_runtime_describes_itself() -> None:
    from hks_sdk import _embedded

    execute(ECHO["python"])
    assert '"version"' in _embedded.PROCESS.runtime().diagnose()


def test_a_process_that_ran_code_here_does_not_once_it_is_told_of_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    assert execute(ECHO["python"]).ok
    monkeypatch.setenv("HKS_API_URL", "https://functions.example")
    with pytest.raises(InfrastructureError, match="unset HKS_API_URL"):
        execute(ECHO["python"])
    monkeypatch.setenv("HKS_API_URL", "")
    assert execute(ECHO["python"]).ok


@pytest.mark.parametrize("size", [1, 70_000])
@LANGUAGES
def test_a_value_is_the_same_by_itself_and_in_its_report(language: str, size: int) -> None:
    got = execute(ECHO[language], "x" * size, language=language)
    assert got.value == got.to_dict()["value"] == "x" * size
