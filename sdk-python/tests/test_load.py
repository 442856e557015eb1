"""Functions whose top level has run: what their executions share, what each has of its own, and how they travel."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from hks_sdk import FunctionError, InvalidArgumentError, LoadedFunction, _saved
from hks_sdk.functions import aload, execute, load, resume

pytestmark = pytest.mark.usefixtures("compiled")

COUNTER = {
    "python": """
        seen = []
        print("top level")
        def handler(event):
            seen.append(event)
            return seen
    """,
    "javascript": """
        const seen = [];
        console.log("top level");
        exports.handler = (event) => { seen.push(event); return seen; };
    """,
}
DOUBLE = {"python": "def handler(e): return e * 2", "javascript": "exports.handler = e => e * 2"}
ENDLESS = {"python": "while True: pass", "javascript": "for (;;);"}
OPEN_FILE = """
    file = open("/tmp/left", "w+")
    calls = []
    def handler(event):
        calls.append(file.write(event))
        return calls
"""
LANGUAGES = pytest.mark.parametrize("language", COUNTER)
# More than any test's own limits, so that only the limit in question is met.
PLENTY = 90_000_000_000_000


def run(program: str, *arguments: str) -> str:
    """What a program of its own prints; it must end by itself with nothing on stderr."""
    command = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


# What executions share, and what they do not


@LANGUAGES
def test_each_execution_begins_as_the_top_level_left_it(language: str) -> None:
    function = load(COUNTER[language], language=language)
    assert function.snapshot_refused is None
    for event in (1, 2, 3):
        got = function.execute(event).raise_for_error()
        assert got.value == [event] and got.logs.stdout == []


@LANGUAGES
def test_the_top_level_has_a_result_of_its_own(language: str) -> None:
    top = load(COUNTER[language], language=language).result
    assert top.ok and top.value is None and top.logs.stdout == ["top level"] and top.usage.fuel > 0


def test_the_top_level_runs_once() -> None:
    code = "total = sum(range(1_000_000))\ndef handler(event): return total"
    function = load(code)
    got = function.execute().raise_for_error()
    assert got.value == sum(range(1_000_000))
    assert got.usage.fuel * 10 < function.result.usage.fuel


def test_modules_that_the_top_level_imported_are_there() -> None:
    code = """
        import decimal, re
        PATTERN = re.compile(r"\\d+[.]\\d+")
        def handler(event): return str(sum(map(decimal.Decimal, PATTERN.findall(event))))
    """
    assert load(code).execute("1.10 and 2.20").value == "3.30"


@LANGUAGES
def test_time_and_randomness_are_fresh(language: str) -> None:
    codes = {
        "python": """
            import os, random, secrets, time, uuid
            at = time.time()
            random.random(), uuid.uuid4()
            def handler(event):
                return [random.random(), str(uuid.uuid4()), os.urandom(8).hex(), secrets.token_hex(8), time.time() - at]
        """,
        "javascript": """
            const at = Date.now();
            Math.random(); crypto.randomUUID();
            exports.handler = () => [Math.random(), crypto.randomUUID(),
                [...crypto.getRandomValues(new Uint8Array(8))].join(), performance.now() + Math.random(),
                (Date.now() - at) / 1000];
        """,
    }
    began = time.time()
    function = load(codes[language], language=language)
    results = [function.execute().raise_for_error() for _ in range(20)]
    drawn = [value for got in results for value in got.value[:-1]]
    assert len(set(drawn)) == len(drawn)
    while time.time() - began < 1:
        time.sleep(0.05)
    assert function.execute().value[-1] > 0.5, "the clock went on"


@LANGUAGES
def test_an_execution_has_its_own_environment_but_not_in_what_was_stored(language: str) -> None:
    codes = {
        "python": """
            import os
            stored = os.environ.get("A")
            def handler(event): return [stored, os.environ.get("A"), os.environ["HKS_EXECUTION_ID"]]
        """,
        "javascript": """
            const stored = process.env.A;
            exports.handler = () => [stored, process.env.A, process.env.HKS_EXECUTION_ID];
        """,
    }
    function = load(codes[language], language=language, env={"A": "loaded"})
    for env, seen in ((None, "loaded"), ({"A": "own"}, "own"), ({}, None)):
        got = function.execute(env=env).raise_for_error()
        assert got.value == ["loaded", seen, got.execution_id]


def test_the_context_is_that_of_the_execution() -> None:
    code = """
        def handler(event, context): return [context.execution_id, context.memory_limit_mb]
    """
    function = load(code, memory_mb=100)
    got = function.execute()
    assert got.value == [got.execution_id, 100]
    assert function.execute(memory_mb=200).value[1] == 200


def test_each_execution_has_a_tmp_of_its_own() -> None:
    code = """
        import os
        def handler(event):
            open(f"/tmp/{event}", "w").close()
            return os.listdir("/tmp")
    """
    function = load(code)
    assert function.snapshot_refused is None
    assert [function.execute(name).value for name in "ab"] == [["a"], ["b"]]


# What cannot become a snapshot


def test_a_file_that_is_open_refuses_the_snapshot_and_the_function_still_runs(tmp_path: Path) -> None:
    function = load(OPEN_FILE)
    assert function.snapshot_refused is not None and "open handles" in function.snapshot_refused
    assert function.snapshot_bytes is None and "open handles" in repr(function)
    for event in ("a", "bc"):
        assert function.execute(event).raise_for_error().value == [len(event)]
    assert asyncio.run(function.aexecute("def")).value == [3]
    with pytest.raises(InvalidArgumentError, match="has no snapshot: it holds"):
        function.save(tmp_path / "f")


# Packages


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """A folder as `pip install --target` makes it, with a package like those that templates come from."""
    files = {
        "greeter/__init__.py": "from greeter.render import render\nfrom greeter._text import upper\n",
        "greeter/render.py": (
            "import importlib.resources\n"
            "TEMPLATE = importlib.resources.files('greeter').joinpath('hello.txt').read_text()\n"
            "def render(name): return TEMPLATE.format(name=name)\n"
        ),
        "greeter/_text.py": "try: from greeter._fast import upper\nexcept ImportError: upper = str.upper\n",
        "greeter/late.py": "def late(): return 'late'\n",
        "greeter/hello.txt": "hello {name}",
        "greeter/_fast.cpython-314-x86_64-linux-gnu.so": "no module",
        "greeter-1.0.dist-info/METADATA": "Name: greeter\nVersion: 1.0\n",
        "heavy/__init__.py": "from heavy import _core\n",
        "heavy/_core.cpython-314-x86_64-linux-gnu.so": "no module",
    }
    for path, content in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(content)
    return tmp_path


GREET = """
    from greeter import render, upper
    def handler(event):
        from greeter.late import late
        return [upper(render(event)), late()]
