"""Runs a handler under a chosen metering, which the SDK does not offer: by `runtime/examples/cpu.rs`."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Union

from machine import ROOT

# All of the workspace, so that Cargo compiles Wasmtime with the same features, and not twice.
BUILD = ("build", "--release", "--locked", "--workspace", "--examples", "--message-format=json-render-diagnostics")
BUILD_S_MAX = 1200
RUN_S_MAX = 300
"""The first run with a metering compiles the interpreter for it."""


class MeterError(Exception):
    """It could not be built or run. The message says why."""


@dataclass(frozen=True)
class Meter:
    """The built example."""

    program: str

    def run(self, metering: str, file: Path, runs: int) -> list[dict[str, Any]]:
        """The reports of so many runs: `wall_ms`, `fuel`, `value`."""
        command = [self.program, metering, "python", str(file), str(runs)]
        try:
            done = subprocess.run(command, stdout=subprocess.PIPE, check=True, close_fds=False, timeout=RUN_S_MAX)
        except subprocess.SubprocessError as error:
            raise MeterError(f"`cpu {metering}` failed: {error}") from error
        reports: list[dict[str, Any]] = json.loads(done.stdout)
        return reports


def build() -> Union[Meter, str]:
    """The example, built if need be; or why that cannot be."""
    cargo = shutil.which("cargo")
    if cargo is None:
        return "cargo is not on the PATH, and other meterings need a program of the workspace"
    try:
        done = subprocess.run([cargo, *BUILD], cwd=ROOT, stdout=subprocess.PIPE, text=True, timeout=BUILD_S_MAX)
    except subprocess.TimeoutExpired:
        return f"`cargo build` did not end within {BUILD_S_MAX} s"
    if done.returncode != 0:
        return "`cargo build --release --workspace --examples` failed; its messages are above"
    messages = (json.loads(line) for line in done.stdout.splitlines() if line.startswith("{"))
    programs = (message.get("executable") for message in messages if message.get("target", {}).get("name") == "cpu")
    return next((Meter(program) for program in programs if program), "Cargo built no example called cpu")
