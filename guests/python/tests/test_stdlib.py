"""Modules and data files load from memory."""

import importlib.resources
import shutil
import sys

import pytest

from hks_guest import stdlib


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package that exists only in memory."""
    folder = tmp_path / "kept"
    (folder / "inner").mkdir(parents=True)
    (folder / "__init__.py").write_text("value = 1\n")
    (folder / "inner" / "__init__.py").write_text("")
    (folder / "inner" / "module.py").write_text("from kept import value\n\n\ndef twice():\n    return value * 2\n")
    (folder / "inner" / "data.txt").write_text("données", encoding="utf-8")
    embedded = stdlib.Embedded()
    stdlib.embed_package(embedded, str(folder), "kept")
    shutil.rmtree(folder)
    monkeypatch.setattr(sys, "meta_path", [embedded, *sys.meta_path])
    yield embedded
    for name in [name for name in sys.modules if name.partition(".")[0] == "kept"]:
        del sys.modules[name]


def test_modules_are_imported_from_memory(package) -> None:
    from kept.inner.module import twice

    assert twice() == 2
    assert sys.modules["kept"].__path__ == []
    assert sys.modules["kept.inner.module"].__file__.endswith("/kept/inner/module.py")


def test_unknown_modules_are_not_found(package) -> None:
    with pytest.raises(ModuleNotFoundError):
        __import__("kept.other")


def test_data_files_are_resources(package) -> None:
    import kept.inner

    files = importlib.resources.files(kept.inner)
    assert files.joinpath("data.txt").read_text(encoding="utf-8") == "données"
    assert files.joinpath("data.txt").read_bytes() == "données".encode()
    assert [entry.name for entry in files.iterdir()] == ["data.txt"]
    assert [entry.name for entry in importlib.resources.files("kept").iterdir()] == ["inner"]
    assert not files.joinpath("none").is_file()
    with pytest.raises(FileNotFoundError):
        files.joinpath("none").read_bytes()


def test_sources_leave_out_folders_that_are_no_packages(tmp_path) -> None:
    for name in ("pkg/__init__.py", "pkg/a.py", "test/__init__.py", "data/b.py", "c.py", "d.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    names = [(name, is_package) for name, _, is_package in stdlib._sources(str(tmp_path), "")]
    assert names == [("c", False), ("pkg", True), ("pkg.a", False)]
