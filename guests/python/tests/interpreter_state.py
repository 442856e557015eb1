"""Keeps what a run replaces in the interpreter that runs the tests."""

import contextlib
import sys

_NAMES = ("stdin", "stdout", "stderr", "__stdin__", "__stdout__", "__stderr__")


def _streams() -> dict[str, object]:
    return {name: getattr(sys, name) for name in _NAMES}


@contextlib.contextmanager
def streams_kept(inside: dict[str, object] | None = None):
    """Puts this interpreter's own streams back afterwards. Those in `inside` are there meanwhile, and those that were there
    at the end are in it then."""
    streams = _streams()
    try:
        for name, stream in (inside or {}).items():
            setattr(sys, name, stream)
        yield
    finally:
        if inside is not None:
            inside.update(_streams())
        for name, stream in streams.items():
            setattr(sys, name, stream)
