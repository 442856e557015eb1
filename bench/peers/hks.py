"""Ourselves: `hks_sdk.functions.execute`, as a user calls it."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import Mapping

from peers import EVENT, JAVASCRIPT_HANDLER, PYTHON_HANDLER, Call, Contestant, MissingError

ISOLATION = "a fresh WebAssembly instance each time; finite memory, time, fuel; no files, network or environment"


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


CONTESTANTS = {
    "hks-python": Contestant("HKS, Python", ISOLATION, _python, facts, _apython),
    "hks-javascript": Contestant("HKS, JavaScript", ISOLATION, _javascript, facts, _ajavascript),
}
