"""Makes the interpreter's state at build time, in an order that matters.

`load` brings in the library and puts our own parts in place; `finish` runs the paths that every execution takes, so
that their code is specialised and their caches are filled, and then closes the heap. Neither may use randomness or the
host.
"""

import asyncio
import linecache
import os
import sys

from hks_guest import (
    distributions,
    event_loop,
    files,
    missing,
    process,
    randomness,
    snapshot,
    source,
    stdlib,
    unsupported,
)
from hks_guest.driver import Driver
from hks_guest.host import SILENT, Host
from hks_guest.packages import Packages

_WARM_RUNS = 40
_GOOD = """
import json, re, datetime
def handler(event, context):
    print("ran", context.attempt)
    return {"echo": event, "parsed": json.loads("[1, 2.5]"), "text": json.dumps({"a": "\\u1234"})}
"""
_WAITING = """
import asyncio
async def handler(event):
    await asyncio.sleep(0)
    return await asyncio.wait_for(asyncio.gather(asyncio.sleep(0), asyncio.to_thread(len, "ab")), 1)
"""
_FAILING = """
def handler(event):
    try:
        return {}["missing"]
    except KeyError as error:
        raise ValueError("caught") from error
"""
_WRONG = "def handler(event):\n    return {'when': {1, 2}}\n"
_BROKEN = "def handler(event:\n"
_PROGRAMS = (_GOOD, _WAITING, _FAILING, _WRONG, _BROKEN)


def load(host: Host) -> None:
    """Imports and embeds the library, and replaces what cannot work."""
    process.fix_clocks()
    stdlib.import_ahead()
    embedded = stdlib.compile_rest()
    stdlib.embed_package(embedded, _folder_of("tzdata"), "tzdata")
    unsupported.install()
    randomness.fix_sqlite()
    randomness.watch_generators()
    event_loop.install()
    missing.install()
    # Before the finder for paths: packages of a function cannot stand in for the library's.
    sys.meta_path.insert(2, embedded)
    Packages(host.find_module, host.read_file).install()
    distributions.install(host.read_file)
    # After all that opens files of the build.
    files.install(host.read_file)
    process.fix_paths()
    source.skip_library(stdlib.LIBRARY)


def _folder_of(package: str) -> str:
    for folder in sys.path:
        if os.path.exists(f"{folder}/{package}/__init__.py"):
            return f"{folder}/{package}"
    raise RuntimeError(f"the package {package} is not installed where the component is built")


def finish(driver: Driver) -> None:
    """Warms up, checks, and prepares the heap for the snapshot."""
    _warm_up()
    driver.install_ahead()
    randomness.check()
    randomness.put_off()
    process.stand_in_environment()
    process.fix_working_folder()
    snapshot.freeze()


def _warm_up() -> None:
    streams = sys.stdin, sys.stdout, sys.stderr
    originals = sys.__stdin__, sys.__stdout__, sys.__stderr__
    driver = Driver(SILENT)
    for _ in range(_WARM_RUNS):
        for program in _PROGRAMS:
            _take_both_ways(driver, program)
    sys.stdin, sys.stdout, sys.stderr = streams
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = originals
    asyncio.set_event_loop(None)
    linecache.clearcache()
    sys.modules.pop("__main__", None)


def _take_both_ways(driver: Driver, program: str) -> None:
    event, context = '{"a": [1, 2.5, null, "x"]}', '{"attempt": 1}'
    driver.run(program, None, event, context)
    compiled, _ = driver.compile(program)
    driver.run(program, compiled, event, context)
