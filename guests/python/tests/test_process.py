"""What a program finds around it."""

import os

import pytest

from hks_guest import process


def own() -> dict[str, str]:
    """The variables without that of pytest."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}


@pytest.fixture
def environ(monkeypatch, kept):
    """`os.environ` as the build leaves it."""
    monkeypatch.setattr(os, "environ", os.environ)
    process.stand_in_environment()
    yield
    process._stand_in.clear()


def test_variables_of_the_start_are_taken_from_the_stand_in(environ) -> None:
    os.environ["HKS_EXECUTION_ID"] = "exe_1"
    os.environ["TZ"] = "Europe/Berlin"
    asked = []
    variables = process.Variables(lambda: asked.append(1) or [("HKS_EXECUTION_ID", "exe_2"), ("LEFT", "ü")])
    variables.apply()
    assert os.environ is process._environ and asked == []
    assert own() == {"HKS_EXECUTION_ID": "exe_1", "TZ": "Europe/Berlin"}
    assert os.environb[b"HKS_EXECUTION_ID"] == b"exe_1"
    os.environ["OWN"] = "kept"
    variables.apply()
    assert own() == {"HKS_EXECUTION_ID": "exe_2", "LEFT": "ü", "OWN": "kept"}


def test_a_host_that_names_nothing_at_the_start_is_asked(environ) -> None:
    # pytest has put a variable of its own there.
    process._stand_in.clear()
    process.Variables(lambda: [("A", "1")]).apply()
    assert own() == {"A": "1"}


def test_folder_is_changed_only_if_it_is_another(monkeypatch) -> None:
    moved = []
    monkeypatch.setattr(process, "_change_directory", moved.append)
    monkeypatch.setattr(process, "_working_folder", lambda: process.HOME)
    process.change_directory()
    assert moved == []
    monkeypatch.setattr(process, "_working_folder", lambda: "/elsewhere")
    process.change_directory()
    assert moved == [process.HOME]
