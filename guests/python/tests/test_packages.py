"""Packages are imported by asking the host for them by name."""

import dataclasses
import importlib.resources
import inspect
import pkgutil
import sys
import traceback

import pytest

from hks_guest import source
from hks_guest.packages import FOLDER, Packages


@dataclasses.dataclass
class Module:
    path: str
    is_package: bool
    content: bytes
    is_compiled: bool = False


class Host:
    """Keeps modules and files, and remembers what it was asked for."""

    def __init__(self) -> None:
        self.modules: dict[str, Module] = {}
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []

    def add(self, name: str, text: str, is_package: bool = False) -> None:
        path = f"{FOLDER}/{name.replace('.', '/')}{'/__init__' if is_package else ''}.py"
        self.modules[name] = Module(path, is_package, text.encode())

    def find(self, name: str) -> Module | None:
        self.asked.append(name)
        return self.modules.get(name)


@pytest.fixture
def host(monkeypatch):
    host = Host()
    loaded = set(sys.modules)
    for name in ("path", "path_hooks"):
        monkeypatch.setattr(sys, name, list(getattr(sys, name)))
    monkeypatch.setattr(sys, "path_importer_cache", {})
    Packages(host.find, host.files.get).install()
    host.add("fruit", "from fruit.inner import apple\nfrom . import pear\nname = __name__\n", is_package=True)
    host.add("fruit.inner", "", is_package=True)
    host.add("fruit.inner.apple", "def bite(x):\n    return 1 / x\n")
    host.add("fruit.pear", "count = 1\n")
    host.files[f"{FOLDER}/fruit/data/names.txt"] = "ä\n".encode()
    yield host
    for name in set(sys.modules) - loaded:
        del sys.modules[name]


def test_modules_and_submodules_are_imported(host) -> None:
    import fruit

    assert (fruit.name, fruit.pear.count, fruit.inner.apple.bite(1)) == ("fruit", 1, 1.0)
    assert fruit.__file__ == f"{FOLDER}/fruit/__init__.py"
    assert list(fruit.__path__) == [f"{FOLDER}/fruit"]
    assert fruit.pear.__package__ == "fruit"


def test_compiled_modules_have_their_own_path(host) -> None:
    content = source.dump("def where():\n    raise KeyError(where.__code__.co_filename)\n")
    host.modules["seed"] = Module(f"{FOLDER}/seed.py", False, content, is_compiled=True)
    import seed

    with pytest.raises(KeyError, match=f"{FOLDER}/seed.py") as caught:
        seed.where()
    assert traceback.extract_tb(caught.value.__traceback__)[-1].line == ""
    assert seed.__loader__.get_source("seed") is None
    host.files[f"{FOLDER}/seed.py"] = b"kept = 'beside'\n"
    assert seed.__loader__.get_source("seed") == "kept = 'beside'\n"


def test_damaged_modules_are_an_error(host) -> None:
    host.modules["seed"] = Module(f"{FOLDER}/seed.py", False, b"\x00" * 40, is_compiled=True)
    with pytest.raises(SystemError, match="not made by this build"):
        import seed  # noqa: F401


def test_tracebacks_show_the_lines_of_packages(host) -> None:
    from fruit.inner.apple import bite

    with pytest.raises(ZeroDivisionError) as caught:
        bite(0)
    assert "".join(traceback.format_exception(caught.value)).count("    return 1 / x\n") == 1
    assert inspect.getsource(bite) == "def bite(x):\n    return 1 / x\n"


def test_what_the_host_does_not_know_is_not_found(host) -> None:
    with pytest.raises(ModuleNotFoundError):
        import vegetable  # noqa: F401
    with pytest.raises(ModuleNotFoundError):
        import fruit.plum  # noqa: F401
    assert host.asked[-1] == "fruit.plum"


def test_packages_find_what_they_bring_along(host) -> None:
    host.add("fruit.vendor.core", "value = 7\n")
    sys.path.insert(0, f"{FOLDER}/fruit/vendor")
    import core

    assert (core.value, core.__name__) == (7, "core")
    assert inspect.getsource(core) == "value = 7\n"


def test_data_files_are_read_by_name(host) -> None:
    import fruit

    files = importlib.resources.files("fruit")
    assert (files / "data" / "names.txt").read_text(encoding="utf-8") == "ä\n"
    assert files.joinpath("inner", "..", "data/names.txt").is_file()
    assert files.is_dir() and not files.is_file()
    assert pkgutil.get_data("fruit", "data/names.txt") == "ä\n".encode()
    assert pkgutil.get_data("fruit.pear", "data/names.txt") == "ä\n".encode()
    with pytest.raises(FileNotFoundError):
        files.joinpath("none.txt").read_bytes()
    with pytest.raises(FileNotFoundError):
        fruit.__loader__.get_data(f"{FOLDER}/fruit/none.txt")
    with pytest.raises(NotImplementedError, match="not listed"):
        list(files.iterdir())


def test_other_folders_are_left_to_the_import_system(host, tmp_path) -> None:
    (tmp_path / "written_here.py").write_text("value = 3\n")
    sys.path.insert(0, str(tmp_path))
    import written_here

    assert written_here.value == 3
