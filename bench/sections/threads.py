"""Executions a second: on one thread and on two, and by tasks in one event loop."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Callable, Optional

from lane import Lane, LaneError
from measure import ratio, rotated
from report import Bar, Column, Row, Section, at_least, times, whole

from sections import Plan, empty_row, make_ready

OURS = ("hks-python", "hks-javascript")
LOADED = ("hks-python-loaded", "hks-javascript-loaded")
PEERS = ("eryx", "monty", "python3")
TASKS = 8
GAIN_MIN = 1.8

Rate = Callable[[Lane, float], float]

KINDS: dict[str, Rate] = {
    "one": lambda lane, seconds: lane.rate(seconds, 1),
    "two": lambda lane, seconds: lane.rate(seconds, 2),
    "tasks": lambda lane, seconds: lane.async_rate(seconds, TASKS),
}

COLUMNS = (
    Column("one", "1 thread, calls/s", whole),
    Column("two", "2 threads, calls/s", whole),
    Column("gain", "gain", times),
    Column("tasks", f"{TASKS} tasks, calls/s", whole),
    Column("of_python3", "2 threads, times python3", lambda value: f"{value:,.1f}"),
)


def run(plan: Plan) -> Section:
    """Measures in turns; the best lap counts, because a disturbance can only make a rate lower."""
    best: dict[str, dict[str, float]] = {}
    with ExitStack() as stack:
        lanes = [stack.enter_context(Lane(name)) for name in (*OURS, *LOADED, *PEERS)]
        make_ready(plan, lanes)
        laps, seconds = plan.either(4, 1), 0.4 if plan.quick else 1.0
        for lap in range(laps):
            plan.say(f"threads: lap {lap + 1} of {laps}")
            for lane in rotated(lanes, lap):
                if lane.missing is None:
                    _lap(lane, seconds, best.setdefault(lane.name, {}))
    python3 = best.get("python3", {}).get("two")
    return Section(
        "threads",
        "the trivial handler, over and over, on more than one thread",
        COLUMNS,
        [_row(lane, best, python3) for lane in lanes],
        [_bar(best.get("hks-python", {}))],
        ["gain: two threads against one; the best of the laps, because a disturbance only makes a rate lower"],
    )


def _lap(lane: Lane, seconds: float, best: dict[str, float]) -> None:
    for kind, rate in KINDS.items():
        if kind == "tasks" and lane.name not in OURS:
            continue
        try:
            best[kind] = max(best.get(kind, 0.0), rate(lane, seconds))
        except LaneError as error:
            lane.missing = str(error)
            return


def _bar(found: dict[str, float]) -> Bar:
    gain = ratio(found.get("two"), found.get("one"))
    return at_least(f"Python: two threads at least {GAIN_MIN} times one", gain, GAIN_MIN, times)


def _row(lane: Lane, best: dict[str, dict[str, float]], python3: Optional[float]) -> Row:
    if lane.missing is not None:
        return empty_row(lane)
    found = best[lane.name]
    values = {**found, "gain": ratio(found["two"], found["one"]), "of_python3": ratio(found["two"], python3)}
    return Row(lane.title, values)
