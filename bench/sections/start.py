"""A trivial handler end to end, fresh each time: what one execution costs a caller."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Mapping, Optional

from lane import Lane
from measure import Summary, ratio, take_turns
from report import Bar, Column, Row, Section, milliseconds, times, whole

from sections import Plan, empty_row, make_ready, versions

CONTESTANTS = (
    "hks-python",
    "hks-javascript",
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

PYTHON_OF_PYTHON3_MAX = 1 / 6
PYTHON_OF_PYODIDE_MAX = 1 / 1000
JAVASCRIPT_OF_PYTHON_MAX = 1 / 5


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
    return [
        _bar(found, "Python at most 1/6 of a python3 process", "hks-python", "python3", PYTHON_OF_PYTHON3_MAX),
        _bar(
            found, "Python at most 1/1000 of cold Node + Pyodide", "hks-python", "pyodide-cold", PYTHON_OF_PYODIDE_MAX
        ),
        _bar(found, "JavaScript at most 1/5 of Python", "hks-javascript", "hks-python", JAVASCRIPT_OF_PYTHON_MAX),
    ]


def _bar(found: Mapping[str, Summary], promise: str, one: str, peer: str, limit: float) -> Bar:
    """Judged by p50 and by the best as well: on a busy machine the p50 of what runs long suffers more."""
    if one not in found or peer not in found:
        return Bar(promise, None, "what it compares was not all measured")
    of_p50 = found[one].p50_ms / found[peer].p50_ms
    of_best = found[one].min_ms / found[peer].min_ms
    return Bar(promise, max(of_p50, of_best) <= limit, f"{times(of_p50)} by p50, {times(of_best)} by the best")


def _p50(found: Mapping[str, Summary], name: str) -> Optional[float]:
    return found[name].p50_ms if name in found else None
