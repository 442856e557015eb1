"""Scripts that measure their own process. Each is started anew and prints one JSON document."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any


def run(name: str, *arguments: object, seconds_max: float) -> dict[str, Any]:
    """What the probe printed, or `{"empty": reason}`."""
    script = Path(__file__).resolve().parent / f"{name}.py"
    command = [sys.executable, str(script), *(str(argument) for argument in arguments)]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=seconds_max)
        answer: dict[str, Any] = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        return {"empty": f"the measuring process did not end within {seconds_max:.0f} s"}
    except (subprocess.SubprocessError, ValueError):
        return {"empty": "the measuring process failed; see above for what it said"}
    return answer
