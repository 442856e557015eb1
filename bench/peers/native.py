"""CPython itself: the nearest version to the guest's that this machine has, for CPU-bound code."""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator, Optional

from peers.python3 import interpreter

RUN = "import json, sys\nexec(compile(open(sys.argv[1]).read(), sys.argv[1], 'exec'))\nprint(json.dumps(handler(None)))"
PROBE = "import os, sys; print(sys.version_info[0], sys.version_info[1], os.path.realpath(sys.executable))"
RUN_S_MAX = 60


@dataclass(frozen=True)
class Native:
    """An interpreter of this machine."""

    program: str
    minor: str

    def run(self, file: Path) -> dict[str, object]:
        """What the file's handler returns, in a new process."""
        command = [self.program, "-I", "-S", "-c", RUN, str(file)]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True, close_fds=False, timeout=RUN_S_MAX)
        value: dict[str, object] = json.loads(done.stdout)
        return value


def find(minor: str) -> Native:
    """The interpreter of version `minor` (such as 3.14) if there is one, else the one that runs this."""
    for program in _candidates(minor):
        found = _probe(program)
        if found is not None and found.minor == minor:
            return found
    return Native(interpreter(), ".".join(platform.python_version_tuple()[:2]))


def _candidates(minor: str) -> Iterator[str]:
    """On the `PATH`, and where pyenv and uv keep theirs."""
    on_path = shutil.which(f"python{minor}")
    if on_path:
        yield on_path
    for folder in (Path.home() / ".pyenv" / "versions", Path.home() / ".local" / "share" / "uv" / "python"):
        yield from (str(path) for path in sorted(folder.glob(f"*{minor}.*/bin/python{minor}")))


def _probe(program: str) -> Optional[Native]:
    """A version manager's stub may be there without the version behind it."""
    try:
        done = subprocess.run(
            [program, "-I", "-S", "-c", PROBE],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            check=True,
            text=True,
            timeout=RUN_S_MAX,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    major, minor, path = done.stdout.strip().split(" ", 2)
    return Native(path, f"{major}.{minor}")
