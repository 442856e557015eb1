"""The example of the contract, word for word, as somebody's script."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

EXAMPLE = '''\
import hks_sdk
result = hks_sdk.functions.execute(
    code="""
    def handler(event):
        return {"result": event["input"] * 2}
    """,
    input={"input": 21},
    timeout=30,
)
print(result["result"])
'''


def test_the_example_prints_42_and_nothing_else(compiled: None, tmp_path: Path) -> None:
    script = tmp_path / "example.py"
    script.write_text(EXAMPLE)
    command = [sys.executable, "-W", "error", str(script)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "42\n", "")
