"""Starts sleeping executions in this process, waits until each has spoken, and prints what memory they take.

`python live.py LANGUAGE N` prints JSON: `before` and `during`, or `empty` with the reason.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Optional, Sequence

from kernel import memory_kib

from hks_sdk import errors, functions

PYTHON_SLEEPER = """\
import time
def handler(event):
    print("up")
    time.sleep(600)
"""

JAVASCRIPT_SLEEPER = """\
exports.handler = async (event) => {
  console.log("up");
  await new Promise((done) => setTimeout(done, 600_000));
};
"""

SLEEPERS = {"python": PYTHON_SLEEPER, "javascript": JAVASCRIPT_SLEEPER}
TRIVIAL = {"python": "def handler(event): return 1", "javascript": "exports.handler = () => 1;"}
TIMEOUT_S = 800
ALL_UP_S_MAX = 60


async def measure(language: str, live: int) -> dict[str, object]:
    """Before, with one execution behind it, and during."""
    try:
        await functions.aexecute(TRIVIAL[language], language=language)
    except errors.GuestNotFoundError as error:
        return {"empty": str(error)}
    before = memory_kib()
    up = asyncio.Semaphore(0)
    tasks = [asyncio.ensure_future(_sleeper(language, up)) for _ in range(live)]
    try:
        empty = await _wait_until_up(tasks, up)
        during = memory_kib()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return {"empty": empty} if empty else {"before": before, "during": during}


async def _sleeper(language: str, up: asyncio.Semaphore) -> object:
    return await functions.aexecute(
        SLEEPERS[language], language=language, timeout=TIMEOUT_S, on_stdout=lambda line: up.release()
    )


async def _wait_until_up(tasks: Sequence[asyncio.Future[object]], up: asyncio.Semaphore) -> Optional[str]:
    """Returns when each has spoken and none has ended, or with the reason why that is not so."""

    async def wait() -> None:
        for _ in tasks:
            await up.acquire()

    try:
        await asyncio.wait_for(wait(), ALL_UP_S_MAX)
    except asyncio.TimeoutError:
        return f"not all were up within {ALL_UP_S_MAX} s"
    ended = [task for task in tasks if task.done()]
    return f"{len(ended)} ended early, the first with {ended[0]}" if ended else None


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure(sys.argv[1], int(sys.argv[2])))))
