"""Makes text of a function safe to print: what a terminal would obey is shown instead.

Whoever runs foreign code looks at its output on a terminal, where escape sequences can rewrite the screen, set the
title or answer on the keyboard's behalf, and bidirectional controls can make text read as something else. Only what
is *displayed* is changed; the fields of a result hold the function's own text.
"""

from __future__ import annotations

import re

# C0 except tab and line feed, DEL, C1, line separators, bidirectional controls, annotation marks, lone surrogates.
# Joiners stay: scripts and emoji need them.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufff9-\ufffb\ud800-\udfff]"
)


def neutralise(text: str) -> str:
    """`text` with every control character but tab and line feed written as `\\x1b` or `\\u202e`."""
    return _UNSAFE.sub(_visible, text)


def clip(text: str, length_max: int) -> str:
    """`text`, or its beginning and how much is missing. Bounds what is displayed, never what is stored."""
    if len(text) <= length_max:
        return text
    return f"{text[:length_max]}… ({len(text) - length_max} more characters)"


def _visible(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
