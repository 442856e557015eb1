"""The runtime does not cross a fork, and says so instead of hanging."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytestmark = [
    pytest.mark.usefixtures("compiled"),
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork"),
]

PRELUDE = """
import multiprocessing, os, sys, warnings
warnings.simplefilter("ignore", DeprecationWarning)
from hks_sdk import ForkedProcessError
from hks_sdk.functions import execute

CODE = "def handler(event): return event * 2"

def double(number):
    return execute(CODE, number).value

def refused(number):
    try:
        return execute(CODE, number).value
    except ForkedProcessError as error:
        return str(error)
"""


def run(program: str) -> str:
    """What the program prints. It must end by itself, in time, with nothing on stderr."""
    done = subprocess.run([sys.executable, "-c", PRELUDE + program], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_a_child_of_a_parent_that_used_it_is_refused() -> None:
    program = """
double(1)
if os.fork() == 0:
    print(refused(2), flush=True)
    os._exit(0)
os.wait()
print(double(2))
"""
    refusal, parent = run(program).splitlines()
    assert "'spawn' start method" in refusal and "forked" in refusal
    assert parent == "4"


def test_a_refused_child_ends_like_any_other_process() -> None:
    program = """
double(1)
child = os.fork()
if child == 0:
    refused(2)
    sys.exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    assert run(program) == "7\n"


def test_a_child_of_a_parent_that_only_imported_it_works() -> None:
    program = """
with multiprocessing.get_context("fork").Pool(2) as pool:
    print(pool.map(double, range(10)))
print(double(21))
"""
    assert run(program) == f"{[number * 2 for number in range(10)]}\n42\n"


def test_a_pool_of_forked_workers_is_refused_and_does_not_hang() -> None:
    program = """
double(1)
with multiprocessing.get_context("fork").Pool(2) as pool:
    print(all("forked" in text for text in pool.map(refused, range(4))))
"""
    assert run(program) == "True\n"


def test_spawned_workers_work(tmp_path: object) -> None:
    script = f"{tmp_path}/spawn.py"
    with open(script, "w", encoding="utf-8") as file:
        file.write(
            PRELUDE
            + """
if __name__ == "__main__":
    double(1)
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        print(pool.map(double, range(4)))
"""
        )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "[0, 2, 4, 6]\n", "")


def test_a_program_may_be_started_at_any_time() -> None:
    program = """
double(1)
import subprocess
print(subprocess.run([sys.executable, "-c", "print(5)"], capture_output=True, text=True, check=True).stdout.strip())
print(double(2))
"""
    assert run(program) == "5\n4\n"
