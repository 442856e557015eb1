"""The usual sandbox of Linux desktops: `bwrap --unshare-all` around the same `python3` process."""

from __future__ import annotations

import shutil
import subprocess
import sys
from contextlib import ExitStack
from typing import Mapping

from peers import Call, Contestant, MissingError
from peers.python3 import ARGUMENTS, interpreter, run_process

SYSTEM_FOLDERS = ("/usr", "/bin", "/lib", "/lib64")


def _command(bwrap: str) -> tuple[str, ...]:
    """All namespaces new, and nothing of the host but the interpreter and its libraries, read-only."""
    folders = (*SYSTEM_FOLDERS, sys.base_prefix)
    binds = (argument for folder in folders for argument in ("--ro-bind-try", folder, folder))
    fixed = ("--unshare-all", "--die-with-parent", "--new-session", "--clearenv")
    return (bwrap, *fixed, *binds, "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", interpreter(), *ARGUMENTS)


def _open(stack: ExitStack) -> Call:
    bwrap = shutil.which("bwrap")
    if bwrap is None:
        raise MissingError("bwrap is not on the PATH; Debian's package is called bubblewrap")
    command = _command(bwrap)
    try:
        run_process(command)
    except subprocess.CalledProcessError as error:
        reason = f"bwrap ended with {error.returncode}: this machine does not let us make namespaces"
        raise MissingError(reason) from error
    return lambda: run_process(command)


def facts() -> Mapping[str, object]:
    """The version."""
    done = subprocess.run(["bwrap", "--version"], stdout=subprocess.PIPE, check=True, text=True)
    return {"version": done.stdout.split()[-1]}


CONTESTANTS = {
    "bubblewrap": Contestant(
        "bubblewrap + python3",
        "namespaces: no network, the interpreter's files only; the host's kernel is in reach, no limits of memory or time",
        _open,
        facts,
    )
}
