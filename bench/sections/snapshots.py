"""Functions that were loaded once, behind whatever their top level takes, against plain runs."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import Any, Mapping

import functions
from lane import Lane
from measure import Summary, ratio, take_turns
from peers import EVENT
from programs import ProgramError
from report import Column, Row, Section, milliseconds, times, whole

from sections import Plan, compared, empty_row, make_ready

TRIVIAL, IMPORTS = "hks-python-loaded", "hks-imports-loaded"
CONTESTANTS = (
    "hks-python",
    TRIVIAL,
    IMPORTS,
    "hks-template-loaded",
    "hks-javascript",
    "hks-javascript-loaded",
)
IMPORTS_OF_TRIVIAL_MAX = 1.5
WITHOUT = "jinja2 and 20 modules imported, no snapshot"

COLUMNS = (
    Column("min_ms", "best ms", milliseconds),
    Column("p50_ms", "p50 ms", milliseconds),
    Column("p99_ms", "p99 ms", milliseconds),
    Column("n", "n", whole),
    Column("of_trivial", "p50 of the trivial one's, loaded", times),
    Column("load_ms", "to load ms", milliseconds),
    Column("snapshot_kib", "snapshot KiB", whole),
)


def run(plan: Plan) -> Section:
    """Measures all in turns, and one that takes too long for a turn behind them."""
    with ExitStack() as stack:
        lanes = [stack.enter_context(Lane(name)) for name in CONTESTANTS]
        make_ready(plan, lanes)
        slice_s = 0.15 if plan.quick else 0.35
        found = take_turns(lanes, plan.either(12, 3), slice_s, lambda text: plan.say(f"snapshots: {text}"))
    rows = [_row(lane, found) for lane in lanes]
    plan.say("snapshots: without a snapshot")
    rows.insert(CONTESTANTS.index(IMPORTS) + 1, _without(plan, found))
    promise = f"jinja2 and 20 modules imported at most {IMPORTS_OF_TRIVIAL_MAX} times the trivial one, both loaded"
    return Section(
        "snapshots",
        "functions that were loaded before, fresh each time, from the call to the value",
        COLUMNS,
        rows,
        [compared(found, promise, IMPORTS, TRIVIAL, IMPORTS_OF_TRIVIAL_MAX)],
        [
            "without `loaded`: functions.execute with source text. All but the template return what the trivial one returns",
            "to load: run the top level and keep a snapshot, once; snapshot: what of it is the function's own, beside the "
            "interpreter's that all share",
            "no snapshot: runs the whole top level in every execution; measured from Rust, because the SDK does not offer that",
        ],
    )


def _row(lane: Lane, found: Mapping[str, Summary]) -> Row:
    summary = found.get(lane.name)
    if summary is None:
        return empty_row(lane)
    snapshot_bytes = lane.facts.get("snapshot_bytes")
    values = {
        "min_ms": summary.min_ms,
        "p50_ms": summary.p50_ms,
        "p99_ms": summary.p99_ms,
        "n": summary.n,
        "of_trivial": _of_trivial(summary.p50_ms, found),
        "load_ms": lane.facts.get("load_ms"),
        "snapshot_kib": None if snapshot_bytes is None else snapshot_bytes / 1024,
    }
    return Row(lane.title, values)


def _without(plan: Plan, found: Mapping[str, Summary]) -> Row:
    executions = plan.either(40, 4)
    options = (f"packages={functions.PACKAGES}", f"executions={executions}", "warm=3")
    try:
        answer: dict[str, Any] = plan.programs.run("start", "python", functions.IMPORTS, json.dumps(EVENT), *options)
    except ProgramError as error:
        return Row(WITHOUT, empty=str(error))
    micros = answer["micros"]
    values = {
        "min_ms": micros["min"] / 1e3,
        "p50_ms": micros["p50"] / 1e3,
        "p99_ms": micros["p99"] / 1e3,
        "n": executions,
        "of_trivial": _of_trivial(micros["p50"] / 1e3, found),
    }
    return Row(WITHOUT, values)


def _of_trivial(p50_ms: float, found: Mapping[str, Summary]) -> Any:
    return ratio(p50_ms, found[TRIVIAL].p50_ms if TRIVIAL in found else None)
