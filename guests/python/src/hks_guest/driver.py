"""Runs one handler: compiles the source, executes it as `__main__`, calls `handler`, encodes what it returns.

Whatever user code does ends as a JSON text or as a description of its failure. What this module needs from the
standard library is bound when it is imported, so that user code which replaces such names spoils at most its own
result. It enforces no limits; time and memory are the host's.
"""

import builtins
import gc
import json
import linecache
import sys
import types

from hks_guest import failures, handlers, process, randomness, results
from hks_guest.context import Context
from hks_guest.display import Display
from hks_guest.event_loop import run_to_end
from hks_guest.failures import FILENAME, Described
from hks_guest.host import Host
from hks_guest.output import Streams, flush_files, refuse_input
from hks_guest.reserve import Reserve

_Anything = BaseException
_parse = json.JSONDecoder().decode
_GENERATORS = (types.GeneratorType, types.AsyncGeneratorType)
_CO_ITERABLE_COROUTINE = 0x100
# Failures of ours, for which a traceback would show nothing but the driver.
_VERDICTS = (handlers.HandlerNotFoundError, results.InvalidResultError)


class Driver:
    """Runs handlers, one after another, each in a fresh `__main__`."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._streams = Streams(host.write_stdout, host.write_stderr)
        self._display = Display(host.publish)
        self._variables = process.Variables(host.variables)
        self._reserve = Reserve()

    def run(self, code: str, event: str, context: str) -> tuple[str, None] | tuple[None, Described]:
        """The result as JSON text, or why there is none. Raises nothing unless user code damaged this module."""
        text, failure = None, None
        namespace = {}
        try:
            self._prepare()
            namespace = _fresh_main()
            text = results.encode(self._value(namespace, code, event, context))
        except _VERDICTS as error:
            failure = failures.bare(error)
        except MemoryError as error:
            self._reserve.release(error)
            failure = failures.describe(error)
        except _Anything as error:
            sys.settrace(None)
            sys.setprofile(None)
            failure = failures.describe(error)
        self._streams.flush()
        flush_files(namespace)
        return text, failure

    def _prepare(self) -> None:
        self._streams.install()
        self._reserve.hold()
        builtins.display = self._display
        builtins.input = refuse_input
        self._variables.apply()
        process.settle()
        randomness.reseed()
        gc.enable()

    def _value(self, namespace: dict[str, object], code: str, event: str, context: str) -> object:
        linecache.cache[FILENAME] = (len(code), None, code.splitlines(True), FILENAME)
        exec(compile(code.removeprefix("\ufeff"), FILENAME, "exec", dont_inherit=True), namespace)
        handler = handlers.find(namespace)

        def make_context() -> Context:
            return Context(context, self._host.remaining_ms)

        return _settled(handlers.call(handler, _parse(event), make_context))


def _fresh_main() -> dict[str, object]:
    module = types.ModuleType("__main__")
    # Where `inspect` looks for the source of a class; the text itself is in `linecache`.
    module.__file__ = FILENAME
    sys.modules["__main__"] = module
    return module.__dict__


def _settled(value: object) -> object:
    """The value, or what comes of it if it is to be awaited."""
    kind = type(value)
    if hasattr(kind, "__await__") or _is_old_coroutine(value):
        value = run_to_end(value)
        kind = type(value)
    if issubclass(kind, _GENERATORS):
        what = "an async generator" if kind is types.AsyncGeneratorType else "a generator"
        raise results.InvalidResultError(
            f"the handler returned {what} (it uses yield), and a result is sent as a whole; return a list instead"
        )
    return value


def _is_old_coroutine(value: object) -> bool:
    return type(value) is types.GeneratorType and bool(value.gi_code.co_flags & _CO_ITERABLE_COROUTINE)
