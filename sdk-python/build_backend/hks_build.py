"""PEP 517 build backend: maturin, after it is sure that the guests are there.

A wheel carries the interpreter guests (`_guests/*.wasm`) beside the native module. They are built, never committed,
so that `pip install ./sdk-python` in a fresh clone has to build them first: that is `cargo xtask guests` in the root
of the workspace. Guests that exist are taken as they are; whether they are current is the business of xtask, which
works by content hash.

Everything else is maturin's, unchanged.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Optional

import maturin  # type: ignore[import-untyped]

PROJECT = Path(__file__).resolve().parent.parent
GUESTS = PROJECT / "python" / "hks_sdk" / "_guests"
LANGUAGES = ("python", "javascript")

# What pip and others set for this build only. It would lead the Python tools that xtask runs into the build's
# environment.
_BUILD_ONLY = ("PYTHONPATH", "PYTHONNOUSERSITE", "PYTHONHOME", "PIP_BUILD_TRACKER", "PIP_REQ_TRACKER", "VIRTUAL_ENV")

get_requires_for_build_wheel = maturin.get_requires_for_build_wheel
get_requires_for_build_editable = maturin.get_requires_for_build_editable
get_requires_for_build_sdist = maturin.get_requires_for_build_sdist
build_sdist = maturin.build_sdist


def prepare_metadata_for_build_wheel(metadata_directory: str, config_settings: Optional[dict[str, Any]] = None) -> str:
    """The metadata; refused here already where the wheel could not be built."""
    refuse_lone_sdist()
    name: str = maturin.prepare_metadata_for_build_wheel(metadata_directory, config_settings)
    return name


prepare_metadata_for_build_editable = prepare_metadata_for_build_wheel


def build_wheel(
    wheel_directory: str,
    config_settings: Optional[dict[str, Any]] = None,
    metadata_directory: Optional[str] = None,
) -> str:
    """A wheel with the guests inside."""
    ensure_guests()
    name: str = maturin.build_wheel(wheel_directory, config_settings, metadata_directory)
    return name


def build_editable(
    wheel_directory: str,
    config_settings: Optional[dict[str, Any]] = None,
    metadata_directory: Optional[str] = None,
) -> str:
    """An editable install, which finds the guests in the source tree."""
    ensure_guests()
    name: str = maturin.build_editable(wheel_directory, config_settings, metadata_directory)
    return name


def ensure_guests() -> None:
    """Builds the guests if one is missing. Ends the build with a message that says what to do if that cannot be."""
    refuse_lone_sdist()
    missing = missing_guests()
    if not missing:
        return
    cargo = shutil.which("cargo")
    if cargo is None:
        raise SystemExit(f"hks-sdk: {names(missing)} missing, and building takes cargo: install a Rust toolchain.")
    print(f"hks-sdk: {names(missing)} missing; `cargo xtask guests` builds them in some minutes", file=sys.stderr)
    environment = {name: value for name, value in os.environ.items() if not is_build_only(name)}
    command = [cargo, "xtask", "guests"]
    done = subprocess.run(command, cwd=PROJECT.parent, env=environment, check=False, stdout=sys.stderr)
    if done.returncode != 0:
        raise SystemExit(f"hks-sdk: `cargo xtask guests` failed with exit code {done.returncode}; its output is above.")
    missing = missing_guests()
    if missing:
        raise SystemExit(f"hks-sdk: `cargo xtask guests` succeeded, but {names(missing)} still missing in {GUESTS}.")


def refuse_lone_sdist() -> None:
    """Ends the build where guests are missing and what builds them is, too."""
    missing = missing_guests()
    workspace = PROJECT.parent
    if missing and not (workspace / "xtask" / "Cargo.toml").is_file():
        raise SystemExit(
            f"hks-sdk: {names(missing)} missing, and guests can only be built in a clone of the whole source: "
            f"{workspace} has no xtask. Install a wheel, or clone the repository and run `pip install ./sdk-python` "
            "there (with pip 21.3 or newer, as older ones build in a copy of this folder)."
        )


def missing_guests() -> list[str]:
    """The file names of guests that are not there."""
    return [f"{language}.wasm" for language in LANGUAGES if not (GUESTS / f"{language}.wasm").is_file()]


def names(missing: list[str]) -> str:
    """For a sentence: `the guest python.wasm is`."""
    return f"the guest {missing[0]} is" if len(missing) == 1 else f"the guests {' and '.join(missing)} are"


def is_build_only(name: str) -> bool:
    """Whether an environment variable speaks of this build's own isolation."""
    return name in _BUILD_ONLY or name.startswith(("_PYPROJECT_HOOKS_", "PEP517_"))
