"""A trivial handler end to end, fresh each time: what one execution costs a caller."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Mapping, Optional

from lane import Lane
from measure import Summary, ratio, take_turns
from report import Bar, Column, Row, Section, at_most, milliseconds, times, whole

from sections import Plan, compared, empty_row, make_ready, versions

CONTESTANTS = (
    "hks-python",
    "hks-javascript",
    "hks-python-loaded",
    "hks-javascript-loaded",
    "eryx",
    "eryx-no-spare",
    "monty",
    "python3",
    "bubblewrap",
    "node",
    "pyodide-warm",
    "pyodide-cold",
)

COLUMNS = (
    Column("min_ms", "best ms", milliseconds),
    Column("p50_ms", "p50 ms", milliseconds),
    Column("p99_ms", "p99 ms", milliseconds),
    Column("n", "n", whole),
    Column("of_python3", "p50 of python3's", times),
    Column("of_pyodide", "of cold Pyodide's", times),
    Column("of_ours", "of HKS Python's", times),
)

PYTHON_OF_PYTHON3_MAX = 1 / 40
P99_OF_P50_MAX = 2.5
JAVASCRIPT_OF_PYTHON3_MAX = 1 / 100
PYTHON_OF_PYODIDE_MAX = 1 / 1000


def run(plan: Plan) -> Section:
    """Measures all contestants in turns."""
    with ExitStack() as stack:
        lanes = [stack.enter_context(Lane(name)) for name in CONTESTANTS]
        make_ready(plan, lanes)
        slice_s = 0.15 if plan.quick else 0.35
        found = take_turns(lanes, plan.either(12, 3), slice_s, lambda text: plan.say(f"start: {text}"))
    return Section(
        "start",
        "a trivial handler, fresh each time, from the call to the value",
        COLUMNS,
        [_row(lane, found) for lane in lanes],
        _bars(found),
        [versions(lanes), *(f"{lane.title}: {lane.isolation}" for lane in lanes if lane.missing is None)],
    )


def _row(lane: Lane, found: Mapping[str, Summary]) -> Row:
    summary = found.get(lane.name)
    if summary is None:
        return empty_row(lane)
    values = {
        "min_ms": summary.min_ms,
        "p50_ms": summary.p50_ms,
        "p99_ms": summary.p99_ms,
        "n": summary.n,
        "of_python3": ratio(summary.p50_ms, _p50(found, "python3")),
        "of_pyodide": ratio(summary.p50_ms, _p50(found, "pyodide-cold")),
        "of_ours": ratio(summary.p50_ms, _p50(found, "hks-python")),
    }
    return Row(lane.title, values)


def _bars(found: Mapping[str, Summary]) -> list[Bar]:
    python, javascript = "hks-python", "hks-javascript"
    return [
        compared(found, "Python at most 1/40 of a python3 process", python, "python3", PYTHON_OF_PYTHON3_MAX),
        _steady(found, python),
        compared(
            found, "JavaScript at most 1/100 of a python3 process", javascript, "python3", JAVASCRIPT_OF_PYTHON3_MAX
        ),
        compared(found, "Python at most 1/1000 of cold Node + Pyodide", python, "pyodide-cold", PYTHON_OF_PYODIDE_MAX),
    ]


def _steady(found: Mapping[str, Summary], name: str) -> Bar:
    summary = found.get(name)
    spread = summary.p99_ms / summary.p50_ms if summary else None
    return at_most(f"Python's p99 at most {P99_OF_P50_MAX} times its p50", spread, P99_OF_P50_MAX, times)


def _p50(found: Mapping[str, Summary], name: str) -> Optional[float]:
    return found[name].p50_ms if name in found else None
