"""Exceptions are described completely, briefly, and without trust."""

import time

from hks_guest.text import MAX_CHARS, bounded, well_formed


def test_chain_notes_and_groups_are_shown(run) -> None:
    code = (
        "def handler(event):\n"
        "    try:\n"
        "        {}['k']\n"
        "    except KeyError as error:\n"
        "        problem = ExceptionGroup('both', [ValueError('v'), TypeError('t')])\n"
        "        problem.add_note('look here')\n"
        "        raise problem from error\n"
    )
    _, (name, value, trace) = run(code)
    assert (name, value) == ("ExceptionGroup", "both (2 sub-exceptions)")
    for part in ("KeyError: 'k'", "direct cause", "ValueError: v", "TypeError: t", "look here"):
        assert part in trace


def test_str_that_raises_is_survived(run) -> None:
    _, failure = run("class E(Exception):\n  def __str__(self): raise RuntimeError\nraise E")
    assert failure[:2] == ("E", "<no message: str() of it raised RuntimeError>")


def test_hostile_classes_are_survived(run) -> None:
    code = (
        "class M(type):\n  def __getattribute__(cls, name): raise SystemError(name)\n"
        "  def __hash__(cls): raise SystemError\n  def __instancecheck__(cls, other): raise SystemError\n"
        "class E(Exception, metaclass=M): pass\nx = E()\ndef handler(event): raise E('message')"
    )
    assert run(code)[1][:2] == ("E", "message")


def test_text_subclasses_do_not_reach_the_border(run) -> None:
    code = (
        "class S(str):\n  def isascii(self): return True\n"
        "  def __len__(self): return 0\n  def encode(self, *a): return 1\n"
        "class E(Exception):\n  def __str__(self): return S('a\\ud800')\nraise E"
    )
    _, failure = run(code)
    assert failure[1] == "a\\ud800"
    assert all(type(part) is str for part in failure)


def test_lone_surrogates_are_escaped(run) -> None:
    _, failure = run("raise ValueError('a\\udcffb')")
    assert failure[1] == "a\\udcffb"
    assert all(part.encode("utf-8") for part in failure)


def test_long_messages_are_bounded(run) -> None:
    _, (_, value, trace) = run("raise ValueError('x' * 1_000_000)")
    assert len(value) < 20_000
    assert len(trace) < MAX_CHARS + 100


def test_deep_recursion_keeps_both_ends(run) -> None:
    code = "def f(n):\n    return g(n)\ndef g(n):\n    return f(n + 1)\ndef handler(event):\n    return f(0)\n"
    started = time.monotonic()
    _, (name, _, trace) = run(code)
    assert name == "RecursionError"
    assert "line 6, in handler" in trace
    assert "frames left out]" in trace
    assert trace.count("File") < 70
    assert time.monotonic() - started < 5


def test_folded_frames_say_what_was_cut(run) -> None:
    _, (_, _, trace) = run("def handler(event):\n    return handler(event)\n")
    assert "frames left out]\n  [Previous line repeated" in trace


def test_cyclic_causes_end(run) -> None:
    _, failure = run("a, b = ValueError('a'), ValueError('b')\na.__cause__ = b\nb.__cause__ = a\nraise a")
    assert failure[0] == "ValueError"


def test_library_frames_after_user_frames_are_kept(run) -> None:
    _, (_, _, trace) = run("import json\ndef handler(event):\n    return json.loads('{')\n")
    assert trace.index("<function>") < trace.index("decoder.py")


def test_bounded_keeps_head_and_tail() -> None:
    text = bounded("a" * 100 + "b" * 100, 20)
    assert text.startswith("a" * 10 + "\n... 180 characters left out ...\n")
    assert text.endswith("b" * 10)
    assert bounded("short", 20) == "short"


def test_well_formed_leaves_good_text_alone() -> None:
    assert well_formed("plain") == "plain"
    assert well_formed("é\U0001f600") == "é\U0001f600"
    assert well_formed("\ud83d") == "\\ud83d"
