"""The naive way: a `python3` process for each execution, with the least that an interpreter can start with."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from contextlib import ExitStack
from typing import Mapping, Sequence

from peers import EVENT, PYTHON_HANDLER, Call, Contestant

SCRIPT = PYTHON_HANDLER + "import json, sys\njson.dump(handler(json.load(sys.stdin)), sys.stdout)\n"
ARGUMENTS = ("-I", "-S", "-c", SCRIPT)


def interpreter() -> str:
    """The interpreter's own binary: neither the link in a virtual environment nor a version manager's stub."""
    return os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)


def run_process(command: Sequence[str]) -> object:
    """Runs a command with the event on stdin and returns the JSON on its stdout.

    With `close_fds=False` and an absolute path `subprocess` starts it by `posix_spawn` or `vfork`, which is as fast as
    it gets.
    """
    event = json.dumps(EVENT).encode()
    done = subprocess.run(command, input=event, stdout=subprocess.PIPE, close_fds=False, check=True)
    return json.loads(done.stdout)


def _open(stack: ExitStack) -> Call:
    command = (interpreter(), *ARGUMENTS)
    return lambda: run_process(command)


def facts() -> Mapping[str, object]:
    """The version."""
    return {"version": platform.python_version()}


CONTESTANTS = {
    "python3": Contestant(
        "python3 -I -S -c",
        "a process, and nothing else: it reads the user's files, uses the network, has no limits",
        _open,
        facts,
    )
}
