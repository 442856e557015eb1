"""`cargo xtask bench` runs this: performance and memory, measured against peers in the same run.

`python bench/run.py [SECTION …] [--quick] [--check] [--markdown] [--json FILE] [--programs FOLDER]`

Needs `hks_sdk` and the packages of `bench/requirements.txt` in its environment; a peer that is not to be had gets a
row that says why it is empty.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import time
from pathlib import Path

import machine
from programs import Programs
from report import Section, as_markdown, as_text
from sections import NAMES, Plan

OTHERS_CORES_MAX = 0.2
"""Beyond this, what runs long is disturbed more than what runs shortly, and ratios flatter the shorter."""


def arguments(words: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="bench/run.py", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"what to measure: {', '.join(NAMES)}; else all")
    parser.add_argument(
        "--quick", action="store_true", help="a minute instead of ten; good for a look, not for a claim"
    )
    parser.add_argument("--check", action="store_true", help="exit with 1 unless every promise was measured and kept")
    parser.add_argument("--markdown", action="store_true", help="print what can be pasted into README.md")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write everything, unrounded, to FILE")
    parser.add_argument(
        "--programs", type=Path, metavar="FOLDER", help="where the built programs of runtime/examples are"
    )
    parsed = parser.parse_args(words)
    unknown = [name for name in parsed.sections if name not in NAMES]
    if unknown:
        parser.error(f"no section {', '.join(unknown)}; there are {', '.join(NAMES)}")
    return parsed


def main(words: list[str]) -> int:
    """Runs the sections and prints each as soon as it is done."""
    options = arguments(words)
    plan = Plan(quick=options.quick, programs=Programs(options.programs))
    began = time.monotonic()
    facts = {**machine.facts(), "metering": _metering()}
    write = as_markdown if options.markdown else as_text
    print(_head(facts, options.markdown), flush=True)
    sections: list[Section] = []
    for name in NAMES:
        if not options.sections or name in options.sections:
            sections.append(_watched(name, plan))
            print(write(sections[-1]), flush=True)
    facts["load at the end"] = machine.load()
    facts["seconds"] = f"{time.monotonic() - began:.0f}"
    print(f"Load at the end: {facts['load at the end']}; {facts['seconds']} s in all.", flush=True)
    if options.json:
        whole = {
            "quick": plan.quick,
            "facts": facts,
            "sections": {section.name: section.as_json() for section in sections},
        }
        options.json.write_text(json.dumps(whole, indent=2) + "\n")
    return 1 if options.check and not _all_kept(sections) else 0


def _watched(name: str, plan: Plan) -> Section:
    """Runs a section, and notes who else used the machine meanwhile."""
    watch = machine.Watch()
    section: Section = importlib.import_module(f"sections.{name}").run(plan)
    others = watch.others()
    section.others_cores = others
    verdict = "; the machine was BUSY, and the numbers are worth little" if others > OTHERS_CORES_MAX else ""
    section.notes.insert(0, f"used by others meanwhile: {others:.2f} cores{verdict}")
    return section


def _head(facts: dict[str, str], markdown: bool) -> str:
    if markdown:
        return "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in facts.items())]) + "\n"
    width = max(len(name) for name in facts)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in facts.items()) + "\n"


def _metering() -> str:
    """What the SDK's runtime is set to, by its own account."""
    try:
        from peers import hks

        return str(hks.facts()["metering"])
    except Exception as error:  # the rows say more
        return f"unknown ({type(error).__name__})"


def _all_kept(sections: list[Section]) -> bool:
    broken = [bar for section in sections for bar in section.bars if not bar.passed]
    for bar in broken:
        print(f"bench: {bar.verdict}: {bar.promise}: {bar.found}", file=sys.stderr)
    return not broken


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
