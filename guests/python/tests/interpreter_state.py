"""Keeps what a run replaces in the interpreter that runs the tests."""

import contextlib
import sys


@contextlib.contextmanager
def streams_kept():
    """Puts this interpreter's own streams back afterwards."""
    names = ("stdin", "stdout", "stderr", "__stdin__", "__stdout__", "__stderr__")
    streams = {name: getattr(sys, name) for name in names}
    try:
        yield
    finally:
        for name, stream in streams.items():
            setattr(sys, name, stream)
