"""Turns Python source as it stands inside somebody's call into source that a compiler takes.

Agents and people write code blocks indented, inside a triple-quoted string. Lines are only ever shortened at their
beginning, never added or dropped, so that a traceback of the function names the lines that its author counted.
Nothing is parsed or compiled here: the text may be hostile, and the guest's Python is newer than the caller's.
"""

from __future__ import annotations

import re
from typing import Optional

# A line further down that begins at the margin.
_AT_MARGIN = re.compile(r"\n[^\s#]")
# The first line of code: neither blank nor a comment.
_FIRST_CODE = re.compile(r"^([ \t]*)[^\s#]", re.MULTILINE)
_INDENT = re.compile(r"\n([ \t]*)[^\s#]")
_COMMENT = re.compile(r"\s#.*$")


def dedent(code: str) -> str:
    """`code` with the indent of its first line of code taken from every line that has it.

    Unlike `textwrap.dedent` this also works where a multi-line string in the code has lines at the margin. Code that
    begins right behind the opening quotes has no indent on its first line; then the other lines are moved to where
    they fit.
    """
    if code.startswith("\ufeff"):
        code = code[1:]
    first = _FIRST_CODE.search(code)
    if first is None:
        return code
    indent = first.group(1)
    if indent:
        return _without(indent, code)
    if first.start() == 0 and not _AT_MARGIN.search(code):
        return _dedent_rest(code)
    return code


def _without(indent: str, code: str) -> str:
    return f"\n{code}".replace(f"\n{indent}", "\n")[1:]


def _dedent_rest(code: str) -> str:
    """Dedents all but the first line, unless they are the body of a block that the header in the first line opens."""
    header_end = _header_end(code)
    margin = _margin(code, 0)
    if header_end is not None:
        body = _INDENT.search(code, header_end)
        if body is None or body.group(1) == _margin(code, header_end):
            return code
    first, newline, rest = code.partition("\n")
    return first + newline + _without(margin, rest) if margin else code


def _header_end(code: str) -> Optional[int]:
    """Where the line ends that ends the header (`def …:`) which the first line begins; `None` if it begins none."""
    depth = 0
    start = 0
    while (end := code.find("\n", start)) >= 0:
        line = _COMMENT.sub("", code[start:end]).rstrip()
        depth += sum(map(line.count, "([{")) - sum(map(line.count, ")]}"))
        if depth <= 0:
            return end if line.endswith(":") else None
        start = end + 1
    return None


def _margin(code: str, start: int) -> str:
    """The longest indent that all lines of code after `start` share."""
    indents = _INDENT.findall(code, start)
    if not indents:
        return ""
    low, high = min(indents), max(indents)
    length = next((i for i, (a, b) in enumerate(zip(low, high)) if a != b), min(len(low), len(high)))
    return str(low[:length])
