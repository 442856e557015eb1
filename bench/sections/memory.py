"""How much memory live instances take.

`PSS` counts a page that several mappings share once in all, so the interpreter's memory image is in it once and not
once for each instance; `RSS` counts it for each, and says little here. The page tables are the kernel's and in neither.
"""

from __future__ import annotations

import probes
from report import Bar, Column, Row, Section, at_most, one_decimal, whole

from sections import Plan

LANGUAGES = {"python": "Python", "javascript": "JavaScript"}
LIVE = (100, 1000)
CHILD_S_MAX = 180.0
MEMORY_MIB_MAX = 2048
PRIVATE_MIB_MAX = 0.9

COLUMNS = (
    Column("live", "live", whole),
    Column("private_kib", "private KiB each", whole),
    Column("pss_kib", "PSS KiB each", whole),
    Column("tables_kib", "page tables KiB each", whole),
    Column("total_mib", "process MiB", one_decimal),
    Column("before_mib", "before MiB", one_decimal),
    Column("rss_mib", "RSS MiB", one_decimal),
)


def run(plan: Plan) -> Section:
    """Measures each language with each number of instances, every time in a new process."""
    rows = []
    for language in LANGUAGES:
        for live in LIVE:
            plan.say(f"memory: {live} live {language} instances")
            rows.append(_row(language, live))
    return Section(
        "memory",
        "live instances that sleep, all in one process",
        COLUMNS,
        rows,
        _bars(rows),
        [
            "private: written for one instance alone (Private_Dirty): pages of its slot, its stack, and in the host's heap its "
            "tables and what Wasmtime keeps of it. PSS: that, and its part of what is shared. process: PSS "
            "and page tables of the whole, with the interpreter's image and the Python around it"
        ],
    )


def _row(language: str, live: int) -> Row:
    answer = probes.run("live", language, live, seconds_max=CHILD_S_MAX)
    if "empty" in answer:
        return Row(f"{LANGUAGES[language]}, {live:,}", empty=answer["empty"])
    before, during = answer["before"], answer["during"]

    def each(key: str) -> float:
        return float(during[key] - before[key]) / live

    values = {
        "live": live,
        "private_kib": each("Private_Dirty"),
        "pss_kib": each("Pss"),
        "tables_kib": each("VmPTE"),
        "total_mib": (during["Pss"] + during["VmPTE"]) / 1024,
        "before_mib": (before["Pss"] + before["VmPTE"]) / 1024,
        "rss_mib": during["Rss"] / 1024,
    }
    return Row(f"{LANGUAGES[language]}, {live:,}", values)


def _bars(rows: list[Row]) -> list[Bar]:
    name = f"{LANGUAGES['python']}, {LIVE[-1]:,}"
    values = next(row.values for row in rows if row.name == name)
    private, total = values.get("private_kib"), values.get("total_mib")
    private_mib = None if private is None else float(private) / 1024
    promise = f"private memory of a live Python instance at most {PRIVATE_MIB_MAX} MiB"
    return [
        at_most(promise, private_mib, PRIVATE_MIB_MAX, lambda mib: f"{mib:.2f} MiB"),
        at_most(
            "1,000 live Python instances in 2 GiB",
            None if total is None else float(total),
            MEMORY_MIB_MAX,
            lambda mib: f"{mib:,.0f} MiB",
        ),
    ]
