"""Packages are imported by asking the host for them by name."""

import dataclasses
import importlib.resources
import inspect
import pkgutil
import sys
import traceback

import pytest

from hks_guest import source
from hks_guest.packages import CODE, FOLDER, Packages


@dataclasses.dataclass
class Module:
    path: str
    is_package: bool
    content: bytes
    is_compiled: bool = False


class Host:
    """Keeps modules and files as the real one does, and remembers what it was asked for."""

    def __init__(self) -> None:
        self.modules: dict[str, Module] = {}
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []

    def add(self, name: str, text: str, is_package: bool = False, folder: str = FOLDER) -> None:
        place = f"{folder}/{name.replace('.', '/')}"
        path = f"{place}{'/__init__' if is_package else ''}.py"
        self.modules[place] = Module(path, is_package, text.encode())
        self.files[path] = text.encode()

    def find(self, place: str) -> Module | None:
        self.asked.append(place)
        if place not in self.modules and any(path.startswith(f"{place}/") for path in self.files):
            return Module(place, True, b"")
        return self.modules.get(place)

    def read(self, path: str) -> bytes | None:
        if not path.endswith("/"):
            return self.files.get(path)
        below = (file[len(path) :].partition("/") for file in self.files if file.startswith(path))
        return "\n".join(sorted({name + slash for name, slash, _ in below})).encode() or None


@pytest.fixture
def host(monkeypatch):
    host = Host()
    loaded = set(sys.modules)
    for name in ("path", "path_hooks"):
        monkeypatch.setattr(sys, name, list(getattr(sys, name)))
    monkeypatch.setattr(sys, "path_importer_cache", {})
    Packages(host.find, host.read).install()
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
    host.modules[f"{FOLDER}/seed"] = Module(f"{FOLDER}/seed.py", False, content, is_compiled=True)
    import seed

    with pytest.raises(KeyError, match=f"{FOLDER}/seed.py") as caught:
        seed.where()
    assert traceback.extract_tb(caught.value.__traceback__)[-1].line == ""
    assert seed.__loader__.get_source("seed") is None
    host.files[f"{FOLDER}/seed.py"] = b"kept = 'beside'\n"
    assert seed.__loader__.get_source("seed") == "kept = 'beside'\n"


def test_damaged_modules_are_an_error(host) -> None:
    host.modules[f"{FOLDER}/seed"] = Module(f"{FOLDER}/seed.py", False, b"\x00" * 40, is_compiled=True)
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
    assert host.asked[-1] == f"{FOLDER}/fruit/plum"


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
    assert (files / "data" / "names.txt").read_text("ascii", "ignore") == "\n"
    assert files.joinpath("inner", "..", "data/names.txt").is_file()
    assert files.is_dir() and not files.is_file()
    assert pkgutil.get_data("fruit", "data/names.txt") == "ä\n".encode()
    assert pkgutil.get_data("fruit.pear", "data/names.txt") == "ä\n".encode()
    with pytest.raises(FileNotFoundError):
        files.joinpath("none.txt").read_bytes()
    with pytest.raises(FileNotFoundError):
        fruit.__loader__.get_data(f"{FOLDER}/fruit/none.txt")


def test_folders_are_listed(host) -> None:
    import fruit

    files = importlib.resources.files("fruit")
    assert [entry.name for entry in files.iterdir()] == ["__init__.py", "data", "inner", "pear.py"]
    assert [entry.name for entry in files.iterdir() if entry.is_dir()] == ["data", "inner"]
    assert (files / "data").is_dir() and not (files / "none").is_dir()
    found = [(module.name, module.ispkg) for module in pkgutil.iter_modules(fruit.__path__, "fruit.")]
    assert found == [("fruit.inner", True), ("fruit.pear", False)]


def test_folders_without_init_are_namespaces(host) -> None:
    host.add("plants.tree", "name = __name__\n")
    host.add("plants.moss", "own = True\n", folder=CODE)
    sys.path.insert(0, CODE)
    import plants.moss
    import plants.tree

    assert (plants.tree.name, plants.moss.own, plants.__file__) == ("plants.tree", True, None)
    assert list(plants.__path__) == [f"{CODE}/plants", f"{FOLDER}/plants"]


def test_a_package_comes_before_a_namespace_and_own_modules_before_packages(host) -> None:
    host.add("fruit.own", "", folder=CODE)
    host.add("pear", "own = True\n", folder=CODE)
    host.add("pear", "own = False\n")
    sys.path.insert(0, CODE)
    import fruit
    import pear

    assert (fruit.__file__, pear.own) == (f"{FOLDER}/fruit/__init__.py", True)


def test_other_folders_are_left_to_the_import_system(host, tmp_path) -> None:
    (tmp_path / "written_here.py").write_text("value = 3\n")
    sys.path.insert(0, str(tmp_path))
    import written_here

    assert written_here.value == 3
