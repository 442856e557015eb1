"""What a Python program expects to find around it: environment variables, a working directory, arguments.

The host names the variables of this execution; none of the machine that built the component are left. Only what has
changed since the last run of the same instance is applied, so that a resumed session keeps what it set itself.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable

# The one folder that a function may write to; empty at the start of every execution.
HOME = "/tmp"
# What `sys.argv` holds: the name under which user source is compiled.
_ARGUMENTS = ("<function>",)

_environ = os.environ
_change_directory = os.chdir


class Variables:
    """Keeps `os.environ` in step with the host."""

    def __init__(self, read: Callable[[], list[tuple[str, str]]]) -> None:
        self._read = read
        self._applied: dict[str, str] = {}

    def apply(self) -> None:
        """Sets what the host names now, and removes what it named before and no longer does."""
        named = dict(self._read())
        if named == self._applied:
            return
        for name in self._applied.keys() - named.keys():
            _environ.pop(name, None)
        for name, value in named.items():
            if self._applied.get(name) != value:
                _environ[name] = value
        self._applied = named


def settle() -> None:
    """Moves to the writable folder and sets the arguments."""
    sys.argv = list(_ARGUMENTS)
    try:
        _change_directory(HOME)
    except OSError:
        # The host gave this execution no folder to write to; relative paths then fail by themselves.
        pass


def fix_clocks() -> None:
    """At build time: the platform counts CPU time from a moment of the build, which makes it negative in an execution.
    One thread that seldom waits uses about as much of it as time passes."""
    time.process_time = time.monotonic
    time.process_time_ns = time.monotonic_ns


def fix_paths() -> None:
    """At build time: the places for packages and temporary files, instead of those of the building machine."""
    sys.path[:] = ["/packages"]
    sys.path_importer_cache.clear()
    # The packages are read-only, and bytecode written elsewhere would be gone with the execution.
    sys.dont_write_bytecode = True
    tempfile.tempdir = HOME
