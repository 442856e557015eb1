"""One run: source and event in, JSON text or a failure out, whatever the code does."""

import json
import sys

import pytest


def test_result_is_json_text(run) -> None:
    result = run("def handler(event):\n    return {'got': event}", '{"ä": [1, 2.5]}')
    assert result == ('{"got": {"ä": [1, 2.5]}}', None)


def test_big_integers_of_the_event_survive(run) -> None:
    number = "123456789012345678901234567890"
    assert run("def handler(event): return event", number) == (number, None)


def test_code_runs_as_main(run) -> None:
    code = (
        "import pickle, sys, __main__\nclass P: pass\n"
        "def handler(event): return [__name__, type(pickle.loads(pickle.dumps(P()))) is P, sys.argv]"
    )
    assert run(code) == ('["__main__", true, ["<function>"]]', None)


def test_each_run_has_a_fresh_main(run) -> None:
    run("left = 1\ndef handler(event): pass")
    assert run("def handler(event): return 'left' in globals()") == ("false", None)


def test_future_imports_of_the_driver_do_not_reach_the_code(run) -> None:
    assert run("def handler(event: 1): return handler.__annotations__['event']") == ("1", None)


def test_byte_order_mark_is_ignored(run) -> None:
    assert run("\ufeffdef handler(event): return 1") == ("1", None)


def test_context_has_the_fields_and_the_clock(run) -> None:
    code = (
        "def handler(event, context): return [context.execution_id, context.attempt, context.project, "
        "context.remaining_time_ms(), repr(context)[:40]]"
    )
    assert run(code)[0] == '["exe_1", 2, null, 1234, "Context(execution_id=\'exe_1\', attempt=2,"]'


def error_of_compiling(code: str) -> str:
    """The name of what this Python raises."""
    try:
        compile(code, "<function>", "exec")
    except (SyntaxError, ValueError) as error:
        return type(error).__name__
    raise AssertionError(f"{code!r} compiles")


@pytest.mark.parametrize(
    ("code", "name", "value"),
    [
        ("def handler(event:", "SyntaxError", "'(' was never closed (<function>, line 1)"),
        # Some releases of Python 3.11 call it a ValueError.
        ("x = 'a\0b'", error_of_compiling("\0"), "source code string cannot contain null bytes"),
        ("def handler(event):\nreturn 1", "IndentationError", None),
        ("print(1)", "HandlerNotFoundError", None),
        ("handler = 3", "HandlerNotFoundError", None),
        ("def handler(event): return {1}", "InvalidResultError", None),
        ("def handler(event): yield 1", "InvalidResultError", None),
        ("async def handler(event): yield 1", "InvalidResultError", None),
        ("def handler(event): raise ValueError('no')", "ValueError", "no"),
        ("class Mine(Exception): pass\nraise Mine(1, 2)", "Mine", "(1, 2)"),
        ("def handler(event): return {}['k']", "KeyError", "'k'"),
        ("import sys\ndef handler(event): sys.exit(3)", "SystemExit", "3"),
        ("raise SystemExit", "SystemExit", "0"),
        ("raise SystemExit('bye')", "SystemExit", "bye"),
        ("def handler(event): raise KeyboardInterrupt", "KeyboardInterrupt", ""),
        ("def handler(event): raise GeneratorExit", "GeneratorExit", ""),
        ("class B(BaseException): pass\nraise B('b')", "B", "b"),
        ("def handler(event): return handler(event)", "RecursionError", None),
        ("def handler(event): raise MemoryError", "MemoryError", ""),
        ("def handler(event): return input('name?')", "EOFError", None),
        ("async def handler(event): raise KeyError(1)", "KeyError", "1"),
    ],
)
def test_failures_are_typed(run, code: str, name: str, value: str | None) -> None:
    text, failure = run(code)
    assert text is None
    assert failure[0] == name
    assert value is None or failure[1] == value
    assert failure[2].rstrip().splitlines()[-1].startswith(name)


