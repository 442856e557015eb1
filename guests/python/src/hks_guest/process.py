"""What a Python program expects to find around it: environment variables, a working directory, arguments.

The host names the variables of this execution; none of the machine that built the component are left. Only what has
changed since the last run of the same instance is applied, so that a resumed session keeps what it set itself.
"""

import os
import sys
import tempfile
import time
import zoneinfo
from collections.abc import Callable

from hks_guest.stdlib import LIBRARY

# The one folder that a function may write to; empty at the start of every execution.
HOME = "/tmp"
# What `sys.argv` holds: the name under which user source is compiled.
_ARGUMENTS = ("<function>",)

# Names of variables that only Python programs read.
_OURS = "HKS_"

_environ = os.environ
_data = os.environ._data
# What componentize-py found in the environment at the start of the instance.
_stand_in: dict[str, str] = {}
_change_directory = os.chdir
_working_folder = os.getcwd


class Variables:
    """Keeps `os.environ` in step with the host."""

    def __init__(self, read: Callable[[], list[tuple[str, str]]]) -> None:
        self._read = read
        self._applied: dict[str, str] = {}

    def apply(self) -> None:
        """Sets what the host names now, and removes what it named before and no longer does."""
        vars(os)["environ"] = _environ
        named = dict(_stand_in or self._read())
        _stand_in.clear()
        applied = self._applied
        if named == applied:
            return
        for name in applied.keys() - named.keys():
            _environ.pop(name, None)
        for name, value in named.items():
            if applied.get(name) == value:
                continue
            if name.startswith(_OURS):
                # Without telling the C library, which takes time: nothing there asks for these.
                _data[name.encode()] = value.encode()
            else:
                _environ[name] = value
        self._applied = named


def set_arguments() -> None:
    """Gives the program the arguments of one that was started by name."""
    sys.argv = list(_ARGUMENTS)


def change_directory() -> None:
    """Moves to the writable folder. Mostly it is the working folder already, and asking opens nothing."""
    if _working_folder() == HOME:
        return
    try:
        _change_directory(HOME)
    except OSError:
        # The host gave this execution no folder to write to; relative paths then fail by themselves.
        pass


def fix_working_folder() -> None:
    """At build time: the C library's working folder gets a name that stands nowhere else in memory. Whoever links the
    component writes HOME over it (`xtask/src/guests/python.rs`), since there is no such folder yet to move to. Without
    that, each execution moves there itself, and opens its folder for it."""
    name = f"{LIBRARY}/json" + "/../json" * 2
    _change_directory(name)
    if _working_folder() != name:
        raise RuntimeError("the C library has normalised the name of its working folder")


def stand_in_environment() -> None:
    """At build time: takes the variables of the build away, and has componentize-py put those that the host names in a
    plain dictionary, when it starts. `Variables` takes them from there in its own way, and puts `os.environ` back."""
    _environ.clear()
    vars(os)["environ"] = _stand_in


def fix_clocks() -> None:
    """At build time: the platform counts CPU time from a moment of the build, which makes it negative in an execution.
    One thread that seldom waits uses about as much of it as time passes."""
    time.process_time = time.monotonic
    time.process_time_ns = time.monotonic_ns


def fix_paths() -> None:
    """At build time: the place for temporary files, and nothing written beside modules that a function puts there."""
    sys.dont_write_bytecode = True
    tempfile.tempdir = HOME
    # Time zones are those of the embedded package; there are no folders to look into.
    zoneinfo.reset_tzpath(to=())
