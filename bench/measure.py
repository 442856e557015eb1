"""Statistics, and the round-robin that makes them comparable.

A machine is never quiet: neighbours, clock frequency and caches change from second to second. So contestants take
turns in short slices, over several laps, and a bad second falls on all of them. Within a slice a contestant runs again
and again, as it would in use, so that nobody is measured with the caches of another.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Callable, Optional, Sequence, TypeVar

from lane import Lane, LaneError

T = TypeVar("T")


@dataclass(frozen=True)
class Summary:
    """A distribution in milliseconds."""

    n: int
    p50_ms: float
    p99_ms: float
    min_ms: float

    @staticmethod
    def of_ns(durations: Sequence[int]) -> Summary:
        """Of at least one duration in nanoseconds."""
        ordered = sorted(duration / 1e6 for duration in durations)
        return Summary(len(ordered), percentile(ordered, 50), percentile(ordered, 99), ordered[0])


def percentile(ordered: Sequence[float], percent: float) -> float:
    """By nearest rank: a value that was really measured. With fewer than 100 values the 99th is the largest."""
    rank = math.ceil(percent / 100 * len(ordered))
    return ordered[max(rank, 1) - 1]


def slope(points: Sequence[tuple[float, float]]) -> float:
    """The slope of the line through the points with the least squares."""
    n = len(points)
    mean_x = sum(x for x, _ in points) / n
    mean_y = sum(y for _, y in points) / n
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0


def ratio(value: Optional[float], peer: Optional[float]) -> Optional[float]:
    """`value / peer`, if both were measured."""
    return value / peer if value is not None and peer else None


def rotated(order: Sequence[T], lap: int) -> list[T]:
    """The order of this lap. Each lap begins with another, so that nobody always comes after the same one."""
    first = lap % len(order) if order else 0
    return [*order[first:], *order[:first]]


def take_turns(lanes: Sequence[Lane], laps: int, slice_s: float, say: Callable[[str], None]) -> dict[str, Summary]:
    """Measures all lanes that are ready. One that fails leaves the race, and its `missing` says why."""
    durations: dict[str, list[int]] = {lane.name: [] for lane in lanes if lane.missing is None}
    for lap in range(laps):
        say(f"lap {lap + 1} of {laps}")
        for lane in rotated(lanes, lap):
            if lane.missing is not None:
                continue
            try:
                durations[lane.name] += lane.slice(slice_s)
            except LaneError as error:
                lane.missing = str(error)
                del durations[lane.name]
    return {name: Summary.of_ns(values) for name, values in durations.items() if values}
