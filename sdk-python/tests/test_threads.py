"""One runtime serves all threads at once."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from hks_sdk.functions import execute

pytestmark = pytest.mark.usefixtures("compiled")

DOUBLE = "def handler(event): return event * 2"


def test_each_thread_gets_its_own_answer() -> None:
    with ThreadPoolExecutor(8) as pool:
        values = list(pool.map(lambda number: execute(DOUBLE, number).raise_for_error().value, range(400)))
    assert values == [number * 2 for number in range(400)]


def test_waiting_holds_no_lock() -> None:
    code = "import time\ndef handler(event): time.sleep(0.5)"
    waiter = threading.Thread(target=execute, args=(code,))
    waiter.start()
    ticks = 0
    while waiter.is_alive():
        ticks += 1
        time.sleep(0.01)
    assert ticks > 10


def test_waits_overlap() -> None:
    code = "import time\ndef handler(event): time.sleep(0.5)"
    execute(DOUBLE, 1)
    began = time.monotonic()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: execute(code).raise_for_error(), range(4)))
    assert time.monotonic() - began < 1.9


def test_a_process_may_end_while_a_thread_executes() -> None:
    program = """
import threading, time
from hks_sdk.functions import execute
execute("def handler(event): return 1")
code = "import time\\ndef handler(event): time.sleep(60)"
threading.Thread(target=execute, args=(code,), kwargs={"timeout": 60}, daemon=True).start()
time.sleep(0.3)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stderr) == (0, "")


def test_first_uses_in_many_threads_at_once() -> None:
    program = """
import threading
from hks_sdk.functions import execute
values = []
call = lambda n: values.append(execute("def handler(event): return event", n).value)
threads = [threading.Thread(target=call, args=(n,)) for n in range(20)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
assert sorted(values) == list(range(20)), values
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
