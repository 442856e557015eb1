"""A process of its own for each contestant, and the way to talk to it.

The child makes its contestant ready, warms it up and then obeys one request a line: run for so many seconds and tell
how long each execution took (`slice`), or how many it made on so many threads or tasks (`rate`, `async_rate`). Parent and child are both in
this file; `python lane.py NAME` is the child.
"""

from __future__ import annotations

import asyncio
import json
import os
import select
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Optional, TextIO

import peers

WARM_UP_S = 0.5
WARM_UP_CALLS_MAX = 200
READY_S_MAX = 300.0
"""The first start of ours may compile an interpreter, that of Pyodide may fetch a package."""
GRACE_S = 60.0
"""How much longer than asked for a request may take; a cold Pyodide takes seconds for one execution."""


END_S_MAX = 10.0


class LaneError(Exception):
    """A contestant did not do what it should."""


class Lane:
    """The parent's end. Close it, or use it as a context."""

    def __init__(self, name: str) -> None:
        """Nothing runs before `make_ready`."""
        contestant = peers.find(name)
        self.name = name
        self.title = contestant.title
        self.isolation = contestant.isolation
        self.facts: dict[str, Any] = {}
        self.missing: Optional[str] = "it was not started"
        self._child: Optional[subprocess.Popen[bytes]] = None
        self._buffer = b""

    def make_ready(self) -> bool:
        """Starts the child and waits until it is warm. If it is not to be had, `missing` says why."""
        command = [sys.executable, str(Path(__file__).resolve()), self.name]
        self._child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, close_fds=False)
        try:
            answer = self._answer(self._child, READY_S_MAX)
        except LaneError as error:
            answer = {"missing": str(error)}
        self.missing = answer.get("missing")
        self.facts = answer.get("facts", {})
        return self.missing is None

    def slice(self, seconds: float) -> list[int]:
        """Nanoseconds of each execution that began within so many seconds; at least one."""
        durations: list[int] = self._ask({"do": "slice", "seconds": seconds}, seconds)["ns"]
        return durations

    def rate(self, seconds: float, threads: int) -> float:
        """Executions a second on so many threads."""
        answer = self._ask({"do": "rate", "seconds": seconds, "threads": threads}, seconds)
        return float(answer["calls"] / answer["seconds"])

    def async_rate(self, seconds: float, tasks: int) -> float:
        """Executions a second by so many tasks in one event loop, if the contestant has a way for that."""
        answer = self._ask({"do": "async_rate", "seconds": seconds, "tasks": tasks}, seconds)
        return float(answer["calls"] / answer["seconds"])

    def __enter__(self) -> Lane:
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the child, politely first."""
        if self._child is None:
            return
        with self._child:  # closes the pipes and waits
            if self._child.stdin:
                self._child.stdin.close()
            try:
                self._child.wait(END_S_MAX)
            except subprocess.TimeoutExpired:
                self._child.kill()

    def _ask(self, request: dict[str, object], seconds: float) -> dict[str, Any]:
        if self._child is None or self._child.stdin is None:
            raise LaneError(f"{self.name} was not made ready")
        try:
            self._child.stdin.write(json.dumps(request).encode() + b"\n")
            self._child.stdin.flush()
        except BrokenPipeError:
            pass  # what it ended with is told by the answer that does not come
        return self._answer(self._child, seconds + GRACE_S)

    def _answer(self, child: subprocess.Popen[bytes], seconds: float) -> dict[str, Any]:
        if child.stdout is None:
            raise AssertionError("it is a pipe")
        descriptor = child.stdout.fileno()
        deadline = time.monotonic() + seconds
        while b"\n" not in self._buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([descriptor], [], [], left)[0]:
                child.kill()
                raise LaneError(f"no answer within {seconds:.0f} s")
            part = os.read(descriptor, 1 << 20)
            if not part:
                raise LaneError(f"its process ended with {child.wait()}; see above for what it said")
            self._buffer += part
        line, _, self._buffer = self._buffer.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        return answer


def main(name: str) -> None:
    """The child."""
    # What a contestant prints must not get between our answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    contestant = peers.find(name)
    with ExitStack() as stack:
        try:
            call = contestant.open(stack)
        except peers.MissingError as error:
            _say(answers, {"missing": str(error)})
            return
        _warm_up(call)
        _say(answers, {"facts": dict(contestant.facts())})
        for line in sys.stdin:
            request = json.loads(line)
            if request["do"] == "slice":
                _say(answers, {"ns": _slice(call, request["seconds"])})
            elif request["do"] == "rate":
                _say(answers, _rate(call, request["seconds"], request["threads"]))
            elif contestant.acall is not None:
                _say(answers, asyncio.run(_async_rate(contestant.acall, request["seconds"], request["tasks"])))
            else:
                raise LaneError(f"{name} cannot be used in an event loop")


def _say(answers: TextIO, answer: dict[str, object]) -> None:
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


def _warm_up(call: peers.Call) -> None:
    end = time.monotonic() + WARM_UP_S
    for _ in range(WARM_UP_CALLS_MAX):
        _check(call())
        if time.monotonic() > end:
            return


def _slice(call: peers.Call, seconds: float) -> list[int]:
    durations: list[int] = []
    clock = time.perf_counter_ns
    end = clock() + int(seconds * 1e9)
    began = clock()
    while not durations or began < end:
        value = call()
        ended = clock()
        durations.append(ended - began)
        _check(value)
        began = clock()
    return durations


def _rate(call: peers.Call, seconds: float, threads: int) -> dict[str, object]:
    began = time.perf_counter()
    end = began + seconds

    def work(_: int) -> int:
        calls = 0
        while time.perf_counter() < end:
            _check(call())
            calls += 1
        return calls

    with ThreadPoolExecutor(threads) as pool:
        calls = sum(pool.map(work, range(threads)))
    return {"calls": calls, "seconds": time.perf_counter() - began}


async def _async_rate(acall: peers.AsyncCall, seconds: float, tasks: int) -> dict[str, object]:
    began = time.perf_counter()
    end = began + seconds

    async def work() -> int:
        calls = 0
        while time.perf_counter() < end:
            _check(await acall())
            calls += 1
        return calls

    calls = sum(await asyncio.gather(*(work() for _ in range(tasks))))
    return {"calls": calls, "seconds": time.perf_counter() - began}


def _check(value: object) -> None:
    """A contestant that computes something else is not measured."""
    if value != peers.EXPECTED:
        raise LaneError(f"returned {value!r} instead of {peers.EXPECTED!r}")


if __name__ == "__main__":
    main(sys.argv[1])
