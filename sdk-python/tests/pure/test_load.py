"""Functions that are loaded: what is asked of the runtime, what is in a file of one, and what is refused."""

from __future__ import annotations

import asyncio
import os
import pickle
import stat
from pathlib import Path
from typing import Any

import pytest

from fake_native import SNAPSHOT, FakeFunction, FakeRuntime, failed_json, report_json
from hks_sdk import ForkedProcessError, FunctionError, InfrastructureError, InvalidArgumentError, _embedded, _saved
from hks_sdk.functions import aload, load, resume

CODE = "def handler(event): return event"
LIMITS = ("timeout_s", "memory_mb", "fuel", "environment")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder; `fake` has its guests in the one around it."""
    path = tmp_path / "own"
    path.mkdir()
    return path


def limits_of(start: dict[str, Any]) -> list[Any]:
    return [start[name] for name in LIMITS]


def test_executions_take_what_the_function_was_loaded_with(fake: FakeRuntime) -> None:
    function = load(f"    {CODE}", timeout=7, memory_mb=64, fuel=1000, env={"A": "b"})
    assert fake.loads[0]["code"] == CODE and limits_of(fake.loads[0]) == [7.0, 64, 1000, {"A": "b"}]
    assert function.execute({"x": 1}).value == 42
    function.execute(timeout=1, memory_mb=32, fuel=5, env={})
    function.execute(fuel=6)
    assert [limits_of(start) for start in fake.starts] == [
        [7.0, 64, 1000, {"A": "b"}],
        [1.0, 32, 5, {}],
        [7.0, 64, 6, {"A": "b"}],
    ]
    assert fake.starts[0]["input"] == '{"x":1}' and fake.starts[1]["input"] == "null"


def test_fuel_is_derived_from_the_timeout_of_the_execution(fake: FakeRuntime) -> None:
    load(CODE).execute(timeout=1)
    assert limits_of(fake.starts[0]) == [1.0, 128, None, {}]


def test_lines_are_streamed_on_demand(fake: FakeRuntime) -> None:
    fake.events = [("stdout", "a"), ("stderr", "b"), *fake.events]
    function, seen = load(CODE), list[str]()
    assert function.execute(on_stdout=seen.append).value == 42
    assert asyncio.run(function.aexecute(on_stderr=seen.append)).value == 42
    assert seen == ["a", "b"]
    assert function.execute().value == 42 and len(fake.executions) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"code": b""}, "code: must be str"),
        ({"language": "ruby"}, "language: 'ruby'"),
        ({"timeout": 0}, "timeout: 0 is not"),
        ({"memory_mb": 1}, "memory_mb: 1 is not"),
        ({"fuel": 0}, "fuel: 0 is not"),
        ({"env": {"": ""}}, "env: '' is not a name"),
        ({"packages": 3}, "packages: must be a folder as str or os.PathLike, not int"),
        ({"packages": b"."}, "packages: must be a folder as str or os.PathLike, not bytes"),
        ({"packages": "/nowhere/at/all"}, "packages: '/nowhere/at/all' is not a folder; make it with `pip install"),
        ({"packages": ""}, "packages: '' is not a folder"),
        ({"packages": "\0"}, "packages: '\\x00' is not a folder"),
        ({"packages": __file__}, "is not a folder"),
        ({"packages": ".", "language": "js"}, "packages: are for Python functions; bundle those of javascript"),
    ],
)
def test_a_wrong_argument_is_refused_by_name(fake: FakeRuntime, arguments: dict[str, Any], message: str) -> None:
    for call in (load, lambda **given: asyncio.run(aload(**given))):
        with pytest.raises(InvalidArgumentError) as caught:
            call(**{"code": CODE, **arguments})
        assert message in str(caught.value)
    assert not fake.loads


def test_wrong_arguments_of_an_execution_are_refused(fake: FakeRuntime) -> None:
    function = load(CODE)

    async def callback(line: str) -> None: ...

    for arguments, message in (
        ({"input": {1}}, "input: set is not JSON"),
        ({"timeout": -1}, "timeout: -1"),
        ({"on_stdout": 3}, "on_stdout: must be callable"),
        ({"on_stdout": callback}, "a coroutine function needs an event loop; use aexecute"),
    ):
        with pytest.raises(InvalidArgumentError, match=message):
            function.execute(**arguments)  # type: ignore[arg-type]
    assert not fake.starts


def test_packages_are_an_absolute_folder(fake: FakeRuntime, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    (folder / "packages").mkdir()
    load(CODE, packages="packages")
    load(CODE, packages=Path("packages"))
    assert [entry["packages"] for entry in fake.loads] == [str(folder / "packages")] * 2


def test_a_top_level_that_failed_is_raised(fake: FakeRuntime) -> None:
    fake.loaded = (failed_json("KeyError", "'x'", "Traceback"), None)
    with pytest.raises(FunctionError, match="KeyError: 'x'") as caught:
        load(CODE)
    assert caught.value.result.outcome == "failed"
    with pytest.raises(FunctionError, match="KeyError: 'x'"):
        asyncio.run(aload(CODE))


def test_a_native_module_that_is_missing_is_named(fake: FakeRuntime, folder: Path) -> None:
    for path in ("markupsafe/_speedups.cpython-314.so", "numpy/_core/_umath.cpython-314.so", "numpy/a.py"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).touch()
    fake.loaded = (failed_json("ModuleNotFoundError", "No module named 'numpy._core._umath'"), None)
    with pytest.raises(
        InvalidArgumentError, match=r"'numpy/_core/_umath\.cpython-314\.so' is a native module"
    ) as caught:
        load(CODE, packages=folder)
    assert "the container runtime, once it is there" in str(caught.value)
    assert isinstance(caught.value.__cause__, FunctionError)
    fake.loaded = (failed_json("ImportError", "who knows"), None)
    with pytest.raises(InvalidArgumentError, match="'markupsafe/_speedups"):
        load(CODE, packages=folder)


def test_other_failures_are_not_blamed_on_native_modules(fake: FakeRuntime, folder: Path) -> None:
    fake.loaded = (failed_json("ModuleNotFoundError", "No module named 'x'"), None)
    with pytest.raises(FunctionError):
        load(CODE, packages=folder)
    (folder / "a.so").touch()
    fake.loaded = (failed_json("ValueError", "a"), None)
    with pytest.raises(FunctionError):
        load(CODE, packages=folder)


def test_what_is_known_of_a_function(fake: FakeRuntime) -> None:
    fake.loaded = (report_json(logs={"stdout": ["hello"], "stderr": []}), FakeFunction(fake))
    function = load(CODE)
    assert function.language == "python" and function.snapshot_refused is None
    assert function.snapshot_bytes == len(SNAPSHOT) and function.result.logs.stdout == ["hello"]
    assert repr(function) == "<LoadedFunction python, snapshot of 0.0 MiB>"
    with pytest.raises(TypeError, match=r"save\(\) it"):
        pickle.dumps(function)


def test_without_a_snapshot_it_says_why_and_cannot_be_saved(fake: FakeRuntime, folder: Path) -> None:
    fake.loaded = (report_json(), FakeFunction(fake, "it holds 1 open handle"))
    function = load(CODE, language="js")
    assert (function.snapshot_refused, function.snapshot_bytes) == ("it holds 1 open handle", None)
    assert repr(function) == "<LoadedFunction javascript, no snapshot: it holds 1 open handle>"
    assert function.execute().value == 42
    with pytest.raises(InvalidArgumentError, match="cannot be saved, because it has no snapshot: it holds 1 open"):
        function.save(folder / "f")
    assert not list(folder.iterdir())


def test_a_saved_function_knows_its_language_and_limits(fake: FakeRuntime, folder: Path) -> None:
    path = folder / "f.hks"
    load(CODE, language="js", timeout=7, memory_mb=64, fuel=1000, env={"SECRET": "s3cret"}).save(path)
    assert b"s3cret" not in path.read_bytes() and stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in folder.iterdir()] == [path.name]
    function = resume(str(path))
    assert fake.loads[-1] == {"language": "javascript", "snapshot": SNAPSHOT, "packages": None}
    assert function.language == "javascript" and function.result == load(CODE).result
    function.execute()
    resume(path, timeout=1, memory_mb=32, fuel=5, env={"A": "b"}).execute()
    resume(path, timeout=1).execute(env={"C": "d"})
    assert [limits_of(start) for start in fake.starts] == [
        [7.0, 64, 1000, {}],
        [1.0, 32, 5, {"A": "b"}],
        [1.0, 64, 1000, {"C": "d"}],
    ]


def test_a_resumed_function_has_packages_again(fake: FakeRuntime, folder: Path) -> None:
    path = folder / "f.hks"
    load(CODE, packages=folder).save(path)
    resume(path, packages=folder)
    assert fake.loads[-1]["packages"] == str(folder)
    with pytest.raises(InvalidArgumentError, match="packages: '/nowhere' is not a folder"):
        resume(path, packages="/nowhere")


def test_saving_replaces_a_file_as_a_whole_or_not_at_all(
    fake: FakeRuntime, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder / "f.hks"
    path.write_bytes(b"before")
    function = load(CODE)

    def fail(number: int) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match="no space left"):
            function.save(path)
    assert path.read_bytes() == b"before" and [file.name for file in folder.iterdir()] == [path.name]
    function.save(path)
    assert resume(path).execute().value == 42
    with pytest.raises(FileNotFoundError):
        function.save(folder / "nowhere" / "f.hks")


def test_a_file_that_is_not_there_is_an_os_error(fake: FakeRuntime, folder: Path) -> None:
    with pytest.raises(FileNotFoundError):
        resume(folder / "nothing")
    with pytest.raises(TypeError):
        resume(0)  # type: ignore[arg-type]


def test_every_way_to_damage_a_file_is_refused(fake: FakeRuntime, folder: Path) -> None:
    path = folder / "f.hks"
    load(CODE).save(path)
    good = path.read_bytes()
    begin = len(_saved.MAGIC) + _saved.LENGTH_BYTES
    others = [good[: len(_saved.MAGIC)] + len(header).to_bytes(4, "little") + header + SNAPSHOT for header in HEADERS]
    for content in [*(good[:length] for length in range(len(good))), good + b"x", b"\0" * 100, *others]:
        path.write_bytes(content)
        with pytest.raises(InvalidArgumentError, match=f"{path}"):
            resume(path)
    path.write_bytes(good[: len(_saved.MAGIC)] + b"\xff\xff\xff\xff" + good[begin:])
    with pytest.raises(InvalidArgumentError, match="damaged; load the function again"):
        resume(path)


HEADERS = [
    b"",
    b"null",
    b"[" * 100_000,
    b"\xff",
    b'{"report": "{}"}',
    b'{"language":"ruby","timeout_s":1,"memory_mb":64,"fuel":null,"report":"{}"}',
    b'{"language":"python","timeout_s":-1,"memory_mb":64,"fuel":null,"report":"{}"}',
    b'{"language":"python","timeout_s":1,"memory_mb":"64","fuel":null,"report":"{}"}',
    b'{"language":"python","timeout_s":1,"memory_mb":64,"fuel":null,"report":"["}',
    b'{"language":"python","timeout_s":1,"memory_mb":64,"fuel":null,"report":"{}","more":1}',
]


def test_canceling_a_task_that_loads_ends_the_load(fake: FakeRuntime) -> None:
    fake.endless = True

    async def main() -> None:
        task = asyncio.ensure_future(aload(CODE))
        while not fake.loads:
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert fake.loads[0]["canceled"]

    asyncio.run(main())


def test_the_loop_goes_on_while_a_function_is_loaded(fake: FakeRuntime) -> None:
    fake.endless = True

    async def main() -> int:
        task = asyncio.ensure_future(aload(CODE))
        for _ in range(5):
            await asyncio.sleep(0.005)
        fake.endless = False
        return int((await (await task).aexecute()).value)

    assert asyncio.run(main()) == 42


def test_a_function_does_not_cross_a_fork(fake: FakeRuntime, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    function = load(CODE)
    function.save(folder / "f")
    monkeypatch.setattr(_embedded.PROCESS, "_forked", True)
    monkeypatch.setattr(_embedded.PROCESS, "_prepared", {})
    for use in (
        function.execute,
        lambda: asyncio.run(function.aexecute()),
        lambda: function.save(folder / "g"),
        lambda: load(CODE),
        lambda: resume(folder / "f"),
    ):
        with pytest.raises(ForkedProcessError):
            use()


def test_code_meant_for_a_server_is_not_loaded_here(fake: FakeRuntime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HKS_API_URL", "https://functions.example")
    for use in (lambda: load(CODE), lambda: asyncio.run(aload(CODE)), lambda: resume("f")):
        with pytest.raises(InfrastructureError, match="unset HKS_API_URL"):
            use()
    assert not fake.loads
