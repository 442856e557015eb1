"""Ctrl-C ends a wait at once, whatever it waits for, and the process stays well."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.usefixtures("compiled"),
    pytest.mark.skipif(os.name != "posix", reason="SIGINT cannot be sent to a single process here"),
]

WAITS = {
    "a sleep": "execute('import time\\ndef handler(e): time.sleep(60)', timeout=60)",
    "a loop": "execute('def handler(e):\\n while True: pass', timeout=60, fuel=90_000_000_000_000)",
    "a script": "execute('exports.handler = () => { for (;;); }', language='js', timeout=60, fuel=90_000_000_000_000)",
    "a stream": "execute('def handler(e):\\n while True: print(1)', timeout=60, on_stdout=lambda line: None)",
    "a loop of asyncio": "asyncio.run(aexecute('import time\\ndef handler(e): time.sleep(60)', timeout=60))",
}

PROGRAM = """
import asyncio, time
from hks_sdk.functions import aexecute, execute
execute("def handler(event): return 1")
print("ready", flush=True)
try:
    {wait}
except KeyboardInterrupt:
    print("interrupted", execute("def handler(event): return event", 42).value, flush=True)
"""


def interrupted(
    program: str, environment: dict[str, str], pause_s: float
) -> tuple[float, subprocess.Popen[str], str, str]:
    """Runs a program, sends SIGINT a while after it says that it is ready, and waits for its end."""
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    try:
        assert process.stdout is not None
        first = process.stdout.readline()
        assert first == "ready\n", process.communicate()
        time.sleep(pause_s)
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=30)
        return time.monotonic() - began, process, stdout, stderr
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("wait", WAITS.values(), ids=WAITS.keys())
def test_an_execution_is_interrupted_at_once(wait: str) -> None:
    took, process, stdout, stderr = interrupted(PROGRAM.format(wait=wait), dict(os.environ), 0.5)
    assert (process.returncode, stdout, stderr) == (0, "interrupted 42\n", "")
    assert took < 3


def test_an_interrupt_that_nobody_catches_ends_the_process() -> None:
    program = """
from hks_sdk.functions import execute
execute("def handler(event): return 1")
print("ready", flush=True)
execute('import time\\ndef handler(e): time.sleep(60)', timeout=60)
"""
    took, process, stdout, stderr = interrupted(program, dict(os.environ), 0.5)
    assert process.returncode in (-signal.SIGINT, 130)
    assert stdout == "" and stderr.rstrip().endswith("KeyboardInterrupt")
    assert took < 3


def test_the_first_compilation_is_interrupted_at_once(tmp_path: Path) -> None:
    program = """
from hks_sdk.functions import execute
print("ready", flush=True)
execute("def handler(event): return 1")
"""
    environment = {**os.environ, "HKS_CACHE_DIR": str(tmp_path)}
    took, process, stdout, stderr = interrupted(program, environment, 1.0)
    assert process.returncode in (-signal.SIGINT, 130), (stdout, stderr)
    assert stderr.startswith("hks: compiling python") and stderr.rstrip().endswith("KeyboardInterrupt")
    assert took < 5
