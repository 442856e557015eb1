"""Runs the guest's pure parts under an ordinary CPython (3.11 or newer), with a stand-in for the host.

What only the real component can show (imports without a disk, memory limits, speed) is tested with the real host.
"""

import asyncio
import builtins
import gc
import os
import pathlib
import sys
import types

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "src"))

from interpreter_state import streams_kept

from hks_guest.driver import Driver
from hks_guest.host import Host

CONTEXT = '{"execution_id": "exe_1", "attempt": 2, "function_name": "f", "memory_limit_mb": 128}'


class Recorder:
    """A host that remembers what it was told."""

    def __init__(self) -> None:
        self.logs: list[tuple[str, str]] = []
        self.published: list[str] = []
        self.environment: dict[str, str] = {}

    def host(self) -> Host:
        return Host(
            write_stdout=lambda text: self.logs.append(("stdout", text)),
            write_stderr=lambda text: self.logs.append(("stderr", text)),
            publish=self.published.append,
            remaining_ms=lambda: 1234,
            variables=lambda: list(self.environment.items()),
            find_module=lambda name: None,
            read_file=lambda path: None,
        )

    def text(self, stream: str = "stdout") -> str:
        return "".join(text for name, text in self.logs if name == stream)


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def kept():
    """Whatever a run changes is as before afterwards."""
    folder, arguments, main, environment = os.getcwd(), sys.argv, sys.modules["__main__"], dict(os.environ)
    ask = builtins.input
    yield
    os.chdir(folder)
    sys.argv, sys.modules["__main__"], builtins.input = arguments, main, ask
    os.environ.clear()
    os.environ.update(environment)
    vars(builtins).pop("display", None)
    asyncio.set_event_loop(None)


@pytest.fixture
def driver(recorder: Recorder, kept: None) -> Driver:
    return Driver(recorder.host())


@pytest.fixture
def run(driver: Driver):
    """Runs source with an event."""

    def run_once(code: str, event: str = "null", context: str = CONTEXT, compiled: bytes | None = None):
        with streams_kept():
            return driver.run(code, compiled, event, context)

    return run_once


@pytest.fixture
def streams_between() -> dict[str, object]:
    """The streams that `load` leaves to `call`."""
    return {}


@pytest.fixture
def load(driver: Driver, streams_between: dict[str, object]):
    """Loads source."""

    def load_once(code: str, compiled: bytes | None = None):
        with streams_kept(streams_between):
            return driver.load(code, compiled)

    yield load_once
    gc.unfreeze()


@pytest.fixture
def call(driver: Driver, streams_between: dict[str, object]):
    """Calls the handler that was loaded."""

    def call_once(event: str = "null", context: str = CONTEXT):
        with streams_kept(streams_between):
            return driver.call(event, context)

    return call_once


@pytest.fixture
def wit_world(monkeypatch: pytest.MonkeyPatch) -> dict[str, types.ModuleType]:
    """Stands in for the modules that componentize-py generates from the world."""
    imports = ("types", "clock", "environment", "output", "packages")
    names = ("", ".exports", ".imports", *(f".imports.{name}" for name in imports))
    modules = {f"wit_world{name}": types.ModuleType(f"wit_world{name}") for name in names}
    modules["componentize_py_types"] = types.ModuleType("componentize_py_types")
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
        parent, _, child = name.rpartition(".")
        if parent:
            setattr(modules[parent], child, module)
    modules["wit_world.exports"].Interpret = object
    return modules
