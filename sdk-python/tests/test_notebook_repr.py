"""What a function printed or published cannot act on the terminal or in the notebook of whoever looks at it."""

from __future__ import annotations

import base64
import html
import html.parser
from typing import Any

import pytest

from fake_native import failed_json, report_json
from hks_sdk import ExecutionResult, RichResult
from hks_sdk.functions import execute

ATTACK = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)></iframe></pre>&lt;\x1b]0;title\x07\u202e\ud800"
# What our own markup is made of. Anything else got in from outside.
OWN_TAGS = {"table", "tr", "th", "td", "pre", "iframe", "img"}
OWN_ATTRIBUTES = {"style", "sandbox", "referrerpolicy", "srcdoc", "src"}


class Page(html.parser.HTMLParser):
    """Collects the tags of a page, and refuses any that is not ours."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in OWN_TAGS, tag
        assert {name for name, _ in attrs} <= OWN_ATTRIBUTES, attrs
        self.found.append((tag, dict(attrs)))

    def tags(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.found if tag == name]


def result(**fields: Any) -> ExecutionResult:
    return ExecutionResult(report_json(**fields))


def test_a_silent_success_is_one_line() -> None:
    got = repr(result(value={"result": 42}))
    assert got == "ExecutionResult(exe_01jd7c2m4x8v9y0z1a2b3c4d5e, succeeded in 1.2 ms, value={'result': 42})"


def test_logs_and_failures_are_shown_below() -> None:
    lines = [f"line {number}" for number in range(100)]
    traceback = 'Traceback (most recent call last):\n  File "handler.py", line 2\nValueError: boom\n'
    got = repr(ExecutionResult(failed_json(traceback=traceback, logs={"stdout": lines, "stderr": ["careful"]})))
    assert "failed (failed) after 1.2 ms" in got.splitlines()[0]
    assert '    File "handler.py", line 2' in got and "    ValueError: boom" in got
    assert "  stdout (the last 10 of 100 lines):" in got and "    line 99" in got and "line 89" not in got
    assert "  stderr:\n    careful" in got


def test_a_large_value_is_clipped() -> None:
    assert len(repr(result(value="x" * 1_000_000))) < 1000
    assert len(result(value=["x"] * 1_000_000)._repr_html_()) < 200_000


@pytest.mark.parametrize(
    "fields",
    [
        {"value": ATTACK},
        {"value": {ATTACK: [ATTACK]}},
        {"logs": {"stdout": [ATTACK], "stderr": [ATTACK]}},
        {"results": [{name: ATTACK} for name in RichResult.NAMES]},
        {"results": [{"png": 'aGk=" onerror="alert(1)'}, {"jpeg": "javascript:alert(1)"}]},
        {"results": [{name: {"x": ATTACK} for name in RichResult.NAMES}]},
        {"status": "failed", "error": {"name": ATTACK, "value": ATTACK, "traceback": ""}},
        {"status": "failed", "error": {"name": "E", "value": "", "traceback": ATTACK}},
    ],
)
def test_nothing_of_the_function_gets_into_the_page_or_acts_on_the_terminal(fields: dict[str, Any]) -> None:
    got = result(**fields)
    page = Page(got._repr_html_())
    for frame in page.tags("iframe"):
        assert frame["sandbox"] == ""
        assert (frame["srcdoc"] or "").startswith("<!doctype html>")
        assert "default-src 'none'" in (frame["srcdoc"] or "")
    for image in page.tags("img"):
        assert (image["src"] or "").startswith(("data:image/svg+xml;base64,", "data:image/png;base64,"))
    for rich in got.results:
        Page(rich._repr_mimebundle_().get("text/html", ""))
    documents = [frame["srcdoc"] or "" for frame in page.tags("iframe")]
    outside = got._repr_html_()
    for document in documents:
        outside = outside.replace(html.escape(document), "")
    for shown in (repr(got), outside):
        assert not set(shown) & {"\x1b", "\x07", "\u202e"}
        shown.encode()


def test_a_document_is_shown_in_a_frame_that_may_do_nothing() -> None:
    bundle = RichResult(html="<b>bold</b>", text="bold")._repr_mimebundle_()
    assert bundle["text/plain"] == "bold"
    (frame,) = Page(bundle["text/html"]).tags("iframe")
    assert frame["sandbox"] == "" and (frame["srcdoc"] or "").endswith("<b>bold</b>")


def test_a_drawing_is_shown_as_an_image() -> None:
    svg = "<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
    bundle = RichResult(svg=svg)._repr_mimebundle_()
    (image,) = Page(bundle["text/html"]).tags("img")
    assert base64.b64decode((image["src"] or "").partition(",")[2]).decode() == svg
    assert "image/svg+xml" not in bundle


def test_pictures_and_json_are_passed_on() -> None:
    bundle = RichResult(png="aG\nk=", jpeg="not base64!", json={"a": 1})._repr_mimebundle_()
    assert bundle == {"text/plain": '{"a": 1}', "image/png": "aGk=", "application/json": {"a": 1}}


def test_scripts_and_markup_are_shown_as_text_only() -> None:
    for name in ("javascript", "markdown", "latex"):
        assert RichResult(**{name: "x"})._repr_mimebundle_() == {"text/plain": "x"}  # type: ignore[arg-type]
    assert RichResult(pdf="aGk=")._repr_mimebundle_() == {"text/plain": "(pdf)"}
    deep: Any = []
    for _ in range(300):
        deep = [deep]
    assert set(RichResult(json=deep)._repr_mimebundle_()) == {"text/plain"}


def test_a_real_result_is_safe_to_show(compiled: None) -> None:
    code = f"""
    def handler(event):
        print({ATTACK[:-1]!r})
        return {ATTACK[:-1]!r}
    """
    got = execute(code).raise_for_error()
    assert got.value == ATTACK[:-1]
    Page(got._repr_html_())
    assert "\x1b" not in repr(got)
