"""A fork of a live instance: what it takes with all that the instance holds, and what starts from it."""

from __future__ import annotations

from statistics import median

import functions
from programs import ProgramError
from report import Bar, Column, Row, Section, at_most, milliseconds, whole

from sections import Plan

MIB = (0, 10, 50)
FORK_MS_MAX = 20.0
PROMISED_MIB = 50

COLUMNS = (
    Column("fork_ms", "fork ms", milliseconds),
    Column("slowest_ms", "slowest ms", milliseconds),
    Column("again_ms", "fork again ms", milliseconds),
    Column("first_ms", "first execution ms", milliseconds),
    Column("next_ms", "second execution ms", milliseconds),
    Column("n", "n", whole),
)


def run(plan: Plan) -> Section:
    """Measures each amount of live data in a process of its own."""
    rounds = plan.either(30, 4)
    rows = []
    for mib in MIB:
        plan.say(f"fork: {mib} MiB")
        rows.append(_row(plan, mib, rounds))
    return Section(
        "fork",
        "a live Python instance is forked, from Rust",
        COLUMNS,
        rows,
        [_bar(rows)],
        [
            "n instances one after the other: each is loaded, builds its data in a call, is forked and executed twice from "
            "there, and is forked again; medians",
        ],
    )


def _title(mib: int) -> str:
    return f"{mib} MiB of live data"


def _row(plan: Plan, mib: int, rounds: int) -> Row:
    try:
        found = plan.programs.run("fork", functions.DATA, mib, rounds)
    except ProgramError as error:
        return Row(_title(mib), empty=str(error))
    values = {key: median(each[key] for each in found) for key in ("fork_ms", "again_ms", "first_ms", "next_ms")}
    return Row(_title(mib), {**values, "slowest_ms": max(each["fork_ms"] for each in found), "n": len(found)})


def _bar(rows: list[Row]) -> Bar:
    found = next(row.values.get("fork_ms") for row in rows if row.name == _title(PROMISED_MIB))
    promise = f"a fork with {PROMISED_MIB} MiB of live data in at most {FORK_MS_MAX:.0f} ms"
    return at_most(promise, None if found is None else float(found), FORK_MS_MAX, lambda ms: f"{ms:.1f} ms")