"""


def test_packages_come_from_a_folder(packages: Path) -> None:
    function = load(GREET, packages=packages)
    assert function.snapshot_refused is None
    assert function.execute("you").raise_for_error().value == ["HELLO YOU", "late"]


def test_packages_are_those_of_the_function_only(packages: Path) -> None:
    load(GREET, packages=packages)
    got = execute("def handler(event): import greeter")
    assert got.error is not None and got.error.name == "ModuleNotFoundError"
    with pytest.raises(FunctionError, match="ModuleNotFoundError"):
        load(GREET)


def test_a_package_that_needs_its_native_module_is_refused_by_name(packages: Path) -> None:
    with pytest.raises(
        InvalidArgumentError, match=r"'heavy/_core\.cpython-314-x86_64-linux-gnu\.so' is a native module"
    ):
        load("import heavy\ndef handler(event): pass", packages=packages)


# Save and resume


@LANGUAGES
def test_another_process_resumes_what_was_saved(language: str, tmp_path: Path) -> None:
    path = tmp_path / "function"
    load(COUNTER[language], language=language, timeout=7).save(path)
    program = """
import sys
from hks_sdk.functions import resume
function = resume(sys.argv[1])
got = function.execute(5).raise_for_error()
print(got.value, got.logs.stdout, got.limits.timeout_s, function.result.logs.stdout)
"""
    assert run(program, str(path)) == "[5] [] 7.0 ['top level']\n"


def test_a_resumed_function_is_as_good_as_the_first(packages: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    load(GREET, packages=packages).save(first)
    assert resume(first, packages=packages).execute("you").value == ["HELLO YOU", "late"]
    without = resume(first).execute("you")
    assert without.error is not None and without.error.name == "ModuleNotFoundError"
    resume(first).save(second)
    assert resume(second, packages=packages).execute("me").value == ["HELLO ME", "late"]


def test_a_file_of_another_interpreter_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "function"
    load(DOUBLE["python"]).save(path)
    _saved.write(path, _saved.read(path)._replace(language="javascript"))
    with pytest.raises(InvalidArgumentError, match="of another component; take it again; load the function again"):
        resume(path)


def test_a_damaged_snapshot_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "function"
    load(DOUBLE["python"]).save(path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(InvalidArgumentError, match="it is damaged; load the function again, and save it"):
        resume(path)


# Errors and limits


FAILED: list[tuple[str, str, dict[str, Any], str]] = [
    ("python", "raise KeyError('x')", {}, "KeyError"),
    ("python", "def handler(event)", {}, "SyntaxError"),
    ("python", "x = 1", {}, "HandlerNotFoundError"),
    ("python", ENDLESS["python"], {"timeout": 0.2, "fuel": PLENTY}, "TimeoutExceeded"),
    ("python", ENDLESS["python"], {"fuel": 50_000_000}, "FuelExhausted"),
    ("python", "x = bytearray(10**9)", {}, "OutOfMemory"),
    ("javascript", "throw new RangeError('x')", {}, "RangeError"),
    ("javascript", "let x = 1", {}, "HandlerNotFoundError"),
    ("javascript", ENDLESS["javascript"], {"timeout": 0.2, "fuel": PLENTY}, "TimeoutExceeded"),
]


@pytest.mark.parametrize(("language", "code", "limits", "name"), FAILED, ids=[f"{f[0]}-{f[3]}" for f in FAILED])
def test_a_top_level_that_fails_is_raised_with_its_result(
    language: str, code: str, limits: dict[str, Any], name: str
) -> None:
    with pytest.raises(FunctionError) as caught:
        load(f"{'print' if language == 'python' else 'console.log'}('before')\n{code}", language=language, **limits)
    error = caught.value
    assert error.name == name and not error.result.ok
    assert error.result.logs.stdout == ([] if name == "SyntaxError" else ["before"])
    assert load(DOUBLE[language], language=language).execute(21).value == 42


def test_a_traceback_names_the_lines_of_the_author() -> None:
    code = """
        def handler(event):
            return 1 / event
    """
    error = load(code).execute(0).error
    assert error is not None and error.name == "ZeroDivisionError" and "line 3, in handler" in error.traceback


@LANGUAGES
def test_limits_of_an_execution_end_it_alone(language: str) -> None:
    codes = {
        "python": "def handler(e):\n while e: pass\n return 1",
        "javascript": "exports.handler = e => { while (e); return 1; }",
    }
    function = load(codes[language], language=language, timeout=60, fuel=PLENTY)
    assert function.execute(True, timeout=0.2).outcome == "timed_out"
    assert function.execute(True, fuel=10_000_000).outcome == "out_of_fuel"
    assert function.execute(False).value == 1


def test_memory_of_the_snapshot_counts() -> None:
    function = load("held = bytearray(60 << 20)\ndef handler(e): return len(held) + len(bytearray(e << 20))")
    assert function.execute(1).value == 61 << 20
    assert function.execute(60).outcome == "out_of_memory"
    assert function.execute(60, memory_mb=256).value == 120 << 20
    assert function.execute(1, memory_mb=64).outcome == "out_of_memory"


# Streams, threads, loops, processes


@pytest.mark.parametrize("code", [DOUBLE["python"], OPEN_FILE], ids=["snapshot", "none"])
def test_lines_are_streamed(code: str) -> None:
    printing = f"{code}\n{'    ' if code == OPEN_FILE else ''}inner = handler\n"
    indent = "    " if code == OPEN_FILE else ""
    printing += f"{indent}def handler(event):\n{indent}    print('a'); print('b')\n{indent}    return inner(event)\n"
    function = load(printing)
    seen: list[str] = []
    assert function.execute("x", on_stdout=seen.append).ok
    assert asyncio.run(function.aexecute("x", on_stdout=seen.append)).ok
    assert seen == ["a", "b"] * 2


def test_an_exception_in_a_callback_ends_the_execution() -> None:
    function = load("import time\ndef handler(event):\n    print('x', flush=True)\n    time.sleep(60)", timeout=60)

    def callback(line: str) -> None:
        raise ZeroDivisionError("mine")

    began = time.monotonic()
    with pytest.raises(ZeroDivisionError, match="mine"):
        function.execute(on_stdout=callback)
    with pytest.raises(ZeroDivisionError, match="mine"):
        asyncio.run(function.aexecute(on_stdout=callback))
    assert time.monotonic() - began < 5


@LANGUAGES
def test_threads_share_a_function(language: str) -> None:
    function = load(COUNTER[language], language=language)
    with ThreadPoolExecutor(8) as pool:
        values = list(pool.map(lambda number: function.execute(number).raise_for_error().value, range(400)))
    assert values == [[number] for number in range(400)]


def test_threads_load_at_the_same_time() -> None:
    with ThreadPoolExecutor(8) as pool:
        functions = list(pool.map(lambda n: load(f"n = {n}\ndef handler(event): return n"), range(40)))
    assert [function.execute().value for function in functions] == list(range(40))


def test_tasks_share_a_function() -> None:
    async def main() -> list[Any]:
        function: LoadedFunction = await aload(DOUBLE["python"])
        return await asyncio.gather(*(function.aexecute(number) for number in range(100)))

    assert [got.value for got in asyncio.run(main())] == [number * 2 for number in range(100)]


def test_a_failed_load_is_raised_in_the_task() -> None:
    with pytest.raises(FunctionError, match="KeyError"):
        asyncio.run(aload("raise KeyError('x')"))


def test_the_loop_goes_on_while_a_function_is_loaded() -> None:
    async def main() -> None:
        task = asyncio.ensure_future(aload("import time; time.sleep(60)\ndef handler(event): pass", timeout=60))
        for _ in range(20):
            await asyncio.sleep(0.01)
        assert not task.done()
        task.cancel()

    asyncio.run(main())


def test_cancelling_the_task_ends_the_load() -> None:
    async def main() -> None:
        await asyncio.wait_for(aload(ENDLESS["python"], timeout=60, fuel=PLENTY), 0.2)

    began = time.monotonic()
    with pytest.raises(asyncio.TimeoutError):
        asyncio.run(main())
    assert time.monotonic() - began < 2


def test_waiting_for_a_load_holds_no_lock() -> None:
    waiter = threading.Thread(target=load, args=("import time; time.sleep(2)\ndef handler(event): pass",))
    waiter.start()
    for _ in range(20):
        time.sleep(0.01)
    assert waiter.is_alive()
    waiter.join()


@pytest.mark.skipif(os.name != "posix", reason="SIGINT cannot be sent to a single process here")
@pytest.mark.parametrize(
    "wait",
    [
        "load('while True: pass', timeout=60, fuel=90_000_000_000_000)",
        "asyncio.run(aload('import time; time.sleep(60)', timeout=60))",
        "load('def handler(e):\\n while e: pass', timeout=60, fuel=90_000_000_000_000).execute(True)",
        "load('def handler(e):\\n while e: print(1)', timeout=60).execute(True, on_stdout=lambda line: None)",
        "asyncio.run(load('import time\\ndef handler(e): time.sleep(60)', timeout=60).aexecute())",
    ],
    ids=["load", "aload", "execute", "stream", "aexecute"],
)
def test_ctrl_c_ends_every_wait_at_once(wait: str) -> None:
    program = f"""
