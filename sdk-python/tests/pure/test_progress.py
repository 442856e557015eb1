"""The bar moves, fits its terminal, and never fails an execution."""

from __future__ import annotations

import io
import sys
from types import SimpleNamespace

import pytest

from hks_sdk._progress import ESTIMATE_S, Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")


def test_the_bar_moves_and_is_never_full() -> None:
    clock, terminal = Clock(), Terminal()
    progress = Progress("python", terminal, clock)
    progress.begin()
    for seconds in (5, ESTIMATE_S["python"], 500):
        clock.now = 100 + seconds
        progress.tick()
    bars = [line.count("#") for line in terminal.getvalue().split("\r")[1:]]
    assert bars == sorted(bars) and bars[0] == 0 and bars[2] == 21 and bars[3] <= 24
    assert "[----" in terminal.getvalue() and "15 of about 15 s" in terminal.getvalue()


def test_the_end_takes_the_bar_away() -> None:
    clock, terminal = Clock(), Terminal()
    progress = Progress("python", terminal, clock)
    progress.begin()
    clock.now += 23
    progress.end(True)
    assert terminal.getvalue().split("\r")[-1].rstrip() == "hks: python: compiled in 23 s"
    assert terminal.getvalue().endswith("\n")


def test_giving_up_is_not_called_done() -> None:
    terminal = Terminal()
    progress = Progress("python", terminal)
    progress.begin()
    progress.end(False)
    assert "stopped waiting" in terminal.getvalue()


def test_ticks_are_drawn_only_so_often() -> None:
    clock, terminal = Clock(), Terminal()
    progress = Progress("python", terminal, clock)
    progress.begin()
    for _ in range(100):
        progress.tick()
    assert terminal.getvalue().count("\r") == 1


def test_lines_fit_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    terminal = Terminal()
    progress = Progress("javascript", terminal)
    progress.begin()
    progress.end(True)
    assert all(len(line) < 40 for line in terminal.getvalue().replace("\n", "\r").split("\r"))


def test_without_a_terminal_there_is_one_line() -> None:
    clock, stream = Clock(), io.StringIO()
    progress = Progress("javascript", stream, clock)
    progress.begin()
    for _ in range(50):
        clock.now += 1
        progress.tick()
    progress.end(True)
    assert stream.getvalue().count("\n") == 1 and "\r" not in stream.getvalue()


def test_a_dumb_terminal_gets_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    terminal = Terminal()
    Progress("python", terminal).begin()
    assert "\r" not in terminal.getvalue()


def test_a_notebook_gets_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    shell = type("ZMQInteractiveShell", (), {})()
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    stream = io.StringIO()
    Progress("python", stream).begin()
    assert stream.getvalue().startswith("\r")


def test_what_should_be_quick_is_explained_only_when_it_is_not() -> None:
    clock, stream = Clock(), io.StringIO()
    progress = Progress("python", stream, clock)
    progress.tick()
    progress.end(True)
    assert stream.getvalue() == ""
    clock.now += 2
    progress.tick()
    assert "compiling python" in stream.getvalue()


def test_who_joins_is_shown_nothing() -> None:
    terminal = Terminal()
    progress = Progress("python", terminal, shown=False)
    progress.begin()
    progress.end(True)
    assert terminal.getvalue() == ""


def test_a_closed_or_missing_stderr_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.StringIO()
    progress = Progress("python", closed)
    closed.close()
    progress.begin()
    progress.end(True)
    monkeypatch.setattr(sys, "stderr", None)
    Progress("python").begin()
    Progress("python", closed).begin()
