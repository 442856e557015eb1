"""A native module made of Python, for tests of everything around the real one."""

from __future__ import annotations

import json
import os
import threading
import time
from collections import deque
from pathlib import Path
from typing import Any, Callable, Iterable, Optional

from hks_sdk._embedded import Embedded
from hks_sdk._request import Options
from hks_sdk.errors import InfrastructureError, InvalidArgumentError

SNAPSHOT = b"HKSSNAP1 of a fake"

REPORT: dict[str, Any] = {
    "execution_id": "exe_01jd7c2m4x8v9y0z1a2b3c4d5e",
    "function": "execute",
    "version": "0",
    "status": "succeeded",
    "outcome": "succeeded",
    "value": None,
    "results": [],
    "logs": {"stdout": [], "stderr": []},
    "truncated": False,
    "error": None,
    "artifacts": [],
    "usage": {
        "fuel": 123,
        "cpu_ms": 0.5,
        "wall_ms": 1.25,
        "memory_peak_bytes": 1 << 20,
        "egress_bytes": 0,
        "start_us": 300,
    },
    "limits": {
        "memory_mb": 128,
        "timeout_s": 30.0,
        "fuel": 3_000_000_000_000,
        "output_bytes": 1 << 20,
        "log_bytes": 1 << 20,
        "tmp_bytes": 64 << 20,
    },
    "trigger": "api",
    "attempt": 1,
    "created_at": "2026-11-21T09:41:36.123456789Z",
    "started_at": "2026-11-21T09:41:36.2Z",
    "finished_at": "2026-11-21T09:41:37Z",
    "trace_id": None,
}


def report_json(**fields: Any) -> str:
    """A report that succeeded, with `fields` changed."""
    return json.dumps({**REPORT, **fields})


def failed_json(name: str = "ValueError", value: str = "boom", traceback: str = "", **fields: Any) -> str:
    """A report of a function that raised."""
    error = {"name": name, "value": value, "traceback": traceback}
    return report_json(**{"status": "failed", "outcome": "failed", "error": error, **fields})


class FakeExecution:
    """Hands out `events`; with `endless` it never ends before it is canceled."""

    def __init__(self, events: Iterable[tuple[str, str]], wake: Optional[Callable[[], object]], endless: bool) -> None:
        self.execution_id = REPORT["execution_id"]
        self.canceled = threading.Event()
        self.waits: list[float] = []
        self._events = deque(events)
        self._wake = wake
        self._endless = endless

    def cancel(self) -> None:
        if not self.canceled.is_set():
            self.canceled.set()
            self._events.append(("report", report_json(status="canceled", outcome="canceled")))
            if self._wake is not None:
                self._wake()

    def next(self, timeout_s: float) -> Optional[tuple[str, str]]:
        self.waits.append(timeout_s)
        if not self._events:
            if timeout_s:
                self.canceled.wait(timeout_s)
            return None
        return self._events.popleft()


class FakeRuntime:
    """Answers every call with the same events and remembers what it was asked."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str]] = [("report", report_json(value=42))]
        self.endless = False
        self.starts: list[dict[str, Any]] = []
        self.executions: list[FakeExecution] = []
        self.compiled = True
        self.prepare: Callable[[str], None] = lambda language: None
        self.loads: list[dict[str, Any]] = []
        self.loaded: tuple[str, Optional[FakeFunction]] = (report_json(), FakeFunction(self))

    def is_compiled(self, language: str) -> bool:
        return self.compiled

    def is_unset(self, variable: str) -> bool:
        return not os.environ.get(variable)

    def execute(self, language: str, code: str, input: str, options: Options) -> tuple[str, Optional[str]]:
        self.starts.append({"language": language, "code": code, "input": input, "stream": False, **options._asdict()})
        report = self.events[-1][1]
        return report, json.dumps(json.loads(report)["value"])

    def start(
        self,
        language: str,
        code: str,
        input: str,
        options: Options,
        stream: bool,
        wake: Optional[Callable[[], object]],
    ) -> FakeExecution:
        self.starts.append({"language": language, "code": code, "input": input, "stream": stream, **options._asdict()})
        execution = FakeExecution([] if self.endless else self.events, wake, self.endless)
        self.executions.append(execution)
        if wake is not None and not self.endless:
            threading.Thread(target=wake).start()
        return execution

    def load(
        self,
        language: str,
        code: str,
        packages_dir: Optional[str],
        options: Options,
        canceled: Optional[Callable[[], bool]],
    ) -> tuple[str, Optional[FakeFunction]]:
        self.loads.append({"language": language, "code": code, "packages": packages_dir, **options._asdict()})
        while self.endless:
            time.sleep(0.001)
            if canceled is not None and canceled():
                self.loads[-1]["canceled"] = True
                raise InfrastructureError("the runtime stopped")
        return self.loaded

    def resume(self, language: str, snapshot: bytes, packages_dir: Optional[str]) -> FakeFunction:
        self.loads.append({"language": language, "snapshot": snapshot, "packages": packages_dir})
        if snapshot != SNAPSHOT:
            raise InvalidArgumentError("the snapshot cannot be used: it is damaged")
        return FakeFunction(self)


class FakeFunction:
    """A function of a fake runtime, which remembers its calls like others, without language and code."""

    def __init__(self, runtime: FakeRuntime, refusal: Optional[str] = None) -> None:
        self.refusal = refusal
        self.snapshot_bytes = None if refusal else len(SNAPSHOT)
        self._runtime = runtime

    def save(self) -> Optional[bytes]:
        return None if self.refusal else SNAPSHOT

    def execute(self, input: str, options: Options) -> tuple[str, Optional[str]]:
        return self._runtime.execute("", "", input, options)

    def start(self, input: str, options: Options, stream: bool, wake: Optional[Callable[[], object]]) -> FakeExecution:
        return self._runtime.start("", "", input, options, stream, wake)


def embedded(runtime: FakeRuntime, guests: Path) -> Embedded:
    """The package's own process state around a fake runtime, with empty guests in `guests`."""
    for language in ("python", "javascript"):
        (guests / f"{language}.wasm").touch()
    return Embedded(lambda folder: runtime, guests)  # type: ignore[arg-type, return-value]
