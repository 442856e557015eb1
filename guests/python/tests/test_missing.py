"""Missing modules are explained."""

import pytest

from hks_guest.missing import explain, is_unsupported


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
