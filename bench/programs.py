"""Runs the programs of `runtime/examples` and `builder/examples`, which measure what the SDK does not offer or would hide."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

RUN_S_MAX = 300
"""The first run with a metering compiles the interpreter for it."""


class ProgramError(Exception):
    """It is not there, or failed. The message says why."""


@dataclass(frozen=True)
class Programs:
    """Where they are."""

    folder: Optional[Path]

    def run(self, name: str, *arguments: object) -> Any:
        """The JSON that it printed."""
        if self.folder is None:
            raise ProgramError("it needs the examples, which `cargo xtask bench` builds and --programs names")
        command = [str(self.folder / name), *(str(argument) for argument in arguments)]
        try:
            done = subprocess.run(command, stdout=subprocess.PIPE, check=True, close_fds=False, timeout=RUN_S_MAX)
            return json.loads(done.stdout)
        except (OSError, subprocess.SubprocessError, ValueError) as error:
            raise ProgramError(f"`{name}` failed: {error}") from error
