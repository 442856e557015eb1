"""How results look on a terminal and in a notebook.

The text and the documents in a result come from a function that nobody trusts. On a terminal, controls are made
visible. In a notebook, text is escaped, documents go into an `iframe` whose sandbox grants nothing (no scripts, no
forms, no requests), SVG is shown as an image, in which browsers run no script, and what can only work
by running in the page (`javascript`) or may carry markup there (`markdown`, `latex`) is shown as text. Everything is
clipped: a display is not a dump, and the fields of the result hold all of it.
"""

from __future__ import annotations

import base64
import binascii
import html
from typing import TYPE_CHECKING, Any, Optional

from hks_sdk._escapes import clip, neutralise

if TYPE_CHECKING:
    from hks_sdk._parts import RichResult
    from hks_sdk._result import ExecutionResult

VALUE_CHARS_MAX = 600
LINES_MAX = 10
LINE_CHARS_MAX = 200
SECTION_CHARS_MAX = 20_000
RICH_RESULTS_MAX = 20
RICH_CHARS_MAX = 4 << 20

# The frame may draw what it brings along, and fetch nothing: else a picture's address would carry data out.
_FRAME_POLICY = (
    '<!doctype html><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" '
    "content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'; font-src data:\">"
)
_PRE = '<pre style="white-space:pre-wrap;margin:0">'


def text_of(result: ExecutionResult) -> str:
    """One line if it succeeded silently, otherwise that line and what it printed or how it failed."""
    from hks_sdk._result import repr_value

    took = f"{result.usage.wall_ms:.1f} ms"
    if result.ok:
        shown = clip(repr_value(result.value), VALUE_CHARS_MAX)
        lines = [f"ExecutionResult({result.execution_id}, succeeded in {took}, value={shown}"]
    else:
        lines = [f"ExecutionResult({result.execution_id}, {result.status} ({result.outcome}) after {took}"]
    lines = [neutralise(lines[0]).replace("\n", "\\n")]
    if result.error is not None:
        failure = result.error
        lines += _section("error", (failure.traceback.rstrip() or f"{failure.name}: {failure.value}").split("\n"))
    lines += _section("stdout", result.logs.stdout)
    lines += _section("stderr", result.logs.stderr)
    if result.results:
        lines.append(f"  results: {', '.join('+'.join(rich.formats()) for rich in result.results[:LINES_MAX])}")
    if result.truncated:
        lines.append("  truncated: some log lines or results were dropped at a limit")
    return neutralise("\n".join(lines)) + ")"


def _section(name: str, lines: list[str]) -> list[str]:
    """A heading and the last lines, which say most about an end."""
    if not lines:
        return []
    left_out = len(lines) - LINES_MAX
    heading = f"  {name}:" if left_out <= 0 else f"  {name} (the last {LINES_MAX} of {len(lines)} lines):"
    return [heading, *(f"    {clip(line, LINE_CHARS_MAX)}" for line in lines[-LINES_MAX:])]


def html_of(result: ExecutionResult) -> str:
    """The result as a table for notebooks; nothing of the function's gets into the page unescaped."""
    from hks_sdk._result import repr_value

    took = f"{result.usage.wall_ms:.1f} ms"
    rows = [_row("execution", f"{result.execution_id}: {result.status} ({result.outcome}), {took}")]
    if result.ok:
        rows.append(_row("value", repr_value(result.value)))
    if result.error is not None:
        failure = result.error
        rows.append(_row("error", failure.traceback or f"{failure.name}: {failure.value}"))
    rows += [_row(name, "\n".join(lines)) for name, lines in vars(result.logs).items() if lines]
    rows += [_cell("result", rich_html(rich)) for rich in result.results[:RICH_RESULTS_MAX]]
    if result.truncated or len(result.results) > RICH_RESULTS_MAX:
        rows.append(_row("truncated", "not everything is shown here, or was dropped at a limit"))
    return f'<table style="text-align:left">{"".join(rows)}</table>'


def mime_bundle(rich: RichResult) -> dict[str, Any]:
    """What a notebook may show of one rich result: pictures and JSON as they are, documents as sandboxed HTML, else
    text.
    """
    bundle: dict[str, Any] = {"text/plain": neutralise(clip(_plain(rich), SECTION_CHARS_MAX))}
    if rich.html is not None or rich.svg is not None:
        bundle["text/html"] = rich_html(rich)
    for name in ("png", "jpeg"):
        data = _base64(getattr(rich, name))
        if data:
            bundle[f"image/{name}"] = data
    if isinstance(rich.json, (dict, list)) and _is_shallow(rich.json):
        bundle["application/json"] = rich.json
    return bundle


def rich_html(rich: RichResult) -> str:
    """The first format that can be shown safely, in the order in which notebooks prefer them."""
    if rich.html is not None and len(rich.html) <= RICH_CHARS_MAX:
        return (
            '<iframe sandbox="" referrerpolicy="no-referrer" style="width:100%;height:24em;border:1px solid #ccc" '
            f'srcdoc="{html.escape(_FRAME_POLICY + _storable(rich.html))}"></iframe>'
        )
    if rich.svg is not None and len(rich.svg) <= RICH_CHARS_MAX:
        data = base64.b64encode(_storable(rich.svg).encode()).decode("ascii")
        return f'<img style="max-width:100%" src="data:image/svg+xml;base64,{data}">'
    for name in ("png", "jpeg"):
        data = _base64(getattr(rich, name)) or ""
        if data:
            return f'<img style="max-width:100%" src="data:image/{name};base64,{data}">'
    return _pre(_plain(rich))


def _plain(rich: RichResult) -> str:
    from hks_sdk._json import encode_text

    for name in ("text", "markdown", "latex", "javascript"):
        text = getattr(rich, name)
        if text is not None:
            return str(text)
    if rich.json is not None:
        return encode_text(rich.json)
    return f"({', '.join(rich.formats()) or 'empty'})"


def _is_shallow(value: Any) -> bool:
    """Not nested deeper than whatever sends a bundle to the page can write."""
    from hks_sdk._json import INPUT_DEPTH_MAX, encode_text

    text = encode_text(value)
    return text.count("[") + text.count("{") <= INPUT_DEPTH_MAX


def _base64(text: Optional[str]) -> Optional[str]:
    """`text` without line breaks if it is base64 and of a size that a page can show."""
    if text is None or len(text) > RICH_CHARS_MAX:
        return None
    joined = "".join(text.split())
    try:
        base64.b64decode(joined, validate=True)
    except (binascii.Error, ValueError):
        return None
    return joined


def _storable(text: str) -> str:
    """Without lone surrogates, which a notebook file cannot hold."""
    return text.encode("utf-8", "replace").decode()


def _row(name: str, text: str) -> str:
    return _cell(name, _pre(text))


def _cell(name: str, content: str) -> str:
    return f'<tr><th style="vertical-align:top">{name}</th><td style="text-align:left">{content}</td></tr>'


def _pre(text: str) -> str:
    return f"{_PRE}{html.escape(neutralise(clip(text, SECTION_CHARS_MAX)))}</pre>"