def test_traceback_shows_only_user_lines(run) -> None:
    _, (_, _, trace) = run("def inner():\n    return 1 / 0\n\n\ndef handler(event):\n    return inner()\n")
    lines = trace.splitlines()
    assert [line for line in lines if "File" in line] == [
        '  File "<function>", line 6, in handler',
        '  File "<function>", line 2, in inner',
    ]
    assert "    return 1 / 0" in lines
    assert lines[-1] == "ZeroDivisionError: division by zero"


def test_syntax_error_shows_the_place(run) -> None:
    _, (_, _, trace) = run("x = 1\ny = (2\n")
    assert 'File "<function>", line 2' in trace
    assert "    y = (2\n        ^\n" in trace


def test_awaitables_are_run(run) -> None:
    assert run("async def handler(event): return event", "7") == ("7", None)
    code = "class A:\n  def __await__(self):\n    return 5\n    yield\ndef handler(event): return A()"
    assert run(code) == ("5", None)


def test_output_is_flushed_after_success_and_failure(run, recorder) -> None:
    run("def handler(event): print('one', end='')")
    run("import sys\ndef handler(event):\n    print('two', end='', file=sys.stderr)\n    1/0")
    assert (recorder.text(), recorder.text("stderr")) == ("one", "two")


def test_files_left_open_by_the_module_are_written(run, tmp_path) -> None:
    path = tmp_path / "report.txt"
    run(f"out = open({str(path)!r}, 'w')\nout.write('kept')\ndef handler(event): pass")
    assert path.read_text() == "kept"
    sys.modules["__main__"].out.close()


def test_environment_comes_from_the_host(run, recorder) -> None:
    code = "import os\ndef handler(event): return [os.environ.get('A'), os.getenv('B')]"
    recorder.environment = {"A": "1", "B": "ü"}
    assert run(code)[0] == '["1", "ü"]'
    recorder.environment = {"B": "2"}
    assert run(code)[0] == '[null, "2"]'


def test_variables_that_code_sets_itself_are_kept_between_runs(run, recorder) -> None:
    recorder.environment = {"A": "1"}
    run("import os\nos.environ['A'] = 'own'\ndef handler(event): pass")
    assert run("import os\ndef handler(event): return os.environ['A']")[0] == '"own"'


def test_module_level_randomness_differs_between_runs(run) -> None:
    code = "import random\ndef handler(event): return random.getrandbits(64)"
    assert run(code) != run(code)


LOADED = """
import logging, os, sys
print("loaded", os.environ.get("A"))
count = 0
def handler(event, context):
    global count
    count += 1
    print("called", os.environ.get("A"))
    return [event, context.attempt, count, __name__, sys.argv]
"""


def test_loaded_source_answers_as_a_run_does(run, driver, load, call, recorder) -> None:
    recorder.environment = {"A": "1"}
    expected, lines = run(LOADED, "[1]"), recorder.text()
    recorder.logs.clear()
    for compiled in (None, driver.compile(LOADED)[0]):
        assert load(LOADED, compiled) == (None, None)
        assert recorder.text() == "loaded 1\n"
        assert call("[1]") == expected
        assert recorder.text() == lines
        recorder.logs.clear()


def test_environment_of_a_call_is_its_own(load, call, recorder) -> None:
    recorder.environment = {"A": "load", "HKS_EXECUTION_ID": "exe_1", "GONE": "1"}
    load("import os\nos.environ['OWN'] = 'kept'\ndef handler(event): return sorted(os.environ.items())")
    recorder.environment = {"A": "call", "HKS_EXECUTION_ID": "exe_2"}
    found = dict(json.loads(call()[0]))
    assert [found.get(name) for name in ("A", "HKS_EXECUTION_ID", "GONE", "OWN")] == ["call", "exe_2", None, "kept"]


def test_streams_that_the_top_level_replaced_stay(load, call, recorder) -> None:
    load(
        "import io, sys\nsys.stdout = io.StringIO()\ndef handler(event):\n  print('x')\n  return sys.stdout.getvalue()"
    )
    assert call() == ('"x\\n"', None)
    assert recorder.text() == ""


def test_loop_that_the_top_level_ran_is_no_hindrance(load, call) -> None:
    code = "import asyncio\nasync def one(): return 1\nn = asyncio.run(one())\nasync def handler(event): return n + await one()"
    load(code)
    assert call() == ("2", None)


