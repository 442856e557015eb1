"""Missing modules are explained."""

import importlib._bootstrap
import importlib.util
import traceback

import pytest

from hks_guest import missing
from hks_guest.missing import explain, is_unsupported


@pytest.fixture
def installed(monkeypatch):
    original = importlib._bootstrap._find_and_load_unlocked
    monkeypatch.setattr(importlib._bootstrap, "_find_and_load_unlocked", original)
    missing.install()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("numpy", "cannot run its native code"),
        ("PIL.Image", "cannot run its native code"),
        ("yaml", "declare it under `packages`"),
        ("requests", "there is no network"),
        ("ssl", "there is no network"),
        ("_ssl", "there is no network"),
        ("ctypes.util", "no native libraries"),
        ("compression.zstd", "Use zlib or gzip"),
        ("winreg", "made for another platform"),
        ("IPython", "display() is a builtin"),
        ("pip", "nothing can be installed at run time"),
    ],
)
def test_message_says_what_to_do(name: str, message: str) -> None:
    text = explain(name)
    assert text.startswith(f"No module named {name!r}: ")
    assert message in text


def test_unsupported_packages_include_their_modules() -> None:
    assert is_unsupported("ctypes.util")
    assert is_unsupported("dbm.gnu")
    assert not is_unsupported("dbm")
    assert not is_unsupported("compression.gzip")


def test_failed_imports_are_explained(installed) -> None:
    with pytest.raises(ModuleNotFoundError) as caught:
        import not_there  # noqa: F401
    error = caught.value
    assert (error.name, str(error), error.args) == ("not_there", explain("not_there"), (explain("not_there"),))
    assert len(traceback.extract_tb(error.__traceback__)) == 1


def test_absence_can_still_be_asked_for(installed) -> None:
    assert importlib.util.find_spec("not_there") is None


def test_errors_of_packages_keep_their_message(installed) -> None:
    with pytest.raises(ModuleNotFoundError, match=r"^No module named 'json.nothing'$"):
        import json.nothing  # noqa: F401
    with pytest.raises(ModuleNotFoundError, match="'sys' is not a package"):
        import sys.nothing  # noqa: F401
