"""The benchmarks, one file each: `run(plan)` measures and returns a section of the report."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Iterable

from lane import Lane
from report import Row

NAMES = ("start", "cold", "memory", "flat", "cpu", "threads")
"""In the order in which they run."""


@dataclass(frozen=True)
class Plan:
    """How much to measure."""

    quick: bool

    def say(self, text: str) -> None:
        """Progress, for whoever waits."""
        print(f"bench: {text}", file=sys.stderr, flush=True)

    def either(self, full: int, quick: int) -> int:
        """An amount that depends on the time there is."""
        return quick if self.quick else full


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
