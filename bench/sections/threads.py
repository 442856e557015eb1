"""Executions a second: on one thread and on two, and by tasks in one event loop.

What two cores give to two of anything is the machine's: cores may share caches, and neighbours use them, too. So the same
is measured for two processes of one thread each, which have nothing of ours in common.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
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
    Column("apart", "2 processes, calls/s", whole),
    Column("apart_gain", "their gain", times),
    Column("tasks", f"{TASKS} tasks, calls/s", whole),
    Column("of_python3", "2 threads, times python3", lambda value: f"{value:,.1f}"),
)


def run(plan: Plan) -> Section:
    """Measures in turns; the best lap counts, because a disturbance can only make a rate lower."""
    best: dict[str, dict[str, float]] = {}
    with ExitStack() as stack:
        lanes = [stack.enter_context(Lane(name)) for name in (*OURS, *LOADED, *PEERS)]
        twins = {name: stack.enter_context(Lane(name)) for name in OURS}
        make_ready(plan, [*lanes, *twins.values()])
        laps, seconds = plan.either(4, 1), 0.4 if plan.quick else 1.0
        for lap in range(laps):
            plan.say(f"threads: lap {lap + 1} of {laps}")
            for lane in rotated(lanes, lap):
                if lane.missing is None:
                    _lap(lane, twins.get(lane.name), seconds, best.setdefault(lane.name, {}))
    python3 = best.get("python3", {}).get("two")
    return Section(
        "threads",
        "the trivial handler, over and over, on more than one thread",
        COLUMNS,
        [_row(lane, best, python3) for lane in lanes],
        [_bar(best.get("hks-python", {}))],
        [
            "gain: two threads, or two processes of one thread each, against one; the best of the laps, because a "
            "disturbance only makes a rate lower"
        ],
    )


def _lap(lane: Lane, twin: Optional[Lane], seconds: float, best: dict[str, float]) -> None:
    try:
        for kind, rate in KINDS.items():
            if kind != "tasks" or lane.name in OURS:
                best[kind] = max(best.get(kind, 0.0), rate(lane, seconds))
        if twin is not None and twin.missing is None:
            best["apart"] = max(best.get("apart", 0.0), _apart(lane, twin, seconds))
    except LaneError as error:
        lane.missing = str(error)


def _apart(lane: Lane, twin: Lane, seconds: float) -> float:
    with ThreadPoolExecutor(2) as both:
        return sum(both.map(lambda one: one.rate(seconds, 1), (lane, twin)))


def _bar(found: dict[str, float]) -> Bar:
    gain = ratio(found.get("two"), found.get("one"))
    return at_least(f"Python: two threads at least {GAIN_MIN} times one", gain, GAIN_MIN, times)


def _row(lane: Lane, best: dict[str, dict[str, float]], python3: Optional[float]) -> Row:
    if lane.missing is not None:
        return empty_row(lane)
    found = best[lane.name]
    one, two = found["one"], found["two"]
    gains = {"gain": ratio(two, one), "apart_gain": ratio(found.get("apart"), one)}
    return Row(lane.title, {**found, **gains, "of_python3": ratio(two, python3)})
