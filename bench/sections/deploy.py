"""A deployment from its request to the first answer, and what a call of the deployed function costs then."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Optional

import functions
from programs import ProgramError
from report import Bar, Column, Row, Section, at_most, milliseconds, times, whole

from sections import Plan

ANSWER_MS_MAX = 100.0
IMPORTS_RATIO_MAX = 2.0
RUST_RATIO_MAX = 2.0
REPOSITORY = functions.FOLDER.parents[1]
EVENT = '{"input": 21}'
PHASES = ("translate", "check", "compile", "machine code", "run ahead", "store", "record", "load", "first call")

PYTHON, JAVASCRIPT = "Python, one file", "JavaScript, one file"
IMPORTS, RUST = "Python, jinja2 and 20 modules", "Rust, hello"

COLUMNS = (
    Column("answer_ms", "request to answer, p50 ms", milliseconds),
    Column("answer_p95_ms", "p95 ms", milliseconds),
    *(Column(name, f"{name} ms", milliseconds) for name in PHASES),
    Column("call_ms", "a call, p50 ms", milliseconds),
    Column("n", "n", whole),
)


def run(plan: Plan) -> Section:
    """Each function in a process of its own, whose first build is not counted."""
    with tempfile.TemporaryDirectory() as folder:
        jobs = (
            (PYTHON, functions.TRIVIAL, plan.either(40, 5)),
            (JAVASCRIPT, functions.TRIVIAL_JAVASCRIPT, plan.either(40, 5)),
            (IMPORTS, _imports(Path(folder)), plan.either(5, 1)),
            (RUST, _rust(Path(folder)), plan.either(2, 1)),
        )
        rows = [_row(plan, title, path, rounds) for title, path, rounds in jobs]
    found = {row.name: row.values for row in rows}
    return Section(
        "deploy",
        "from source to a function that answers, durable on disk, from Rust",
        COLUMNS,
        rows,
        [
            _bar(found, "a one-file Python function in at most 100 ms by p50", PYTHON),
            _bar(found, "a one-file JavaScript function in at most 100 ms by p50", JAVASCRIPT),
            _imports_bar(found),
            _rust_bar(plan),
        ],
        [
            "n deployments, each of a source that was never seen; a call is one of 2,000 of the last of them, in a fresh instance each",
            "packages are resolved and fetched in every deployment, and Rust compiles its crate",
        ],
    )


def _row(plan: Plan, title: str, path: Path, rounds: int) -> Row:
    plan.say(f"deploy: {title}")
    calls = plan.either(2000, 200)
    try:
        found = plan.programs.run("deploy", path, f"event={EVENT}", f"rounds={rounds}", f"calls={calls}")
    except ProgramError as error:
        return Row(title, empty=str(error))
    answer, phases = found["request_to_answer_ms"], found["phases_ms"]
    values = {name: phases[name]["p50"] for name in PHASES if name in phases}
    calls_ms = {"call_ms": found["call_ms"]["p50"], "n": answer["n"]}
    return Row(title, {"answer_ms": answer["p50"], "answer_p95_ms": answer["p95"], **values, **calls_ms})


def _imports(folder: Path) -> Path:
    """The function of the other sections, with its packages named."""
    made = folder / "imports"
    made.mkdir()
    (made / "function.yaml").write_text("name: imports\npackages: [jinja2]\n", encoding="utf-8")
    shutil.copy(functions.IMPORTS, made / "main.py")
    return made


def _rust(folder: Path) -> Path:
    """The SDK's example."""
    made = folder / "hello"
    made.mkdir()
    (made / "function.yaml").write_text("name: hello\nruntime: rust\n", encoding="utf-8")
    shutil.copy(REPOSITORY / "sdk-rust/guest/examples/hello.rs", made / "lib.rs")
    return made


def _value(found: dict[str, dict[str, float]], title: str, key: str) -> Optional[float]:
    return found.get(title, {}).get(key)


def _bar(found: dict[str, dict[str, float]], promise: str, title: str) -> Bar:
    return at_most(promise, _value(found, title, "answer_ms"), ANSWER_MS_MAX, lambda ms: f"{ms:.1f} ms")


def _imports_bar(found: dict[str, dict[str, float]]) -> Bar:
    promise = f"a function behind jinja2 and 20 modules starts in at most {IMPORTS_RATIO_MAX:.0f} times the time of one without"
    behind, plain = _value(found, IMPORTS, "call_ms"), _value(found, PYTHON, "call_ms")
    return at_most(promise, behind / plain if behind and plain else None, IMPORTS_RATIO_MAX, times)


def _rust_bar(plan: Plan) -> Bar:
    promise = f"a call in Rust at most {RUST_RATIO_MAX:.0f} times that of a component that does nothing"
    plan.say("deploy: Rust beside a component that does nothing")
    try:
        found = plan.programs.run("component_cost", f"executions={plan.either(5000, 500)}")
    except ProgramError:
        return at_most(promise, None, RUST_RATIO_MAX, times)
    return at_most(promise, float(found["ratio"]), RUST_RATIO_MAX, times)
