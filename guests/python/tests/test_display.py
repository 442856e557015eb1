"""`display` publishes what objects say about themselves."""

import json

import pytest

from hks_guest.display import Display


@pytest.fixture
def shown():
    published: list[str] = []
    display = Display(published.append)

    def show(*args: object, **formats: object) -> dict[str, object]:
        display(*args, **formats)
        return json.loads(published[-1])

    return show


class Rich:
    def _repr_html_(self) -> str:
        return "<b>rich</b>"

    def _repr_png_(self) -> bytes:
        return b"\x89PNG"

    def _repr_json_(self) -> dict:
        return {"a": 1}

    def _repr_markdown_(self) -> tuple:
        return "*rich*", {"metadata": True}

    def _repr_latex_(self) -> None:
        return None

    def _repr_svg_(self) -> str:
        raise ValueError("broken")

    def __repr__(self) -> str:
        return "Rich()"


class Bundle:
    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        return {"text/plain": "bundle", "image/jpeg": b"j", "application/vnd.other+json": {}}

    def _repr_html_(self) -> str:
        return "<i>"


def test_objects_show_their_formats(shown, capsys) -> None:
    assert shown(Rich()) == {
        "text": "Rich()",
        "html": "<b>rich</b>",
        "markdown": "*rich*",
        "png": "iVBORw==",
        "json": {"a": 1},
    }
    assert "Rich._repr_svg_ raised ValueError: broken" in capsys.readouterr().err


def test_bundles_come_first_and_unknown_types_are_left_out(shown) -> None:
    assert shown(Bundle()) == {"text": "bundle", "jpeg": "ag==", "html": "<i>"}


def test_plain_values_are_text(shown) -> None:
    assert shown([1]) == {"text": "[1]"}
    assert shown("text") == {"text": "text"}
    assert shown(None) == {"text": "None"}
    assert shown(Rich) == {"text": repr(Rich)}


def test_named_formats_win(shown) -> None:
    assert shown(Rich(), html="<u>")["html"] == "<u>"
    assert shown(html="<u>") == {"html": "<u>"}
    assert shown(png=b"\x00") == {"png": "AA=="}
    assert shown(json=[1, None]) == {"json": [1, None]}


def test_lone_surrogates_are_escaped(shown) -> None:
    assert shown("\ud800") == {"text": "\\ud800"}


def test_wrong_calls_are_explained(shown) -> None:
    with pytest.raises(TypeError, match="needs an object"):
        shown()
    with pytest.raises(TypeError, match="knows no format nope"):
        shown(nope=1)


def test_refusal_of_the_host_is_raised() -> None:
    class Err(Exception):
        value = "too large"

    def refuse(formats: str) -> None:
        raise Err

    with pytest.raises(ValueError, match="display: too large"):
        Display(refuse)("x")
