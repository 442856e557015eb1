"""Runs handlers: executes the source as `__main__`, calls `handler`, encodes what it returns.

That is one step (`run`) or two (`load`, then `call`) with a snapshot between them, of which many instances start. A
handler cannot tell which it was: what differs from one attempt to the next is made anew in `call`.

Whatever user code does ends as a JSON text or as a description of its failure. What this module needs from the
standard library is bound when it is imported, so that user code which replaces such names spoils at most its own
result. It enforces no limits; time and memory are the host's.
"""

import builtins
import gc
import json
import sys
import types
from collections.abc import Callable

from hks_guest import failures, handlers, process, randomness, results, snapshot, source
from hks_guest.context import Context
from hks_guest.display import Display
from hks_guest.event_loop import run_to_end
from hks_guest.failures import Described
from hks_guest.host import Host
from hks_guest.output import Streams, flush_files, refuse_input
from hks_guest.reserve import Reserve

_Anything = BaseException
_decoder = json.JSONDecoder()
_parse, _scan = _decoder.decode, _decoder.scan_once
_exec = exec
_enable_collector = gc.enable
_GENERATORS = (types.GeneratorType, types.AsyncGeneratorType)
_CO_ITERABLE_COROUTINE = 0x100


class NothingLoadedError(Exception):
    """`call` came without a `load` that succeeded."""


# Failures of ours, for which a traceback would show nothing but the driver.
_VERDICTS = (
    handlers.HandlerNotFoundError,
    results.InvalidResultError,
    source.ForeignCodeError,
    NothingLoadedError,
)

# What a step came to: its value, or why there is none.
Outcome = tuple[object, None] | tuple[None, Described]


class Driver:
    """Runs handlers, one after another, each in a fresh `__main__`. Its steps raise nothing unless user code damaged this
    module."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._streams = Streams(host.write_stdout, host.write_stderr)
        self._display = Display(host.publish)
        self._variables = process.Variables(host.variables)
        self._reserve = Reserve()
        self._namespace: dict[str, object] = {}
        self._loaded: Callable | None = None

    def install_ahead(self) -> None:
        """At build time: what can be put in place before the first run."""
        self._streams.install_ahead()

    def run(self, code: str, compiled: bytes | None, event: str, context: str) -> Outcome:
        """Executes the source and calls its handler; the result is JSON text."""

        def work() -> str:
            self._prepare()
            return self._answer(self._handler(code, compiled), event, context)

        return self._finished(self._outcome(work))

    def compile(self, code: str) -> Outcome:
        """What `run` and `load` take as `compiled`. Fails as they would."""
        source.show(code)
        return self._outcome(lambda: source.dump(code))

    def load(self, code: str, compiled: bytes | None) -> Outcome:
        """Executes the source and keeps its handler, in a state to take a snapshot of."""

        def work() -> None:
            self._prepare()
            randomness.watch()
            self._loaded = None
            self._loaded = self._handler(code, compiled)
            # Before the last output, because finalizers may print.
            gc.collect()

        outcome = self._finished(self._outcome(work))
        randomness.unwatch()
        snapshot.set_apart()
        return outcome

    def call(self, event: str, context: str) -> Outcome:
        """Calls the handler that was loaded; the result is JSON text."""

        def work() -> str:
            self._renew()
            if self._loaded is None:
                raise NothingLoadedError("there is no handler to call, because no source was loaded")
            return self._answer(self._loaded, event, context)

        return self._finished(self._outcome(work))

    def _outcome(self, work: Callable[[], object]) -> Outcome:
        try:
            return work(), None
        except _VERDICTS as error:
            return None, failures.bare(error)
        except MemoryError as error:
            self._reserve.release(error)
            return None, failures.describe(error)
        except _Anything as error:
            sys.settrace(None)
            sys.setprofile(None)
            return None, failures.describe(error)

    def _finished(self, outcome: Outcome) -> Outcome:
        """The same outcome, after everything that user code wrote has left."""
        self._streams.flush()
        flush_files(self._namespace)
        return outcome

    def _prepare(self) -> None:
        """For source that is about to be executed."""
        self._streams.install()
        self._reserve.hold()
        builtins.display = self._display
        builtins.input = refuse_input
        self._variables.apply()
        process.set_arguments()
        process.change_directory()
        randomness.renew()
        _enable_collector()

    def _renew(self) -> None:
        """For a handler whose source was executed in another attempt: what the two must not share. What the source itself
        has set up stays."""
        self._reserve.hold()
        self._variables.apply()
        process.change_directory()
        randomness.renew_loaded()

    def _handler(self, code: str, compiled: bytes | None) -> Callable:
        self._namespace = {}
        source.show(code)
        program = source.compiled(code) if compiled is None else source.load(compiled)
        self._namespace = _fresh_main()
        _exec(program, self._namespace)
        return handlers.find(self._namespace)

    def _answer(self, handler: Callable, event: str, context: str) -> str:
        def make_context() -> Context:
            return Context(context, self._host.remaining_ms)

        return results.encode(_settled(handlers.call(handler, _parsed(event), make_context)))


def _fresh_main() -> dict[str, object]:
    module = types.ModuleType("__main__")
    # Where `inspect` looks for the source of a class; the text itself is in `linecache`.
    module.__file__ = source.FILENAME
    sys.modules["__main__"] = module
    return module.__dict__


def _parsed(event: str) -> object:
    """The event. What the host sends is a JSON text without space around it, so the decoder has nothing to look for."""
    try:
        value, end = _scan(event, 0)
    except StopIteration:
        return _parse(event)
    return value if end == len(event) else _parse(event)


def _settled(value: object) -> object:
    """The value, or what comes of it if it is to be awaited."""
    kind = type(value)
    if kind is dict or kind is list or kind is str:
        return value
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
