"""The folder of packages that a function is loaded with.

The runtime reads it when the function is loaded, and leaves native modules out: many packages do without theirs, and
those that cannot say so themselves, in words that do not help. Here they are named.
"""

from __future__ import annotations

import os
from typing import Any, Iterator, Optional

from hks_sdk._escapes import clip
from hks_sdk._request import kind, shown
from hks_sdk.errors import FunctionError, InvalidArgumentError

NATIVE = (".so", ".pyd")
IMPORT_ERRORS = ("ImportError", "ModuleNotFoundError")


def check_packages(packages: Any, language: str) -> Optional[str]:
    """The folder as the runtime wants it. Raises `InvalidArgumentError`."""
    if packages is None:
        return None
    try:
        folder = os.fspath(packages)
    except TypeError:
        folder = None
    if not isinstance(folder, str):
        raise InvalidArgumentError(f"packages: must be a folder as str or os.PathLike, not {kind(packages)}")
    if language != "python":
        raise InvalidArgumentError(f"packages: are for Python functions; bundle those of {language} into the code")
    if not os.path.isdir(folder):
        raise InvalidArgumentError(
            f"packages: {shown(folder)} is not a folder; make it with `pip install --target FOLDER PACKAGE…`"
        )
    return os.path.abspath(folder)


def explain(folder: str, error: FunctionError) -> Optional[InvalidArgumentError]:
    """What to say where a top level failed for want of a native module; `None` if that was not the reason."""
    if error.name not in IMPORT_ERRORS:
        return None
    modules = sorted(_native_modules(folder))
    if not modules:
        return None
    text = f"{error.message}\n{error.traceback}"
    # That of the package which is spoken of, rather than one that did without.
    module = next((path for path in modules if path.replace(os.sep, ".").split(".")[0] in text), modules[0])
    return InvalidArgumentError(
        f"packages: {shown(module)} is a native module, which the sandbox cannot run, and the code cannot be loaded "
        f"without it ({error.name}: {clip(error.message, 200)}); take a package that is pure Python, or the container "
        "runtime, once it is there"
    )


def _native_modules(folder: str) -> Iterator[str]:
    for path, _, names in os.walk(folder):
        for name in names:
            if name.endswith(NATIVE):
                yield os.path.relpath(os.path.join(path, name), folder)
