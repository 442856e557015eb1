"""The builtin `display`: rich results beside the value that the handler returns.

Follows Jupyter: an object says itself how it looks, by `_repr_mimebundle_` or `_repr_html_` and its like. The names of
the formats are those of E2B. The host bounds size and number; what it refuses is raised as a ValueError.
"""

import base64
import json
import sys
from collections.abc import Callable

from hks_guest.text import well_formed

# MIME type, name of the format, method of the object.
_FORMATS = (
    ("text/html", "html", "_repr_html_"),
    ("text/markdown", "markdown", "_repr_markdown_"),
    ("image/svg+xml", "svg", "_repr_svg_"),
    ("image/png", "png", "_repr_png_"),
    ("image/jpeg", "jpeg", "_repr_jpeg_"),
    ("application/pdf", "pdf", "_repr_pdf_"),
    ("text/latex", "latex", "_repr_latex_"),
    ("application/json", "json", "_repr_json_"),
    ("application/javascript", "javascript", "_repr_javascript_"),
)
_BY_MIME = {"text/plain": "text", "text/javascript": "javascript"} | {mime: name for mime, name, _ in _FORMATS}
_NAMES = frozenset(_BY_MIME.values())
_to_json = json.JSONEncoder(allow_nan=False).encode
_NOTHING = object()


class Display:
    """`display(obj)`, `display(html="<b>bold</b>")`, or both: formats that are named win over the object's own."""

    def __init__(self, publish: Callable[[str], None]) -> None:
        self._publish = publish

    def __call__(self, obj: object = _NOTHING, **formats: object) -> None:
        """Adds one rich result.

        Formats: text, html, markdown, svg, png, jpeg, pdf, latex, json, javascript. Bytes are sent in base64.
        """
        unknown = sorted(formats.keys() - _NAMES)
        if unknown:
            raise TypeError(f"display() knows no format {', '.join(unknown)}; it takes {', '.join(sorted(_NAMES))}")
        if obj is _NOTHING and not formats:
            raise TypeError("display() needs an object, or a format such as html=...")
        contents = {} if obj is _NOTHING else _formats_of(obj)
        contents |= formats
        self._send({name: _content(name, value) for name, value in contents.items()})

    def _send(self, contents: dict[str, object]) -> None:
        text = _to_json(contents)
        try:
            self._publish(text)
        except Exception as refusal:
            reason = getattr(refusal, "value", refusal)
        else:
            return
        raise ValueError(f"display: {reason}")

    def __repr__(self) -> str:
        return "<built-in function display>"


def _formats_of(obj: object) -> dict[str, object]:
    contents: dict[str, object] = {"text": _plain(obj)}
    # A class that is displayed has these methods, too, but for its instances.
    if isinstance(obj, type):
        return contents
    bundle = _ask(obj, "_repr_mimebundle_")
    if isinstance(bundle, dict):
        contents |= {_BY_MIME[mime]: content for mime, content in bundle.items() if mime in _BY_MIME}
    for _, name, method in _FORMATS:
        if name not in contents:
            content = _ask(obj, method)
            if content is not None:
                contents[name] = content
    return contents


def _ask(obj: object, method: str) -> object:
    """What the object's method returns; None if it has none, declines, or fails."""
    ask = getattr(obj, method, None)
    if not callable(ask):
        return None
    try:
        answer = ask()
    except NotImplementedError:
        return None
    except Exception as error:
        print(f"display: {type(obj).__name__}.{method} raised {type(error).__name__}: {error}", file=sys.stderr)
        return None
    # Jupyter allows (content, metadata); the metadata has no place here.
    return answer[0] if isinstance(answer, tuple) and len(answer) == 2 else answer


def _plain(obj: object) -> str:
    return obj if isinstance(obj, str) else repr(obj)


def _content(name: str, value: object) -> object:
    """As it goes into the JSON object: bytes in base64, `json` as it is, everything else as text."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return base64.b64encode(value).decode("ascii")
    if name == "json":
        return value
    return well_formed(str(value))
