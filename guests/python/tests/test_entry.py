"""The exported interface speaks componentize-py's language."""

import dataclasses
import enum
import importlib
import sys

import pytest
from interpreter_state import streams_kept

from hks_guest import build
from hks_guest.driver import Driver


class Err(Exception):
    def __init__(self, value: object) -> None:
        self.value = value


class LogStream(enum.Enum):
    STDOUT = 0
    STDERR = 1


@dataclasses.dataclass
class Failure:
    name: str
    value: str
    traceback: str


@pytest.fixture
def interpret(kept, wit_world, monkeypatch):
    monkeypatch.setattr(build, "load", lambda host: None)
    monkeypatch.setattr(build, "finish", lambda driver: None)
    wit_world["componentize_py_types"].Err = Err
    wit_world["wit_world.imports.types"].Failure = Failure
    wit_world["wit_world.imports.clock"].remaining = lambda: 5
    wit_world["wit_world.imports.environment"].variables = list
    wit_world["wit_world.imports.packages"].find = wit_world["wit_world.imports.packages"].read = lambda name: None
    output = wit_world["wit_world.imports.output"]
    output.logged = []
    output.LogStream = LogStream
    output.write_log = lambda to, text: output.logged.append((to, text))
    output.publish = lambda formats: None
    sys.modules.pop("hks_guest.entry", None)
    entry = importlib.import_module("hks_guest.entry")
    yield entry.Interpret(), output
    del sys.modules["hks_guest.entry"]


def test_result_is_returned_and_failure_raised(interpret) -> None:
    exported, output = interpret
    with streams_kept():
        assert exported.run("def handler(event): print(event); return event", None, "1", "{}") == "1"
        with pytest.raises(Err) as caught:
            exported.run("raise ValueError('x')", None, "1", "{}")
    assert output.logged == [(LogStream.STDOUT, "1\n")]
    assert (caught.value.value.name, caught.value.value.value) == ("ValueError", "x")


def test_damaged_driver_is_a_failure_not_a_trap(interpret, monkeypatch) -> None:
    exported, _ = interpret
    monkeypatch.setattr(Driver, "run", None)
    with pytest.raises(Err) as caught:
        exported.run("def handler(event): pass", None, "1", "{}")
    assert caught.value.value.name == "SystemError"
