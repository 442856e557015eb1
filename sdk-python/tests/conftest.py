"""Fixtures. Tests in `pure/` run against a fake native module; all others need the installed wheel and never skip."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from fake_native import FakeRuntime, embedded
from hks_sdk import _embedded

COMPILE_S_MAX = 600


@pytest.fixture(autouse=True)
def local(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test depends on where its caller executes."""
    monkeypatch.delenv("HKS_API_URL", raising=False)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeRuntime:
    """A fake runtime in place of the real one."""
    runtime = FakeRuntime()
    monkeypatch.setattr(_embedded, "PROCESS", embedded(runtime, tmp_path))
    return runtime


@pytest.fixture(scope="session")
def compiled() -> None:
    """Both guests are in the cache folder, so that no test waits for a compiler."""
    for language, code in (("python", "def handler(e): return e"), ("javascript", "exports.handler = e => e")):
        program = f"import hks_sdk; hks_sdk.functions.execute({code!r}, language={language!r}).raise_for_error()"
        subprocess.run([sys.executable, "-c", program], check=True, timeout=COMPILE_S_MAX)
