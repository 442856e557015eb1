"""From the start of a process to its first result, with the guests compiled before."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from typing import Optional

from measure import Summary, ratio, rotated
from peers import JAVASCRIPT_HANDLER, PYTHON_HANDLER
from peers.python3 import interpreter
from report import Column, Row, Section, at_most, milliseconds, times, whole

from sections import Plan

FIRST_RESULT = """\
import hks_sdk
value = hks_sdk.functions.execute({code!r}, {{"input": 21}}, language={language!r}).value
assert value == {{"result": 42}}, value
"""
TOTAL_MS_MAX = 50.0
PROCESS_S_MAX = 300

OURS = "import hks_sdk, execute Python"
BARE = "bare interpreter, as it starts for users"

COMMANDS = {
    OURS: (sys.executable, "-c", FIRST_RESULT.format(code=PYTHON_HANDLER, language="python")),
    "import hks_sdk, execute JavaScript": (
        sys.executable,
        "-c",
        FIRST_RESULT.format(code=JAVASCRIPT_HANDLER, language="javascript"),
    ),
    "import hks_sdk": (sys.executable, "-c", "import hks_sdk"),
    BARE: (sys.executable, "-c", "pass"),
    "bare interpreter, isolated (-I -S)": (interpreter(), "-I", "-S", "-c", "pass"),
}

COLUMNS = (
    Column("min_ms", "best ms", milliseconds),
    Column("p50_ms", "p50 ms", milliseconds),
    Column("p99_ms", "p99 ms", milliseconds),
    Column("n", "n", whole),
    Column("of_bare", "p50 of the bare start", times),
)


def run(plan: Plan) -> Section:
    """Measures whole processes in turns, from spawn to exit."""
    empty = {name: _why_not(command) for name, command in COMMANDS.items()}
    durations: dict[str, list[int]] = {name: [] for name, reason in empty.items() if reason is None}
    laps = plan.either(40, 8)
    plan.say(f"cold: {laps} laps")
    for lap in range(laps):
        for name in rotated(list(durations), lap):
            durations[name].append(_process_ns(COMMANDS[name]))
    found = {name: Summary.of_ns(values) for name, values in durations.items()}
    rows = [_row(name, found, empty[name]) for name in COMMANDS]
    total = found[OURS].p50_ms if OURS in found else None
    return Section(
        "cold",
        "a process from its start to its end, with one execution in it; compiled guests in place",
        COLUMNS,
        rows,
        [at_most("Python's first result, the process included, in less than 50 ms", total, TOTAL_MS_MAX, _shown)],
    )


def _shown(value: float) -> str:
    return f"{milliseconds(value)} ms"


def _process_ns(command: tuple[str, ...]) -> int:
    """One process from spawn to exit.

    `wait` must have no timeout: with one it polls, at the end every 50 ms, and that would be what is measured.
    """
    began = time.perf_counter_ns()
    process = subprocess.Popen(command, close_fds=False)
    watchdog = threading.Timer(PROCESS_S_MAX, process.kill)
    watchdog.start()
    try:
        status = process.wait()
        took = time.perf_counter_ns() - began
    finally:
        watchdog.cancel()
    if status != 0:
        raise subprocess.CalledProcessError(status, command)
    return took


def _why_not(command: tuple[str, ...]) -> Optional[str]:
    """Runs it once, which also compiles a guest where that was not done yet."""
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=PROCESS_S_MAX)
    return None if done.returncode == 0 else (done.stderr.strip().splitlines() or ["it failed"])[-1]


def _row(name: str, found: dict[str, Summary], empty: Optional[str]) -> Row:
    summary = found.get(name)
    if summary is None:
        return Row(name, empty=empty)
    bare = found[BARE].p50_ms if BARE in found else None
    values = {
        "min_ms": summary.min_ms,
        "p50_ms": summary.p50_ms,
        "p99_ms": summary.p99_ms,
        "n": summary.n,
        "of_bare": ratio(summary.p50_ms, bare),
    }
    return Row(name, values)
