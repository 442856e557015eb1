"""Code as people and agents indent it."""

from __future__ import annotations

import pytest

from hks_sdk._source import dedent

UNCHANGED = {
    "at the margin": "def handler(event):\n    return 1\n",
    "after a blank line": "\ndef handler(event):\n    return 1\n    ",
    "a one-liner": "def handler(event): return 1",
    "a body that begins on the first line": "def handler(event):\n        return 1\n    ",
    "a header over several lines": "def handler(\n    event,\n    context):\n    return 1",
    "a header with a comment": "def handler(event):  # double\n    return event * 2",
    "a header with a default": "def handler(event={}):\n    x = [\n        1,\n    ]\n    return x",
    "a comment at the margin inside the body": "def handler(event):\n# note\n    return 1",
    "nothing": "",
    "blank": "  \n ",
    "comments only": "  # a\n  # b",
    "no newline": "x = 1",
    "an open header": "def handler(",
}


@pytest.mark.parametrize("code", UNCHANGED.values(), ids=UNCHANGED.keys())
def test_code_that_needs_nothing_stays_as_it_is(code: str) -> None:
    assert dedent(code) == code


CHANGED = {
    "a block inside a call": (
        "\n    def handler(event):\n        return 1\n    ",
        "\ndef handler(event):\n    return 1\n",
    ),
    "tabs": ("\n\tdef handler(event):\n\t\treturn 1\n\t", "\ndef handler(event):\n\treturn 1\n"),
    "windows line ends": ("\r\n    def handler(e):\r\n        return 1\r\n", "\r\ndef handler(e):\r\n    return 1\r\n"),
    "a string with lines at the margin": (
        '\n    def handler(event):\n        return """\nSELECT 1\n"""\n',
        '\ndef handler(event):\n    return """\nSELECT 1\n"""\n',
    ),
    "a comment deeper than the code": ("      # note\n    x = 1\n", "  # note\nx = 1\n"),
    "a comment shallower than the code": ("  # note\n    x = 1\n", "  # note\nx = 1\n"),
    "the first line only": ("    x = 1\ny = 2\n", "x = 1\ny = 2\n"),
    "a first line without indent": (
        "import json\n    def handler(event):\n        return 1\n    ",
        "import json\ndef handler(event):\n    return 1\n",
    ),
    "a first block without indent and a second with": (
        "def double(x):\n        return x * 2\n    def handler(event):\n        return double(event)",
        "def double(x):\n    return x * 2\ndef handler(event):\n    return double(event)",
    ),
    "a header over several lines, and a second block": (
        "def f(\n            x):\n        return x\n    def handler(event):\n        return f(event)",
        "def f(\n        x):\n    return x\ndef handler(event):\n    return f(event)",
    ),
    "a one-line block without indent": (
        "def f(x): return x\n    def handler(event):\n        return f(event)",
        "def f(x): return x\ndef handler(event):\n    return f(event)",
    ),
    "a decorator without indent": (
        "@d\n    def handler(event):\n        return 1",
        "@d\ndef handler(event):\n    return 1",
    ),
    "a comment that looks like a header": ("# note:\n    x = 1", "# note:\nx = 1"),
    "a byte order mark": ("\ufeffx = 1", "x = 1"),
}


@pytest.mark.parametrize(("code", "expected"), CHANGED.values(), ids=CHANGED.keys())
def test_indented_code_is_moved_to_the_margin(code: str, expected: str) -> None:
    assert dedent(code) == expected


@pytest.mark.parametrize("code", [*UNCHANGED.values(), *(code for code, _ in CHANGED.values())])
def test_lines_keep_their_numbers(code: str) -> None:
    assert dedent(code).count("\n") == code.count("\n")


@pytest.mark.parametrize("expected", [expected for _, expected in CHANGED.values()])
def test_what_comes_out_compiles(expected: str) -> None:
    compile(expected, "<code>", "exec")
