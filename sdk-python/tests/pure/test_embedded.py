"""One runtime for a process: made late, prepared once, shown to be at work, and refused after a fork."""

from __future__ import annotations

import asyncio
import io
import os
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Callable

import pytest

from fake_native import FakeRuntime, embedded
from hks_sdk import ForkedProcessError, GuestNotFoundError, InfrastructureError, _embedded
from hks_sdk.functions import aexecute, execute

CODE = "def handler(event): return event"
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")


class Prepare:
    """Counts preparations and holds each until `go`."""

    def __init__(self, fake: FakeRuntime) -> None:
        self.calls = 0
        self.go = threading.Event()
        self.error: BaseException | None = None
        fake.compiled = False
        fake.prepare = self

    def __call__(self, language: str) -> None:
        self.calls += 1
        assert self.go.wait(10)
        if self.error is not None:
            raise self.error


def test_the_runtime_is_made_once_and_late(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Path] = []
    runtime = FakeRuntime()
    embedded(runtime, tmp_path)
    process: Any = _embedded.Embedded(lambda guests: made.append(guests) or runtime, tmp_path)  # type: ignore
    monkeypatch.setattr(_embedded, "PROCESS", process)
    assert made == []
    execute(CODE)
    execute(CODE, language="javascript")
    assert made == [tmp_path]


def test_threads_share_one_preparation(fake: FakeRuntime, capfd: pytest.CaptureFixture[str]) -> None:
    prepare = Prepare(fake)
    values: list[Any] = []
    threads = [threading.Thread(target=lambda: values.append(execute(CODE).value)) for _ in range(20)]
    for thread in threads:
        thread.start()
    prepare.go.set()
    for thread in threads:
        thread.join()
    assert values == [42] * 20
    assert prepare.calls == 1
    assert capfd.readouterr().err.count("compiling python for this machine") == 1


def test_a_compiled_guest_is_loaded_in_silence(fake: FakeRuntime, capfd: pytest.CaptureFixture[str]) -> None:
    execute(CODE)
    assert capfd.readouterr().err == ""


def test_compiling_says_so_in_one_line_where_there_is_no_terminal(
    fake: FakeRuntime, capfd: pytest.CaptureFixture[str]
) -> None:
    Prepare(fake).go.set()
    execute(CODE)
    (line,) = capfd.readouterr().err.splitlines()
    assert line == "hks: compiling python for this machine, once, about 15 s; later starts take milliseconds"


def test_a_failed_preparation_is_raised_and_tried_again(fake: FakeRuntime) -> None:
    prepare = Prepare(fake)
    prepare.go.set()
    prepare.error = InfrastructureError("no space left")
    for _ in range(2):
        with pytest.raises(InfrastructureError, match="no space left"):
            execute(CODE)
    prepare.error = None
    assert execute(CODE).ok
    assert prepare.calls == 3


def test_a_caller_that_gives_up_leaves_the_preparation_to_the_next(fake: FakeRuntime) -> None:
    prepare = Prepare(fake)

    async def give_up() -> None:
        await asyncio.wait_for(aexecute(CODE), 0.05)

    with pytest.raises(asyncio.TimeoutError):
        asyncio.run(give_up())
    threading.Timer(0.05, prepare.go.set).start()
    assert execute(CODE).ok
    assert prepare.calls == 1


def test_the_loop_goes_on_while_a_guest_is_compiled(fake: FakeRuntime) -> None:
    prepare = Prepare(fake)

    async def main() -> Any:
        task = asyncio.ensure_future(aexecute(CODE))
        await asyncio.sleep(0.02)
        assert not task.done()
        prepare.go.set()
        return await task

    assert asyncio.run(main()).value == 42


def test_a_missing_guest_is_named_with_what_to_do(fake: FakeRuntime, tmp_path: Path) -> None:
    (tmp_path / "javascript.wasm").unlink()
    with pytest.raises(GuestNotFoundError, match=r"javascript\.wasm does not exist; install hks-sdk again, or run"):
        execute(CODE, language="javascript")
    assert execute(CODE).ok


