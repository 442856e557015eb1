"""Whether memory stays flat over many executions in one process."""

from __future__ import annotations

from typing import Optional, Sequence

import probes
from measure import slope
from report import Bar, Column, Row, Section, at_most, one_decimal, whole

from sections import Plan

LANGUAGES = {"python": "Python", "javascript": "JavaScript"}
THREADS = 2
GROWTH_MIB_MAX = 16
WARM_UP_PART = 0.2
"""The first part of a run is not looked at: slots learn which pages are written, arenas are filled."""
SECONDS_MAX = {"python": 240, "javascript": 40}

COLUMNS = (
    Column("n", "executions", whole),
    Column("seconds", "s", one_decimal),
    Column("rss_before_mib", "RSS before MiB", one_decimal),
    Column("rss_warm_mib", "warm MiB", one_decimal),
    Column("rss_after_mib", "after MiB", one_decimal),
    Column("private_after_mib", "private after MiB", one_decimal),
    Column("slope_bytes", "bytes/execution", one_decimal),
)


def run(plan: Plan) -> Section:
    """Measures each language in a new process."""
    total = plan.either(100_000, 2_000)
    rows = []
    for language in LANGUAGES:
        plan.say(f"flat: {total:,} {language} executions")
        rows.append(_row(language, total, plan.either(SECONDS_MAX[language], 12)))
    return Section(
        "flat",
        f"memory of one process over many executions on {THREADS} threads",
        COLUMNS,
        rows,
        [_bar(row) for row in rows],
        [
            f"warm: after the first {WARM_UP_PART:.0%}, in which slots learn which pages are written; the slope "
            "is that of the line through RSS from there on. A run that would take too long ends early, with its n in the table"
        ],
    )


def _row(language: str, total: int, seconds_max: int) -> Row:
    answer = probes.run("many", language, total, THREADS, seconds_max, seconds_max=seconds_max + 120)
    if "empty" in answer:
        return Row(LANGUAGES[language], empty=answer["empty"])
    points: Sequence[tuple[int, int, int]] = answer["points"]
    warm = [point for point in points if point[0] >= points[-1][0] * WARM_UP_PART]
    values = {
        "n": points[-1][0],
        "seconds": answer["seconds"],
        "rss_before_mib": points[0][1] / 1024,
        "rss_warm_mib": warm[0][1] / 1024,
        "rss_after_mib": points[-1][1] / 1024,
        "private_after_mib": points[-1][2] / 1024,
        "slope_bytes": slope([(executions, rss * 1024) for executions, rss, _ in warm]),
    }
    return Row(LANGUAGES[language], values)


def _bar(row: Row) -> Bar:
    after, warm = row.values.get("rss_after_mib"), row.values.get("rss_warm_mib")
    found: Optional[float] = float(after) - float(warm) if after is not None and warm is not None else None
    promise = f"{row.name}: RSS grows by at most {GROWTH_MIB_MAX} MiB once it is warm"
    return at_most(promise, found, GROWTH_MIB_MAX, lambda mib: f"{mib:+.1f} MiB")
