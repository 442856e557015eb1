"""`python -m hks_sdk doctor`: what this installation found on this machine, and what it has to do without.

It makes the runtime, as a first execution would, but neither compiles nor runs anything.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import Any

from hks_sdk import __version__, _embedded
from hks_sdk.errors import HksError

LANGUAGES = ("python", "javascript")


def main() -> int:
    """The exit code: 0 if executions will work, 1 if not."""
    parser = argparse.ArgumentParser(prog="python -m hks_sdk", description="Looks after an installation of hks-sdk.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    doctor = commands.add_parser("doctor", help="say what was found on this machine, and what is missing")
    doctor.add_argument("-o", "--output", choices=("text", "json"), default="text", help="how to print it")
    arguments = parser.parse_args()
    try:
        found = examine()
    except HksError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(json.dumps(found, indent=2) if arguments.output == "json" else as_text(found))
    return 0 if all(state != "missing" for state in found["guests"].values()) else 1


def examine() -> dict[str, Any]:
    """Versions, folders, what the runtime found on this machine, and the state of each guest."""
    runtime = _embedded.PROCESS.runtime()
    return {
        "version": __version__,
        "python": sys.version.split()[0],
        "cache": _embedded.cache_folder(),
        "guests": {language: _state(runtime, language) for language in LANGUAGES},
        "runtime": json.loads(runtime.diagnose()),
    }


def _state(runtime: Any, language: str) -> str:
    if not os.path.isfile(os.path.join(_embedded.GUESTS, f"{language}.wasm")):
        return "missing"
    return "compiled" if runtime.is_compiled(language) else "will be compiled at its first use"


def as_text(found: dict[str, Any]) -> str:
    """The same for people."""
    runtime = found["runtime"]
    lines = [
        f"hks-sdk {found['version']} on Python {found['python']}",
        f"cache: {found['cache']}",
        *(f"{language}: {state}" for language, state in found["guests"].items()),
        f"metering: {runtime['metering']}",
        f"written pages are found by the kernel: {'yes' if runtime['pagemap_scan'] else 'no, which is slower'}",
        *([f"why not: {runtime['fallback']}"] if runtime["fallback"] else []),
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
