"""The build backend makes sure of the guests before maturin packs them."""

from __future__ import annotations

import importlib.util
import os
import stat
from pathlib import Path
from typing import Any

import pytest

BACKEND = Path(__file__).resolve().parents[2] / "build_backend" / "hks_build.py"
XTASK = """#!/bin/sh
[ "$1 $2" = "xtask guests" ] || exit 9
env > "$PWD/environment"
%s
"""


@pytest.fixture
def backend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The backend in a workspace of its own, with a `cargo` that does nothing yet."""
    spec = importlib.util.spec_from_file_location("hks_build", BACKEND)
    assert spec is not None and spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.PROJECT = tmp_path / "sdk-python"
    module.GUESTS = tmp_path / "sdk-python" / "_guests"
    module.GUESTS.mkdir(parents=True)
    (tmp_path / "xtask").mkdir()
    (tmp_path / "xtask" / "Cargo.toml").touch()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    cargo(tmp_path, "exit 0")
    return module


def cargo(root: Path, script: str) -> None:
    path = root / "bin" / "cargo"
    path.parent.mkdir(exist_ok=True)
    path.write_text(XTASK % script)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def test_missing_guests_are_built(backend: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/of/the/build")
    monkeypatch.setenv("_PYPROJECT_HOOKS_BUILD_BACKEND", "hks_build")
    cargo(tmp_path, "touch sdk-python/_guests/python.wasm sdk-python/_guests/javascript.wasm")
    backend.ensure_guests()
    assert backend.missing_guests() == []
    environment = (tmp_path / "environment").read_text()
    assert "PYTHONPATH=" not in environment and "PYPROJECT_HOOKS" not in environment and "PATH=" in environment


def test_guests_that_exist_are_taken_as_they_are(backend: Any, tmp_path: Path) -> None:
    for name in backend.missing_guests():
        (backend.GUESTS / name).touch()
    cargo(tmp_path, "exit 1")
    backend.ensure_guests()


def test_a_failed_build_ends_with_its_exit_code(backend: Any, tmp_path: Path) -> None:
    cargo(tmp_path, "exit 101")
    with pytest.raises(SystemExit, match="`cargo xtask guests` failed with exit code 101"):
        backend.ensure_guests()


def test_a_build_that_forgets_a_guest_is_noticed(backend: Any, tmp_path: Path) -> None:
    cargo(tmp_path, "touch sdk-python/_guests/python.wasm")
    with pytest.raises(SystemExit, match="succeeded, but the guest javascript.wasm is still missing"):
        backend.ensure_guests()


def test_an_sdist_alone_says_what_it_lacks(backend: Any, tmp_path: Path) -> None:
    (tmp_path / "xtask" / "Cargo.toml").unlink()
    with pytest.raises(SystemExit, match="python.wasm and javascript.wasm are missing.*has no xtask.*Install a wheel"):
        backend.ensure_guests()
    with pytest.raises(SystemExit, match="Install a wheel"):
        backend.prepare_metadata_for_build_wheel(str(tmp_path))


def test_a_missing_toolchain_is_named(backend: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SystemExit, match="takes cargo: install a Rust toolchain"):
        backend.ensure_guests()


@pytest.mark.parametrize("build", ["build_wheel", "build_editable"])
def test_both_kinds_of_build_are_guarded(backend: Any, build: str, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    monkeypatch.setattr(backend, "ensure_guests", lambda: done.append("guests"))

    def built(*arguments: Any) -> str:
        done.append("maturin")
        return "x.whl"

    monkeypatch.setattr(backend.maturin, build, built)
    assert getattr(backend, build)("dist") == "x.whl"
    assert done == ["guests", "maturin"]
