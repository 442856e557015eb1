"""Runs many executions in this process and prints its memory as they go by.

`python many.py LANGUAGE N THREADS SECONDS_MAX` prints JSON: `points`, each the number of executions so far and the KiB
of RSS and of private memory, and `seconds`; or `empty` with the reason.
"""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from kernel import memory_kib

from hks_sdk import errors, functions

HANDLERS = {
    "python": 'def handler(event):\n    return {"result": event["input"] * 2}\n',
    "javascript": "exports.handler = async (event) => ({ result: event.input * 2 });\n",
}
STEPS = 50


def measure(language: str, total: int, threads: int, seconds_max: float) -> dict[str, object]:
    """One point at the start, and one after each of `STEPS` equal parts, as far as time allows."""
    try:
        functions.execute(HANDLERS[language], {"input": 0}, language=language)
    except errors.GuestNotFoundError as error:
        return {"empty": str(error)}
    began = time.monotonic()
    points = [_point(0)]
    part = max(total // STEPS, 1)
    with ThreadPoolExecutor(threads) as pool:
        for step in range(1, STEPS + 1):
            for _ in pool.map(lambda number: _run(language, number), range(part)):
                pass
            points.append(_point(step * part))
            if time.monotonic() - began > seconds_max:
                break
    return {"points": points, "seconds": time.monotonic() - began}


def _run(language: str, number: int) -> None:
    value = functions.execute(HANDLERS[language], {"input": number}, language=language).value
    if value != {"result": number * 2}:
        raise AssertionError(f"{number}: {value!r}")


def _point(executions: int) -> tuple[int, int, int]:
    kib = memory_kib()
    return executions, kib["Rss"], kib["Private_Clean"] + kib["Private_Dirty"]


if __name__ == "__main__":
    _, language_, total_, threads_, seconds_ = sys.argv
    print(json.dumps(measure(language_, int(total_), int(threads_), float(seconds_))))