import asyncio
from hks_sdk.functions import aload, execute, load
execute("def handler(event): return 1")
print("ready", flush=True)
try:
    {wait}
except KeyboardInterrupt:
    print("interrupted", load("def handler(event): return event").execute(42).value, flush=True)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        time.sleep(0.5)
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=30)
        assert (process.returncode, stdout, stderr) == (0, "interrupted 42\n", "")
        assert time.monotonic() - began < 3
    finally:
        process.kill()
        process.communicate()


def test_a_process_may_end_while_threads_load_and_execute() -> None:
    program = """
import threading, time
from hks_sdk.functions import load
function = load("import time\\ndef handler(event): time.sleep(60)", timeout=60)
for wait in (function.execute, lambda: load("import time; time.sleep(60)", timeout=60)):
    for _ in range(3):
        threading.Thread(target=wait, daemon=True).start()
time.sleep(0.3)
"""
    assert run(program) == ""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_function_does_not_cross_a_fork() -> None:
    program = """
import os, sys, warnings
warnings.simplefilter("ignore", DeprecationWarning)
from hks_sdk import ForkedProcessError
from hks_sdk.functions import load
function = load("def handler(event): return event * 2")
child = os.fork()
if child == 0:
    try:
        function.execute(2)
    except ForkedProcessError as error:
        print("'spawn' start method" in str(error), flush=True)
    sys.exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), function.execute(2).value)
"""
    assert run(program) == "True\n7 4\n"


def test_a_function_that_nobody_has_any_more_gives_back_its_memory() -> None:
    code = "held = bytes(range(256)) * (8 << 12)\ndef handler(event): return len(held)"
    program = f"""
import gc, os
from hks_sdk.functions import load
function = load({code!r})
print(function.snapshot_bytes > 8 << 20)
files = len(os.listdir("/proc/self/fd"))
for _ in range(20):
    function = load({code!r})
    assert function.execute().value == 8 << 20
print(len(os.listdir("/proc/self/fd")) - files < 5)
"""
    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("this system does not list open files there")
    assert run(program) == "True\nTrue\n"