FAILING = [
    "x = (1,",
    "print(1)\nx = 1 / 0",
    "def handle(event): pass",
    "import sys\nsys.exit(3)",
    "from json import nothing",
    "raise ExceptionGroup('g', [ValueError(1)])",
]


@pytest.mark.parametrize("code", FAILING)
def test_failures_are_the_same_in_all_ways(run, driver, load, recorder, code: str) -> None:
    expected, output = run(code), recorder.text()
    compiled, failure = driver.compile(code)
    assert (compiled is None) == (failure is not None)
    assert failure in (None, expected[1])
    assert recorder.text() == output
    assert load(code) == expected
    if compiled is not None:
        assert run(code, compiled=compiled) == expected
        assert load(code, compiled) == expected


def test_compiled_handlers_show_their_lines(run, driver, load, call) -> None:
    code = "def inner():\n    return 1 / 0\n\n\ndef handler(event):\n    return inner()\n"
    compiled, _ = driver.compile(code)
    expected = run(code)
    assert "    return 1 / 0\n" in expected[1][2]
    assert run(code, compiled=compiled) == expected
    load(code, compiled)
    assert call() == expected


def test_compiling_runs_nothing(driver, recorder) -> None:
    compiled, failure = driver.compile("print('ran')\nraise ValueError")
    assert failure is None and type(compiled) is bytes
    assert recorder.logs == []


def test_foreign_code_is_a_failure(run, load) -> None:
    for outcome in (run("", compiled=b"nonsense"), load("", b"nonsense")):
        assert outcome[1][0] == "ForeignCodeError"
        assert "this build of the interpreter" in outcome[1][1]


def test_call_without_load_is_a_failure(call) -> None:
    assert call()[1][0] == "NothingLoadedError"


def test_failed_load_leaves_nothing_to_call(load, call) -> None:
    load("def handler(event): pass")
    load("raise ValueError")
    assert call()[1][0] == "NothingLoadedError"


def test_event_may_have_space_around_it(run) -> None:
    assert run("def handler(event): return event", " [1] ") == ("[1]", None)
    assert run("def handler(event): return event", "[1] 2")[1][0] == "JSONDecodeError"


SABOTAGE = [
    "import json\njson.JSONEncoder = json.dumps = json.loads = None",
    "import traceback\ntraceback.TracebackException = traceback.format_exception = None",
    "import sys\nsys.stdout = None\nsys.stderr = 5",
    "import sys\nsys.stdout.close()\nsys.stderr.detach()",
    "import asyncio\nasyncio.run = None",
    "import random\nrandom.seed = None",
    "import os\nos.chdir = None",
]


@pytest.mark.parametrize("sabotage", SABOTAGE)
def test_replaced_library_functions_do_not_reach_the_driver(run, monkeypatch, sabotage: str) -> None:
    for name in ("json.JSONEncoder", "json.dumps", "json.loads", "traceback.TracebackException"):
        module, _, attribute = name.partition(".")
        monkeypatch.setattr(sys.modules[module], attribute, getattr(sys.modules[module], attribute))
    for name in ("traceback.format_exception", "asyncio.run", "random.seed", "os.chdir"):
        module, _, attribute = name.partition(".")
        monkeypatch.setattr(sys.modules[module], attribute, getattr(sys.modules[module], attribute))
    assert run(f"{sabotage}\nasync def handler(event): return event", "[1]") == ("[1]", None)
    assert run("def handler(event): raise ValueError('x')")[1][0] == "ValueError"
    assert run("def handler(event): print('works again')\n") == ("null", None)


def test_tracing_functions_do_not_outlive_the_run(run) -> None:
    trace = sys.gettrace()
    try:
        failure = run(
            "import sys\ndef t(*a): raise RuntimeError('t')\ndef handler(event):\n  sys.settrace(t)\n  len('')\n"
        )[1]
        assert failure is None or failure[0] == "RuntimeError"
        assert sys.getprofile() is None
    finally:
        sys.settrace(trace)
