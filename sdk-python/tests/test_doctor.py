"""`python -m hks_sdk doctor` on the real installation."""

from __future__ import annotations

import json
import subprocess
import sys


def doctor(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "hks_sdk", *arguments], capture_output=True, text=True, timeout=60)


def test_it_says_what_is_in_use() -> None:
    done = doctor("doctor", "-o", "json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert set(found["guests"]) == {"python", "javascript"}
    assert found["runtime"]["metering"] == "FuelAndEpoch"
    assert found["runtime"]["pagemap_scan"] or found["runtime"]["fallback"]


def test_people_get_lines() -> None:
    done = doctor("doctor")
    assert done.returncode == 0, done.stderr
    assert "python: " in done.stdout and "written pages" in done.stdout


def test_it_teaches() -> None:
    assert "doctor" in doctor("--help").stdout
    assert doctor().returncode == 2
