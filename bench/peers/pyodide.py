"""Pyodide in Node.js: CPython as WebAssembly, as most people would run it today.

The npm package is pinned by the lock file beside it and installed once into `.hks/`.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import Mapping

from peers import EVENT, PYTHON_HANDLER, Call, Contestant, MissingError
from peers.node import node, npm
from peers.python3 import run_process

SOURCES = Path(__file__).resolve().parent.parent / "pyodide"
INSTALLED = SOURCES.parent.parent / ".hks" / "bench-pyodide"
INSTALL_S_MAX = 240
SCRIPT = PYTHON_HANDLER + "import json\njson.dumps(handler(json.loads(event_json)))\n"


def install() -> Path:
    """The folder that holds the package and our script; filled by `npm ci` when its sources have changed."""
    INSTALLED.mkdir(parents=True, exist_ok=True)
    with open(INSTALLED / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two benchmarks at a time are of no use, and must not break each other
        files = [SOURCES / name for name in ("package.json", "package-lock.json", "run.mjs")]
        key = hashlib.sha256(b"".join(file.read_bytes() for file in files) + SCRIPT.encode()).hexdigest()
        marker = INSTALLED / ".complete"
        if not marker.is_file() or marker.read_text() != key:
            for file in files:
                shutil.copy(file, INSTALLED)
            (INSTALLED / "script.py").write_text(SCRIPT)
            _npm_ci()
            marker.write_text(key)
    return INSTALLED


def _npm_ci() -> None:
    command = [*npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    try:
        subprocess.run(command, cwd=INSTALLED, check=True, stdout=subprocess.DEVNULL, timeout=INSTALL_S_MAX)
    except (OSError, subprocess.SubprocessError) as error:
        raise MissingError(f"`npm ci` in {INSTALLED.name} did not succeed ({error})") from error


def _cold(stack: ExitStack) -> Call:
    folder = install()
    command = (node(), str(folder / "run.mjs"), "once", str(folder / "script.py"))
    return lambda: run_process(command)


def _warm(stack: ExitStack) -> Call:
    folder = install()
    command = [node(), str(folder / "run.mjs"), "serve", str(folder / "script.py")]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    stack.callback(process.wait)
    stack.callback(process.kill)
    requests, answers = process.stdin, process.stdout
    if requests is None or answers is None:
        raise AssertionError("both are pipes")
    json.loads(answers.readline())

    def call() -> object:
        requests.write(json.dumps(EVENT) + "\n")
        requests.flush()
        return json.loads(answers.readline())

    return call


def facts() -> Mapping[str, object]:
    """The version, which is that of its CPython without the dot, and a number of its own."""
    package = json.loads((INSTALLED / "node_modules" / "pyodide" / "package.json").read_text())
    return {"version": package["version"]}


CONTESTANTS = {
    "pyodide-cold": Contestant(
        "Node + Pyodide, cold",
        "a process and an interpreter of its own each time; Node.js around it may do what the user may",
        _cold,
        facts,
    ),
    "pyodide-warm": Contestant(
        "Node + Pyodide, warm",
        "none between executions: one interpreter serves all, and what one leaves behind the next one finds",
        _warm,
        facts,
    ),
}
