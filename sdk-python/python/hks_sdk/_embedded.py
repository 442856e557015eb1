"""The one runtime of this process: made at the first execution, shared by all threads, and never used across a fork.

What a first execution waits for, in order: the native module is loaded and the runtime made (milliseconds), then the
guest of the language is loaded from the cache folder (milliseconds) or compiled into it (up to a minute, with
progress). All later ones pay one dictionary look-up. A preparation cannot be cut short: a caller that gives up leaves
it running, and the next joins it.

The native runtime has threads, and threads do not survive a fork. A child therefore refuses to work if its parent had
begun to use the runtime, and works like any other process if it had not.
"""

from __future__ import annotations

import importlib
import os
import threading
from typing import TYPE_CHECKING, Any, Callable, Optional, Union

from hks_sdk._progress import Progress
from hks_sdk.errors import ForkedProcessError, GuestNotFoundError, InfrastructureError

if TYPE_CHECKING:
    from hks_sdk._hks import Runtime

Folder = Union[str, "os.PathLike[str]"]

WAIT_S = 0.05
"""The longest wait without looking for Ctrl-C."""


class Preparation:
    """Loading or compiling one guest, under way on a thread of its own, which any number of callers wait for."""

    def __init__(self, runtime: Runtime, language: str) -> None:
        self._over = threading.Event()
        self._error: Optional[BaseException] = None
        self._runtime = runtime
        self._language = language
        # A daemon, so that Ctrl-C ends the process and not only the waiting.
        threading.Thread(target=self._run, name=f"hks-prepare-{language}", daemon=True).start()

    def _run(self) -> None:
        try:
            self._runtime.prepare(self._language)
        except BaseException as error:  # handed to everyone who waits
            self._error = error
        finally:
            self._over.set()

    def has_failed(self) -> bool:
        """Whether it is over, and the next caller should try again."""
        return self._over.is_set() and self._error is not None

    def wait(self, progress: Progress) -> None:
        """Waits on this thread. Ctrl-C is seen within `WAIT_S`."""
        while not self._over.wait(WAIT_S):
            progress.tick()
        self._finish()

    async def wait_async(self, progress: Progress) -> None:
        """Waits without blocking the event loop."""
        import asyncio

        loop = asyncio.get_running_loop()
        while not await loop.run_in_executor(None, self._over.wait, WAIT_S):
            progress.tick()
        self._finish()

    def _finish(self) -> None:
        if self._error is not None:
            raise self._error


class Embedded:
    """The runtime of one process and what is prepared in it."""

    def __init__(self, make_runtime: Callable[[Folder], Runtime], guests: Folder) -> None:
        self._make_runtime = make_runtime
        self._guests = guests
        self._lock = threading.Lock()
        self._runtime: Optional[Runtime] = None
        self._prepared: dict[str, Runtime] = {}
        self._preparations: dict[str, Preparation] = {}
        # Native threads may exist. Set before the first of them is made.
        self._touched = False
        self._forked = False
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._after_fork_in_child)

    def prepared(self, language: str) -> Optional[Runtime]:
        """The runtime, if it is able to start `language` by now."""
        return self._prepared.get(language)

    def ready(self, language: str) -> Runtime:
        """The runtime, able to start `language` at once. Blocks for as long as the first use takes."""
        runtime = self._prepared.get(language)
        if runtime is not None:
            return runtime
        runtime, preparation, progress = self._begin(language)
        done = False
        try:
            preparation.wait(progress)
            done = True
        finally:
            progress.end(done)
        return self._finish(language, runtime)

    async def ready_async(self, language: str) -> Runtime:
        """As `ready`, but the event loop goes on meanwhile."""
        runtime = self._prepared.get(language)
        if runtime is not None:
            return runtime
        runtime, preparation, progress = self._begin(language)
        done = False
        try:
            await preparation.wait_async(progress)
            done = True
        finally:
            progress.end(done)
        return self._finish(language, runtime)

    def runtime(self) -> Runtime:
        """The runtime, made if this is its first use."""
        self.refuse_fork()
        with self._lock:
            if self._runtime is None:
                self._touched = True
                self._runtime = self._make_runtime(self._guests)
            return self._runtime

    def refuse_fork(self) -> None:
        """Raises `ForkedProcessError` in a child of a process that had begun to use its runtime."""
        if self._forked:
            raise ForkedProcessError(
                "this process was forked from one that had already used hks_sdk, whose threads do not exist here; use "
                "the 'spawn' start method (multiprocessing.get_context('spawn')), or make the first call after the fork"
            )

    def _begin(self, language: str) -> tuple[Runtime, Preparation, Progress]:
        """Joins the preparation that is under way or has succeeded, or begins one."""
        runtime = self._require_guest(language)
        compiled = runtime.is_compiled(language)
        with self._lock:
            preparation = self._preparations.get(language)
            joined = preparation is not None and not preparation.has_failed()
            progress = Progress(language, shown=not joined)
            if preparation is None or not joined:
                preparation = self._preparations[language] = Preparation(runtime, language)
        if not compiled:
            progress.begin()
        return runtime, preparation, progress

    def _require_guest(self, language: str) -> Runtime:
        self.refuse_fork()
        guest = os.path.join(self._guests, f"{language}.wasm")
        if not os.path.isfile(guest):
            raise GuestNotFoundError(
                f"the {language} guest is missing: {guest} does not exist; install hks-sdk again, or run "
                "`cargo xtask guests` in a clone of its source"
            )
        return self.runtime()

    def _finish(self, language: str, runtime: Runtime) -> Runtime:
        self._prepared[language] = runtime
        return runtime

    def _after_fork_in_child(self) -> None:
        # Another thread of the parent may have held it.
        self._lock = threading.Lock()
        self._forked = self._touched
        self._prepared = {}


def _native_runtime(guests: Folder) -> Runtime:
    cache = cache_folder()
    try:
        native: Any = importlib.import_module("hks_sdk._hks")
    except ImportError as error:
        raise InfrastructureError(
            f"the native module of hks-sdk cannot be loaded ({error}); install a wheel for this platform, or build "
            "one with `pip install ./sdk-python` in a clone of its source"
        ) from error
    made: Runtime = native.Runtime(os.fspath(guests), cache)
    return made


def cache_folder() -> str:
    """`HKS_CACHE_DIR`, else `$XDG_CACHE_HOME/hks`, else `~/.cache/hks`.

    The native module makes it, for this user only, and keeps compiled guests in `artifacts` below it.
    """
    own = os.environ.get("HKS_CACHE_DIR")
    if own:
        return os.path.abspath(os.path.expanduser(own))
    shared = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(shared):  # others are to be ignored, says the XDG base directory specification
        return os.path.join(shared, "hks")
    home = os.path.expanduser("~")
    if not os.path.isabs(home):
        raise InfrastructureError("there is no home folder to keep compiled guests in; set HKS_CACHE_DIR to a folder")
    return os.path.join(home, ".cache", "hks")


GUESTS = os.path.join(os.path.dirname(os.path.realpath(__file__)), "_guests")
"""The interpreters, beside the package."""

PROCESS = Embedded(_native_runtime, GUESTS)
"""What `hks_sdk.functions` uses."""
