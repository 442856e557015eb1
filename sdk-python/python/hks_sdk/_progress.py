"""Shows that the first use of a language is at work, and how far it is.

Compiling an interpreter for this machine takes up to a minute, once for each machine and version. Silence for that
long looks like a hang. On a terminal and in a notebook there is a bar, anywhere else one line. Nothing here may fail
an execution: a closed or missing stderr is ignored.
"""

from __future__ import annotations

import math
import os
import sys
import time
from typing import Callable, Optional, TextIO

ESTIMATE_S = {"python": 15.0, "javascript": 2.0}
"""How long compiling takes on two cores; only for the bar."""

BAR_CELLS = 24
INTERVAL_S = 0.2
PATIENCE_S = 1.0
"""Loading a compiled guest takes milliseconds; whatever takes longer is explained."""


class Progress:
    """The bar of one preparation. `tick` may be called as often as one likes; it draws at most every `INTERVAL_S`."""

    def __init__(
        self,
        language: str,
        stream: Optional[TextIO] = None,
        clock: Callable[[], float] = time.monotonic,
        *,
        shown: bool = True,
    ) -> None:
        """`stream` is stderr unless given. Whoever joins a preparation that another one shows is not `shown`
        anything.
        """
        self._language = language
        self._estimate_s = ESTIMATE_S.get(language, 30.0)
        self._stream = (sys.stderr if stream is None else stream) if shown else None
        self._clock = clock
        self._started = clock()
        self._drawn = -math.inf
        self._begun = False
        self._live = _redraws(self._stream)

    def begin(self) -> None:
        """Says what is going on and why it takes long."""
        self._begun = True
        if self._live:
            self.tick()
            return
        self._write(
            f"hks: compiling {self._language} for this machine, once, about {self._estimate_s:.0f} s; "
            "later starts take milliseconds\n"
        )

    def tick(self) -> None:
        """Draws the bar anew if it is due. Begins by itself when what should have been quick was not."""
        now = self._clock()
        if not self._begun:
            if now - self._started >= PATIENCE_S:
                self.begin()
        elif self._live and now - self._drawn >= INTERVAL_S:
            self._drawn = now
            self._write("\r" + self._line(now - self._started)[: _width()])

    def end(self, done: bool) -> None:
        """Takes the bar away. `done` is false where the caller gave up or preparing failed."""
        if not (self._live and self._begun):
            return
        seconds = self._clock() - self._started
        end = f"compiled in {seconds:.0f} s" if done else f"stopped waiting after {seconds:.0f} s"
        width = _width()
        self._write(f"\r{f'hks: {self._language}: {end}'[:width]:<{width}}\n")

    def _line(self, elapsed_s: float) -> str:
        # 90 % at the estimate and never full, as nobody knows when it ends.
        filled = int(BAR_CELLS * (1 - math.exp(-2.3 * elapsed_s / self._estimate_s)))
        bar = "#" * filled + "-" * (BAR_CELLS - filled)
        return (
            f"hks: compiling {self._language} for this machine, once "
            f"[{bar}] {elapsed_s:.0f} of about {self._estimate_s:.0f} s"
        )

    def _write(self, text: str) -> None:
        if self._stream is None:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):  # closed, or its reader is gone
            self._stream = None


def _width() -> int:
    """One less than the terminal has, because some wrap in the last column."""
    import shutil

    return max(shutil.get_terminal_size((80, 24)).columns - 1, 20)


def _redraws(stream: Optional[TextIO]) -> bool:
    """Whether a carriage return brings the next text onto the same line."""
    if stream is None:
        return False
    if _in_notebook():
        return True
    try:
        return stream.isatty() and os.environ.get("TERM") != "dumb"
    except (AttributeError, ValueError):
        return False


def _in_notebook() -> bool:
    """Jupyter's kernel has loaded its shell into this process."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None and hasattr(ipython, "get_ipython") else None
    return type(shell).__name__ == "ZMQInteractiveShell"
