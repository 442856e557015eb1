"""The packages that a function was deployed with, imported without a file being opened.

The host knows them by name. `sys.path` names the folder where they seem to lie, and the import system's own finder for
paths asks `Packages` about everything below it; so the library comes first, and packages that bring others along in a
folder of theirs (`sys.path.insert(0, ".../_vendor")`) find them. There are no folders to list: a package needs its
`__init__.py`, and data files are read by name, through `importlib.resources`, `pkgutil.get_data` or a loader's `get_data`.
"""

import errno
import importlib.abc
import importlib.machinery
import importlib.resources.abc
import importlib.util
import io
import linecache
import os
import sys
import types
from collections.abc import Callable, Iterator
from typing import Protocol

from hks_guest import source

# Where packages are said to lie.
FOLDER = "/packages"


class Module(Protocol):
    """What the host knows of a module: the record `packages.module`."""

    path: str
    is_package: bool
    content: bytes
    is_compiled: bool


class Packages:
    """Makes finders for the folder of packages and for those in it: a hook of `sys.path_hooks`."""

    def __init__(self, find: Callable[[str], Module | None], read: Callable[[str], bytes | None]) -> None:
        self._find = find
        self._read = read

    def install(self) -> None:
        """Puts the folder on `sys.path`, alone."""
        sys.path[:] = [FOLDER]
        sys.path_hooks.insert(0, self._finder)
        sys.path_importer_cache.clear()

    def _finder(self, path: str) -> "Finder":
        if path != FOLDER and not path.startswith(f"{FOLDER}/"):
            raise ImportError(f"{path} is no folder of packages", path=path)
        inside = path[len(FOLDER) + 1 :].rstrip("/")
        return Finder(f"{inside.replace('/', '.')}." if inside else "", self._find, self._read)


class Finder(importlib.abc.PathEntryFinder):
    """Finds the modules of one folder."""

    def __init__(self, prefix: str, find: Callable[[str], Module | None], read: Callable[[str], bytes | None]) -> None:
        self._prefix = prefix
        self._find = find
        self._read = read

    def find_spec(self, fullname: str, target: object = None) -> importlib.machinery.ModuleSpec | None:
        known_as = self._prefix + fullname.rpartition(".")[2]
        module = self._find(known_as)
        if module is None:
            return None
        loader = Loader(fullname, known_as, module, self._find, self._read)
        spec = importlib.machinery.ModuleSpec(fullname, loader, origin=module.path, is_package=module.is_package)
        if module.is_package:
            spec.submodule_search_locations.append(_folder(module.path))
        spec.has_location = True
        return spec


class Loader(importlib.abc.InspectLoader):
    """Loads one module, and the data files beside it."""

    def __init__(
        self,
        name: str,
        known_as: str,
        module: Module,
        find: Callable[[str], Module | None],
        read: Callable[[str], bytes | None],
    ) -> None:
        self.name = name
        self.path = module.path
        self._known_as = known_as
        self._is_package = module.is_package
        # Until it has been executed: a snapshot need not hold the text of what it has imported.
        self._module: Module | None = module
        self._find = find
        self._read = read

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> None:
        return None

    def exec_module(self, module: types.ModuleType) -> None:
        code = self.get_code(self.name)
        self._module = None
        linecache.cache[self.path] = source.Lines(self.path, lambda: self.get_source(self.name) or "")
        exec(code, module.__dict__)

    def is_package(self, fullname: str) -> bool:
        return self._is_package

    def get_filename(self, fullname: str) -> str:
        return self.path

    def get_code(self, fullname: str) -> types.CodeType:
        module = self._known()
        if not module.is_compiled:
            return compile(module.content, self.path, "exec", dont_inherit=True)
        return source.load(module.content, self.path)

    def get_source(self, fullname: str) -> str | None:
        """The text; None if the host has kept nothing but the compiled code."""
        module = self._known()
        text = self._read(self.path) if module.is_compiled else module.content
        return None if text is None else importlib.util.decode_source(text)

    def get_data(self, path: str) -> bytes:
        content = self._read(path)
        if content is None:
            raise OSError(errno.ENOENT, "a package has no such data file", path)
        return content

    def get_resource_reader(self, fullname: str) -> "_Resources | None":
        return _Resources(PackagePath(_folder(self.path), self._read, is_folder=True)) if self._is_package else None

    def _known(self) -> Module:
        module = self._module or self._find(self._known_as)
        if module is None:
            raise ImportError(f"the host no longer knows the module {self.name}", name=self.name, path=self.path)
        return module

    def __repr__(self) -> str:
        return f"<package loader for {self.path}>"


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


class _Resources(importlib.resources.abc.TraversableResources):
    def __init__(self, root: "PackagePath") -> None:
        self._root = root

    def files(self) -> "PackagePath":
        return self._root


class PackagePath(importlib.resources.abc.Traversable):
    """A data file of a package, or the folder of one, for `importlib.resources.files`."""

    def __init__(self, path: str, read: Callable[[str], bytes | None], is_folder: bool = False) -> None:
        self._path = path
        self._read = read
        self._is_folder = is_folder

    @property
    def name(self) -> str:
        return self._path.rpartition("/")[2]

    def is_file(self) -> bool:
        return not self._is_folder and self._read(self._path) is not None

    def is_dir(self) -> bool:
        return self._is_folder

    def iterdir(self) -> Iterator["PackagePath"]:
        raise NotImplementedError(f"{self._path}: data files of packages can be read by name, but not listed")

    def joinpath(self, *descendants: str) -> "PackagePath":
        path = os.path.normpath("/".join((self._path, *map(str, descendants))))
        return PackagePath(path, self._read, is_folder=path == self._path and self._is_folder)

    def open(self, mode: str = "r", *args: object, **kwargs: object):
        content = self._read(self._path)
        if content is None:
            raise FileNotFoundError(errno.ENOENT, "a package has no such data file", self._path)
        binary = io.BytesIO(content)
        return binary if "b" in mode else io.TextIOWrapper(binary, *args, **kwargs)

    def __str__(self) -> str:
        return self._path
