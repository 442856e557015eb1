"""CPU-bound Python against native CPython, under each metering.

Each workload measures itself with `time.perf_counter`, so that starts are not in the numbers. A cell is the best run:
a disturbance can only make a run slower.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Callable, Optional, Union

from measure import ratio
from peers import native
from programs import ProgramError, Programs
from report import Column, Format, Row, Section, milliseconds, times

from sections import Plan

WORKLOADS = ("fib", "nbody", "json_round_trip", "regex", "strings", "dicts", "methods")
FOLDER = Path(__file__).resolve().parent.parent / "workloads"
TIMEOUT_S = 60
GUEST_VERSION = "import sys\ndef handler(event):\n    return '.'.join(map(str, sys.version_info[:2]))"

Run = Callable[[Path], list[dict[str, Any]]]
"""Some runs of a workload: what its handler returned each time."""

NATIVE, FUEL, EPOCH, NONE = "native", "fuel+epoch", "epoch", "none"


def run(plan: Plan) -> Section:
    """Every workload in every way, in turns."""
    guest = _sdk_value(GUEST_VERSION)
    python = native.find(guest) if isinstance(guest, str) else native.find("none")
    ways: dict[str, Run] = {NATIVE: lambda file: [python.run(file)], FUEL: lambda file: [_sdk_run(file)]}
    notes = [
        f"native: CPython {python.minor}; the guest is CPython {guest}"
        + (
            "" if python.minor == guest else ", which this machine has no native build of: the versions differ in speed"
        ),
        "ratios are times of native's; the mean is the geometric one",
    ]
    notes += _add_meterings(plan, ways)
    laps = plan.either(8, 2)
    best: dict[tuple[str, str], float] = {}
    failed: dict[str, str] = {}
    for lap in range(laps):
        plan.say(f"cpu: lap {lap + 1} of {laps}")
        for workload in WORKLOADS:
            if workload not in failed:
                reason = _lap(workload, ways, best)
                if reason:
                    failed[workload] = reason
    rows = [_row(workload, best, failed.get(workload)) for workload in WORKLOADS]
    return Section(
        "cpu",
        "CPU-bound Python, best run, and the ratio to native CPython",
        _columns(),
        [*rows, _mean(rows)],
        [],
        notes,
    )


def _columns() -> tuple[Column, ...]:
    shown: tuple[tuple[str, str, Format], ...] = (
        (NATIVE, "native ms", milliseconds),
        (FUEL, "fuel+epoch ms", milliseconds),
        (EPOCH, "epoch ms", milliseconds),
        (NONE, "no metering ms", milliseconds),
        ("of " + FUEL, "fuel+epoch ratio", times),
        ("of " + EPOCH, "epoch ratio", times),
        ("of " + NONE, "no metering ratio", times),
    )
    return tuple(Column(key, heading, write) for key, heading, write in shown)


def _add_meterings(plan: Plan, ways: dict[str, Run]) -> list[str]:
    """Adds the meterings that the SDK does not offer; why not, if that cannot be."""
    if plan.quick:
        return ["--quick leaves out the other meterings, which take two compilations the first time"]
    for metering in (EPOCH, NONE):
        plan.say(f"cpu: compiling the interpreter for metering {metering}, if that was not done before")
        try:
            plan.programs.run("cpu", metering, "python", FOLDER / "fib.py", 1)
        except ProgramError as error:
            return [f"metering {metering} not measured: {error}"]
        ways[metering] = _metered(plan.programs, metering)
    return []


def _metered(programs: Programs, metering: str) -> Run:
    return lambda file: [report["value"] for report in programs.run("cpu", metering, "python", file, 1)]


def _sdk_value(code: str) -> Any:
    """What a handler returns under the SDK's own metering, or `None` if there is no SDK."""
    try:
        from hks_sdk import functions
    except ImportError:
        return None
    result = functions.execute(code, timeout=TIMEOUT_S)
    result.raise_for_error()
    return result.value


def _sdk_run(file: Path) -> dict[str, Any]:
    value: dict[str, Any] = _sdk_value(file.read_text())
    return value


def _lap(workload: str, ways: dict[str, Run], best: dict[tuple[str, str], float]) -> Optional[str]:
    """Runs it in every way. All must compute the same; the reason, if they do not or one fails."""
    checks: set[Union[int, float]] = set()
    for name, way in ways.items():
        try:
            values = way(FOLDER / f"{workload}.py")
        except Exception as error:  # of whatever kind: it goes into the table
            return f"{name}: {type(error).__name__}: {error}"
        for value in values:
            checks.add(value["check"])
            found = value["seconds"] * 1e3
            best[workload, name] = min(best.get((workload, name), math.inf), found)
    return None if len(checks) == 1 else f"the results differ: {sorted(checks)}"


def _row(workload: str, best: dict[tuple[str, str], float], failed: Optional[str]) -> Row:
    if failed:
        return Row(workload, empty=failed)
    values: dict[str, Optional[float]] = {name: best.get((workload, name)) for name in (NATIVE, FUEL, EPOCH, NONE)}
    ratios = {f"of {name}": ratio(values[name], values[NATIVE]) for name in (FUEL, EPOCH, NONE)}
    return Row(workload, {**values, **ratios})


def _mean(rows: list[Row]) -> Row:
    means: dict[str, Optional[float]] = {}
    for name in (FUEL, EPOCH, NONE):
        ratios = [float(value) for row in rows if (value := row.values.get(f"of {name}")) is not None]
        means[f"of {name}"] = math.exp(sum(map(math.log, ratios)) / len(ratios)) if ratios else None
    return Row("mean", means)
