"""The module that componentize-py turns into the component: builds the interpreter's state, then exports `interpret`.

All of this file runs at build time, but for the methods of `Interpret`. `build.finish` has to be its last line: what is
allocated after it lies outside the prepared heap.
"""

from componentize_py_types import Err
from wit_world import exports
from wit_world.imports import clock, environment, output, packages
from wit_world.imports.types import Failure

from hks_guest import build
from hks_guest.driver import Driver, Outcome
from hks_guest.host import Host

# Bound once: user code may replace the name in `builtins`.
_Anything = BaseException
_DAMAGED = (None, ("SystemError", "the interpreter was damaged by the function's own code", ""))


def _host() -> Host:
    def write_stdout(text: str, _write=output.write_log, _to=output.LogStream.STDOUT) -> None:
        _write(_to, text)

    def write_stderr(text: str, _write=output.write_log, _to=output.LogStream.STDERR) -> None:
        _write(_to, text)

    return Host(
        write_stdout=write_stdout,
        write_stderr=write_stderr,
        publish=output.publish,
        remaining_ms=clock.remaining,
        variables=environment.variables,
        find_module=packages.find,
        read_file=packages.read,
    )


_functions = _host()
build.load(_functions)
_driver = Driver(_functions)


class Interpret(exports.Interpret):
    """The exported interface. An exception other than `Err` would trap the instance, so none may leave."""

    def run(self, source: str, compiled: bytes | None, event: str, context: str) -> str:
        try:
            outcome = _driver.run(source, compiled, event, context)
        except _Anything:
            outcome = _DAMAGED
        return _value(outcome)

    def compile(self, source: str) -> bytes:
        try:
            outcome = _driver.compile(source)
        except _Anything:
            outcome = _DAMAGED
        return _value(outcome)

    def load(self, source: str, compiled: bytes | None) -> None:
        try:
            outcome = _driver.load(source, compiled)
        except _Anything:
            outcome = _DAMAGED
        return _value(outcome)

    def call(self, event: str, context: str) -> str:
        try:
            outcome = _driver.call(event, context)
        except _Anything:
            outcome = _DAMAGED
        return _value(outcome)


def _value(outcome: Outcome) -> object:
    value, failure = outcome
    if failure is None:
        return value
    name, message, trace = failure
    raise Err(Failure(name, message, trace))


build.finish(_driver)