def test_a_missing_native_module_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hks_sdk._hks", None)
    with pytest.raises(InfrastructureError, match="native module of hks-sdk cannot be loaded"):
        _embedded._native_runtime(tmp_path)


def test_the_native_module_gets_both_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HKS_CACHE_DIR", str(tmp_path / "cache"))
    native = SimpleNamespace(Runtime=lambda guests, cache: (guests, cache))
    monkeypatch.setitem(sys.modules, "hks_sdk._hks", native)
    made: Any = _embedded._native_runtime(tmp_path)
    assert made == (str(tmp_path), str(tmp_path / "cache"))
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"HKS_CACHE_DIR": "/a/b", "XDG_CACHE_HOME": "/x"}, "/a/b"),
        ({"HKS_CACHE_DIR": "~/c"}, "/home/me/c"),
        ({"HKS_CACHE_DIR": "", "XDG_CACHE_HOME": "/x"}, "/x/hks"),
        ({"XDG_CACHE_HOME": "relative"}, "/home/me/.cache/hks"),
        ({}, "/home/me/.cache/hks"),
    ],
)
def test_the_cache_folder(environment: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HKS_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"HOME": "/home/me", **environment}.items():
        monkeypatch.setenv(name, value)
    assert _embedded.cache_folder() == expected


def test_a_relative_cache_folder_is_meant_from_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HKS_CACHE_DIR", "here")
    assert _embedded.cache_folder() == os.path.join(os.getcwd(), "here")


def in_child(action: Callable[[], object]) -> str:
    """What `action` returned or raised in a forked child."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            text = f"returned {action()}"
        except BaseException as error:
            text = f"{type(error).__name__}: {error}"
        os.write(write, text.encode())
        os._exit(0)
    os.close(write)
    os.waitpid(child, 0)
    with io.open(read, encoding="utf-8") as stream:
        return stream.read()


@needs_fork
def test_a_child_of_a_parent_that_ran_something_is_refused(fake: FakeRuntime) -> None:
    execute(CODE)
    answer = in_child(lambda: execute(CODE).value)
    assert answer.startswith("ForkedProcessError: this process was forked") and "'spawn'" in answer
    assert execute(CODE).ok


@needs_fork
def test_a_grandchild_is_refused_as_well(fake: FakeRuntime) -> None:
    execute(CODE)
    assert in_child(lambda: in_child(lambda: execute(CODE))).startswith("returned ForkedProcessError")


@needs_fork
def test_a_child_of_a_parent_that_ran_nothing_works(fake: FakeRuntime) -> None:
    assert in_child(lambda: execute(CODE).value) == "returned 42"
    assert execute(CODE).ok


@needs_fork
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_lock_that_another_thread_held_does_not_hang_the_child(fake: FakeRuntime) -> None:
    with _embedded.PROCESS._lock:
        assert in_child(lambda: execute(CODE).value) == "returned 42"


@needs_fork
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_fork_while_the_runtime_is_being_made_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    making, go = threading.Event(), threading.Event()

    def make(guests: Path) -> Any:
        making.set()
        go.wait(10)
        return FakeRuntime()

    embedded(FakeRuntime(), tmp_path)
    monkeypatch.setattr(_embedded, "PROCESS", _embedded.Embedded(make, tmp_path))
    thread = threading.Thread(target=execute, args=(CODE,))
    thread.start()
    making.wait(10)
    answer = in_child(lambda: execute(CODE))
    go.set()
    thread.join()
    assert answer.startswith(ForkedProcessError.__name__)


@needs_fork
def test_a_fork_in_a_callback_ends_the_wait_in_the_child(fake: FakeRuntime) -> None:
    fake.events = [("stdout", "a"), *fake.events]
    answers: list[str] = []

    def callback(line: str) -> None:
        def lost() -> None:
            from hks_sdk._waiting import wait

            execution = fake.executions[0]
            execution._events.clear()
            wait(execution, None, None)  # type: ignore[arg-type]

        answers.append(in_child(lost))

    execute(CODE, on_stdout=callback)
    assert answers[0].startswith("ForkedProcessError")
