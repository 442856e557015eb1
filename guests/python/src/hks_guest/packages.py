"""A function's own modules and its packages, imported without a file being opened.

The host knows them by where they seem to lie: the function's own below `/code`, what was installed below `/packages`. The
import system's own finder for paths asks `Packages` about everything below the two; so the library comes first, a folder of
modules without an `__init__.py` is a namespace (PEP 420), and packages that bring others along in a folder of theirs
(`sys.path.insert(0, ".../_vendor")`) find them. Data files are read through `importlib.resources`, `pkgutil.get_data` or a
loader's `get_data`.
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

# Where a function's own modules are said to lie. A function of several files puts it on `sys.path` itself.
CODE = "/code"
# Where packages are said to lie.
FOLDER = "/packages"


class Module(Protocol):
    """What the host knows of a module: the record `packages.module`. A folder without `__init__.py` has its own path."""

    path: str
    is_package: bool
    content: bytes
    is_compiled: bool


Find = Callable[[str], Module | None]
Read = Callable[[str], bytes | None]


def is_ours(path: str) -> bool:
    """Whether the host is asked about what lies at a path."""
    return path in (CODE, FOLDER) or path.startswith((f"{CODE}/", f"{FOLDER}/"))


def listed(read: Read, folder: str) -> list[str]:
    """Names in a folder, those of folders with a slash at the end; nothing if there is no such folder."""
    names = read(f"{folder}/")
    return names.decode().splitlines() if names else []


class Packages:
    """Makes finders for the two folders and for those in them: a hook of `sys.path_hooks`."""

    def __init__(self, find: Find, read: Read) -> None:
        self._find = find
        self._read = read

    def install(self) -> None:
        """Puts the folder of packages on `sys.path`, alone."""
        sys.path[:] = [FOLDER]
        sys.path_hooks.insert(0, self._finder)
        sys.path_importer_cache.clear()

    def _finder(self, path: str) -> "Finder":
        if not is_ours(path):
            raise ImportError(f"{path} is no folder of packages", path=path)
        return Finder(path.rstrip("/"), self._find, self._read)


class Finder(importlib.abc.PathEntryFinder):
    """Finds the modules of one folder."""

    def __init__(self, folder: str, find: Find, read: Read) -> None:
        self._folder = folder
        self._find = find
        self._read = read

    def find_spec(self, fullname: str, target: object = None) -> importlib.machinery.ModuleSpec | None:
        place = f"{self._folder}/{fullname.rpartition('.')[2]}"
        module = self._find(place)
        if module is None:
            return None
        if module.path == place:
            # A part of a namespace: the import system goes on looking for a package, and for other parts.
            spec = importlib.machinery.ModuleSpec(fullname, None, is_package=True)
            spec.submodule_search_locations.append(place)
            return spec
        loader = Loader(fullname, place, module, self._find, self._read)
        spec = importlib.machinery.ModuleSpec(fullname, loader, origin=module.path, is_package=module.is_package)
        if module.is_package:
            spec.submodule_search_locations.append(place)
        spec.has_location = True
        return spec

    def iter_modules(self, prefix: str = "") -> Iterator[tuple[str, bool]]:
        """Names of modules, and whether they are packages: what `pkgutil` asks for."""
        for entry in listed(self._read, self._folder):
            if entry.endswith("/"):
                name, is_package = entry[:-1], True
                is_module = "__init__.py" in listed(self._read, f"{self._folder}/{name}")
            else:
                name, is_package = entry.removesuffix(".py"), False
                is_module = entry.endswith(".py") and name != "__init__"
            if is_module and "." not in name:
                yield prefix + name, is_package


class Loader(importlib.abc.InspectLoader):
    """Loads one module, and the data files beside it."""

    def __init__(self, name: str, place: str, module: Module, find: Find, read: Read) -> None:
        self.name = name
        self.path = module.path
        self._place = place
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
        return _Resources(PackagePath(self._place, self._read)) if self._is_package else None

    def _known(self) -> Module:
        module = self._module or self._find(self._place)
        if module is None:
            raise ImportError(f"the host no longer knows the module {self.name}", name=self.name, path=self.path)
        return module

    def __repr__(self) -> str:
        return f"<package loader for {self.path}>"


class _Resources(importlib.resources.abc.TraversableResources):
    def __init__(self, root: "PackagePath") -> None:
        self._root = root

    def files(self) -> "PackagePath":
        return self._root


class PackagePath(importlib.resources.abc.Traversable):
    """A file or a folder that the host knows, for `importlib.resources.files` and `importlib.metadata`."""

    def __init__(self, path: str, read: Read) -> None:
        self._path = path
        self._read = read

    @property
    def name(self) -> str:
        return self._path.rpartition("/")[2]

    @property
    def parent(self) -> "PackagePath":
        return PackagePath(self._path.rpartition("/")[0], self._read)

    def is_file(self) -> bool:
        return self._read(self._path) is not None

    def is_dir(self) -> bool:
        return self._read(f"{self._path}/") is not None

    def iterdir(self) -> Iterator["PackagePath"]:
        for entry in listed(self._read, self._path):
            yield PackagePath(f"{self._path}/{entry.rstrip('/')}", self._read)

    def joinpath(self, *descendants: str) -> "PackagePath":
        return PackagePath(os.path.normpath("/".join((self._path, *map(str, descendants)))), self._read)

    def read_text(self, encoding: str | None = None, errors: str | None = None) -> str:
        # The inherited one takes no `errors`, which `importlib.resources.read_text` hands over.
        return self.read_bytes().decode(encoding or "utf-8", errors or "strict")

    def open(self, mode: str = "r", *args: object, **kwargs: object):
        content = self._read(self._path)
        if content is None:
            raise FileNotFoundError(errno.ENOENT, "a package has no such file", self._path)
        binary = io.BytesIO(content)
        return binary if "b" in mode else io.TextIOWrapper(binary, *args, **kwargs)

    def __str__(self) -> str:
        return self._path
