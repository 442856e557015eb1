"""One execution from within: no Python around it, and what the kernel and the slots had to do for it.

Each row is two processes of `runtime/examples/start.rs`, one with one caller and one with two. The rows take turns over
several laps, and a cell is the median of the laps.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Mapping, Optional

import functions
from measure import ratio, rotated
from peers import EVENT
from programs import ProgramError, Programs
from report import Column, Row, Section, one_decimal, times, whole

from sections import Plan

THREADS = (1, 2)

Runs = tuple[dict[str, Any], ...]
"""What the processes of one lap found, one for each of `THREADS`."""


@dataclass(frozen=True)
class Way:
    """A way to execute: what the program is told."""

    title: str
    language: str
    file: Path
    options: Mapping[str, object]

    def run(self, programs: Programs, threads: int, executions: int) -> dict[str, Any]:
        """What one process found."""
        options = {"threads": threads, "executions": executions, "warm": min(executions, 200), **self.options}
        words = (f"{key}={value}" for key, value in options.items())
        found: dict[str, Any] = programs.run("start", self.language, self.file, json.dumps(EVENT), *words)
        return found


BEHIND = {"load": 1}
MORE = {"more": f"{functions.TEXT},{functions.TASKS}"}
METERINGS = ("epoch", "none")

WAYS = (
    Way("Python, source never seen", "python", functions.TRIVIAL, {"unseen": 1}),
    Way("Python, source seen before", "python", functions.TRIVIAL, {}),
    Way("Python, behind a snapshot", "python", functions.TRIVIAL, BEHIND),
    Way("Python, three handlers in turn", "python", functions.TRIVIAL, MORE),
    Way("Python, three behind snapshots", "python", functions.TRIVIAL, {**MORE, **BEHIND}),
    Way("Python, seen, kernel without PAGEMAP_SCAN", "python", functions.TRIVIAL, {"scan": 0}),
    Way("JavaScript, source seen before", "javascript", functions.TRIVIAL_JAVASCRIPT, {}),
    Way("JavaScript, behind a snapshot", "javascript", functions.TRIVIAL_JAVASCRIPT, BEHIND),
)
METERED_WAYS = tuple(
    Way(f"Python, seen, metering {metering}", "python", functions.TRIVIAL, {"metering": metering})
    for metering in METERINGS
)

COLUMNS = (
    Column("start_us", "start µs", whole),
    Column("p50_us", "p50 µs", whole),
    Column("p99_us", "p99 µs", whole),
    Column("faults", "page faults", one_decimal),
    Column("pages_copied", "pages copied", whole),
    Column("one", "1 thread, calls/s", whole),
    Column("two", "2 threads, calls/s", whole),
    Column("gain", "gain", times),
)


def run(plan: Plan) -> Section:
    """Every way, in turns."""
    ways = WAYS if plan.quick else (*WAYS, *METERED_WAYS)
    failed: dict[str, str] = {}
    plan.say("inside: getting ready")
    for way in ways:  # so that no lap compiles an interpreter
        _lap(plan, way, 1, failed)
    laps, executions = plan.either(4, 1), plan.either(1000, 200)
    found: dict[str, list[Runs]] = {}
    for lap in range(laps):
        plan.say(f"inside: lap {lap + 1} of {laps}")
        for way in rotated(ways, lap):
            if way.title not in failed:
                found.setdefault(way.title, []).extend(_lap(plan, way, executions, failed))
    notes = [
        "metering is fuel+epoch unless a row says otherwise; start: until the handler's instance is there; page faults and "
        "pages copied back are per execution; each cell is the median of the laps",
        "three handlers: the trivial one; json, re and datetime; a dataclass, asyncio, hashlib and a Counter",
    ]
    if plan.quick:
        notes.append("--quick leaves out the other meterings, which compile the interpreter the first time")
    return Section(
        "inside",
        "the trivial handler from Rust, without the SDK around it",
        COLUMNS,
        [_row(way, found.get(way.title, []), failed.get(way.title)) for way in ways],
        [],
        notes,
    )


def _lap(plan: Plan, way: Way, executions: int, failed: dict[str, str]) -> list[Runs]:
    """One lap of it; if that fails, none and the reason."""
    try:
        return [tuple(way.run(plan.programs, threads, executions) for threads in THREADS)]
    except ProgramError as error:
        failed[way.title] = str(error)
        return []


def _row(way: Way, laps: list[Runs], failed: Optional[str]) -> Row:
    if not laps:
        return Row(way.title, empty=failed or "no lap")
    one, two = (median(float(runs[index]["per_second"]) for runs in laps) for index in range(len(THREADS)))
    alone = [runs[0] for runs in laps]
    values = {
        "start_us": median(found["start_micros"]["p50"] for found in alone),
        "p50_us": median(found["micros"]["p50"] for found in alone),
        "p99_us": median(found["micros"]["p99"] for found in alone),
        "faults": median(found["faults"] for found in alone),
        "pages_copied": median(found["pages_copied"] for found in alone),
        "one": one,
        "two": two,
        "gain": ratio(two, one),
    }
    return Row(way.title, values)
