"""Ourselves, as a user calls us: `functions.execute` with source text, and functions that were loaded before."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Callable, Mapping, Optional

import functions as sources

from peers import EVENT, JAVASCRIPT_HANDLER, PYTHON_HANDLER, Call, Contestant, MissingError

ISOLATION = "a fresh WebAssembly instance each time; finite memory, time, fuel; no files, network or environment"
LOADED_ISOLATION = "the same, but each instance starts behind the function's own top level, from a snapshot"


def _open(code: str, language: str) -> Call:
    try:
        from hks_sdk import errors, functions
    except ImportError as error:
        raise MissingError(f"hks_sdk cannot be imported ({error}); `cargo xtask bench` installs it") from error

    def call() -> object:
        return functions.execute(code, EVENT, language=language).value

    try:
        call()
    except errors.GuestNotFoundError as error:
        raise MissingError(str(error)) from error
    return call


def _python(stack: ExitStack) -> Call:
    return _open(PYTHON_HANDLER, "python")


def _javascript(stack: ExitStack) -> Call:
    return _open(JAVASCRIPT_HANDLER, "javascript")


async def _apython() -> object:
    from hks_sdk import functions

    return (await functions.aexecute(PYTHON_HANDLER, EVENT)).value


async def _ajavascript() -> object:
    from hks_sdk import functions

    return (await functions.aexecute(JAVASCRIPT_HANDLER, EVENT, language="javascript")).value


def facts() -> Mapping[str, object]:
    """What the native module says of itself: version, metering, allocation."""
    from hks_sdk import _embedded

    diagnosis: Mapping[str, object] = json.loads(_embedded.PROCESS.runtime().diagnose())
    return diagnosis


class _Loaded:
    """A function whose top level has run once, and what that took."""

    def __init__(self, language: str, file: Path, packages: Optional[Path] = None) -> None:
        self._language = language
        self._file = file
        self._packages = packages
        self._facts: dict[str, object] = {}

    def open(self, stack: ExitStack) -> Call:
        """Loads it. Every call is checked and read as the SDK would."""
        if self._packages is not None and not self._packages.is_dir():
            raise MissingError("its packages are not installed; `cargo xtask bench` does that")
        began = time.perf_counter()
        function, execute = _load(self._language, self._file.read_text(), self._packages)
        if function.snapshot_refused is not None:
            raise MissingError(f"there is no snapshot of it: {function.snapshot_refused}")
        self._facts = {"load_ms": (time.perf_counter() - began) * 1e3, "snapshot_bytes": function.snapshot_bytes}
        return lambda: execute(EVENT)

    def facts(self) -> Mapping[str, object]:
        """Those of the module, `load_ms` and `snapshot_bytes`."""
        return {**facts(), **self._facts}


def _load(language: str, code: str, packages: Optional[Path]) -> tuple[Any, Callable[[object], object]]:
    """The function, and a call of it from event to value."""
    try:
        from hks_sdk import functions
        from hks_sdk.errors import GuestNotFoundError
    except ImportError as error:
        raise MissingError(f"hks_sdk cannot be imported ({error}); `cargo xtask bench` installs it") from error
    try:
        function = functions.load(code, language=language, packages=packages)
    except GuestNotFoundError as error:
        raise MissingError(str(error)) from error
    return function, lambda event: function.execute(event).value


def _loaded(title: str, language: str, file: Path, packages: Optional[Path] = None) -> Contestant:
    function = _Loaded(language, file, packages)
    return Contestant(title, LOADED_ISOLATION, function.open, function.facts)


CONTESTANTS = {
    "hks-python": Contestant("HKS, Python", ISOLATION, _python, facts, _apython),
    "hks-javascript": Contestant("HKS, JavaScript", ISOLATION, _javascript, facts, _ajavascript),
    "hks-python-loaded": _loaded("HKS, Python, loaded", "python", sources.TRIVIAL),
    "hks-javascript-loaded": _loaded("HKS, JavaScript, loaded", "javascript", sources.TRIVIAL_JAVASCRIPT),
    "hks-imports-loaded": _loaded(
        "jinja2 and 20 modules imported, loaded", "python", sources.IMPORTS, sources.PACKAGES
    ),
    "hks-template-loaded": _loaded(
        "jinja2 template compiled, loaded; rendered", "python", sources.TEMPLATE, sources.PACKAGES
    ),
}
