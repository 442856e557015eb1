"""The benchmarks, one file each: `run(plan)` measures and returns a section of the report."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Iterable, Mapping

from lane import Lane
from measure import Summary
from programs import Programs
from report import NOT_ALL, Bar, Row, times

NAMES = ("start", "snapshots", "inside", "fork", "deploy", "cold", "memory", "flat", "cpu", "threads")
"""In the order in which they run."""


@dataclass(frozen=True)
class Plan:
    """How much to measure."""

    quick: bool
    programs: Programs

    def say(self, text: str) -> None:
        """Progress, for whoever waits."""
        print(f"bench: {text}", file=sys.stderr, flush=True)

    def either(self, full: int, quick: int) -> int:
        """An amount that depends on the time there is."""
        return quick if self.quick else full


def compared(found: Mapping[str, Summary], promise: str, one: str, peer: str, limit: float) -> Bar:
    """Judged by p50 and by the best as well: on a busy machine the p50 of what runs long suffers more."""
    if one not in found or peer not in found:
        return Bar(promise, None, NOT_ALL)
    of_p50 = found[one].p50_ms / found[peer].p50_ms
    of_best = found[one].min_ms / found[peer].min_ms
    return Bar(promise, max(of_p50, of_best) <= limit, f"{times(of_p50)} by p50, {times(of_best)} by the best")


def empty_row(lane: Lane) -> Row:
    """The row of a contestant that was not measured."""
    return Row(lane.title, empty=lane.missing or "it ended early")


def make_ready(plan: Plan, lanes: Iterable[Lane]) -> None:
    """Starts all and warms them up, one after the other, so that none disturbs another."""
    for lane in lanes:
        plan.say(f"{lane.title}: getting ready")
        if not lane.make_ready():
            plan.say(f"{lane.title}: not to be had: {lane.missing}")


def versions(lanes: Iterable[Lane]) -> str:
    """One line for the notes."""
    known = (f"{lane.title} {lane.facts['version']}" for lane in lanes if "version" in lane.facts)
    return "versions: " + ", ".join(known)
