"""The module that componentize-py turns into the component: builds the interpreter's state, then exports `interpret`.

All of this file runs at build time, but for `Interpret.run`. `build.finish` has to be its last line: what is allocated
after it lies outside the prepared heap.
"""

from componentize_py_types import Err
from wit_world import exports
from wit_world.imports import clock, environment, output
from wit_world.imports.types import Failure

from hks_guest import build
from hks_guest.driver import Driver
from hks_guest.host import Host

# Bound once: user code may replace the name in `builtins`.
_Anything = BaseException


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
    )


build.load()
_driver = Driver(_host())


class Interpret(exports.Interpret):
    """The exported interface. An exception other than `Err` would trap the instance, so none may leave."""

    def run(self, code: str, event: str, context: str) -> str:
        try:
            text, failure = _driver.run(code, event, context)
        except _Anything:
            text, failure = None, ("SystemError", "the interpreter was damaged by the function's own code", "")
        if failure is None:
            return text
        name, value, trace = failure
        raise Err(Failure(name, value, trace))


build.finish()
