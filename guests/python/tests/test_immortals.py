"""The list of the snapshot's objects, as far as it can be looked at where addresses have 64 bits.

Each check has an interpreter of its own: the walk follows whatever other tests and pytest itself keep alive.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from hks_guest import immortals

_SOURCES = Path(immortals.__file__).parent.parent
_EVERY_OBJECT_ONCE = """
found = immortals._reachable()
addresses = list(map(id, found))
assert len(set(addresses)) == len(addresses)
assert {id(sys.modules), id(sys), id(immortals._reachable), id(immortals._MARK)} <= set(addresses)
"""
_WHAT_THE_COLLECTOR_IS_NOT_TOLD_OF = """
code = immortals._reachable.__code__
known = set(map(id, immortals._reachable()))
assert {id(code.co_names), id(code.co_consts), id(code.co_linetable)} <= known
"""
_NOTHING_THAT_IS_RUNNING = """
frame = type(sys._getframe())
assert not any(type(value) is frame for value in immortals._reachable())
"""


@pytest.mark.parametrize("check", [_EVERY_OBJECT_ONCE, _WHAT_THE_COLLECTOR_IS_NOT_TOLD_OF, _NOTHING_THAT_IS_RUNNING])
def test_the_walk_finds(check: str) -> None:
    code = f"import sys\nsys.path.insert(0, {str(_SOURCES)!r})\nfrom hks_guest import immortals\n{check}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_the_mark_stands_in_capitals_only_before_the_list():
    assert immortals._MARK != immortals._MARK.upper()
