"""Source becomes code, and code that was kept is as good as the source."""

import linecache
import warnings

import pytest

from hks_guest import source
from hks_guest.source import ForeignCodeError


def test_code_survives() -> None:
    namespace: dict = {}
    exec(source.load(source.dump("\ufeffx = [1, frozenset({2})]")), namespace)
    assert namespace["x"] == [1, {2}]


def test_warnings_of_the_compiler_are_given_again() -> None:
    text = "x = 1\ny = 1 is 1\n"
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        data = source.dump(text)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        source.compiled(text)
        source.load(data)
    compiled, loaded = [(str(w.message), w.category, w.filename, w.lineno) for w in caught]
    assert compiled == loaded
    assert compiled[2:] == (source.FILENAME, 2)


def _damaged() -> list[bytes]:
    good = source.dump("def f(): return 'a' * 3")
    header = good[:8]
    return [
        b"",
        b"nonsense",
        b"hks1" + b"\0" * 40,
        header,
        good[:-9],
        header + b"N",
        header + b"(",
        header + b"\xff" * 9,
    ]


@pytest.mark.parametrize("data", _damaged())
def test_foreign_and_damaged_code_is_refused(data: bytes) -> None:
    with pytest.raises(ForeignCodeError):
        source.load(data)


def test_lines_are_split_when_they_are_asked_for() -> None:
    source.show("a\nb\n")
    assert type(linecache.cache[source.FILENAME]) is source.Lines
    linecache.checkcache(source.FILENAME)
    assert linecache.getline(source.FILENAME, 2) == "b\n"
    assert type(linecache.cache[source.FILENAME]) is tuple
    source.show("c")
    assert linecache.getlines(source.FILENAME) == ["c"]
