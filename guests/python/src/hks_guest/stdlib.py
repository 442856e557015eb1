"""The standard library, which is on a disk only while the component is built.

Modules that programs commonly use are imported then, and cost an execution nothing. All others are kept as compiled
code and executed on their first import. Both leave out what cannot work (see `missing`) and the library's own tests.
Sources are not kept: tracebacks name the lines of library files without showing them.
"""

import importlib
import importlib.abc
import importlib.machinery
import importlib.resources.abc
import io
import marshal
import os
import sys
import types
from collections.abc import Iterator

from hks_guest.missing import is_unsupported

LIBRARY = "/python"
# Importing these has an effect, or they are tools around programs rather than for them: kept as code, not imported.
_NOT_AHEAD = frozenset(
    """
    __hello__ __phello__ antigravity bdb cmd code compileall cProfile doctest modulefinder pdb pickletools profile
    py_compile pyclbr pydoc pydoc_data rlcompleter runpy tabnanny this trace tracemalloc webbrowser wsgiref xmlrpc
    zipapp
    """.split()
)
_SUBMODULES = """
    collections.abc concurrent.futures concurrent.futures.thread email.message email.mime.multipart email.mime.text
    email.parser email.policy email.utils encodings.ascii encodings.base64_codec encodings.cp1252 encodings.cp437
    encodings.hex_codec encodings.idna encodings.iso8859_1 encodings.latin_1 encodings.punycode
    encodings.raw_unicode_escape encodings.unicode_escape encodings.utf_16 encodings.utf_32 encodings.utf_8_sig
    html.entities html.parser http.client http.cookies http.cookiejar importlib.abc importlib.metadata
    importlib.resources importlib.util json.tool logging.config logging.handlers multiprocessing.context
    multiprocessing.pool os.path string.templatelib unittest.mock urllib.error urllib.parse urllib.request
    xml.dom.minidom xml.etree.ElementTree xml.sax _pydatetime _pydecimal _strptime
""".split()
# Folders of the library that are no part of it for programs.
_SKIPPED_FOLDERS = frozenset(
    """
    __pycache__ test tests idlelib idle_test turtledemo tkinter ensurepip venv lib2to3 site-packages lib-dynload
    curses ctypes __phello__
    """.split()
)


def import_ahead() -> None:
    """Imports what programs commonly use, so that it is part of the snapshot."""
    public = sorted(name for name in sys.stdlib_module_names if not name.startswith("_"))
    for name in [*public, *_SUBMODULES]:
        if name in _NOT_AHEAD or is_unsupported(name):
            continue
        try:
            importlib.import_module(name)
        except ImportError:
            # Needs something that this platform has not; `missing` explains it when a program asks.
            _forget(name)


def _forget(name: str) -> None:
    for loaded in [other for other in sys.modules if other == name or other.startswith(f"{name}.")]:
        del sys.modules[loaded]


def compile_rest() -> "Embedded":
    """Compiles every module of the library that is not imported by now."""
    embedded = Embedded()
    for name, path, is_package in _sources(LIBRARY, ""):
        if name not in sys.modules and not is_unsupported(name):
            _embed_module(embedded, name, path, is_package)
    return embedded


def embed_package(embedded: "Embedded", folder: str, name: str) -> None:
    """Keeps a package with its data files, such as `tzdata`."""
    for module, path, is_package in _sources(folder, f"{name}.", everything=True):
        _embed_module(embedded, module, path, is_package)
    for directory, _, files in os.walk(folder):
        for file in files:
            if not file.endswith((".py", ".pyc")):
                path = f"{directory}/{file}"
                with open(path, "rb") as source:
                    embedded.files[path] = source.read()


def _embed_module(embedded: "Embedded", name: str, path: str, is_package: bool) -> None:
    with open(path, "rb") as source:
        code = compile(source.read(), path, "exec", dont_inherit=True)
    embedded.modules[name] = (is_package, path, marshal.dumps(code))


def _sources(folder: str, prefix: str, everything: bool = False) -> Iterator[tuple[str, str, bool]]:
    """Name, path and whether it is a package, of every module below a folder."""
    for entry in sorted(os.listdir(folder)):
        path = f"{folder}/{entry}"
        if entry == "__init__.py":
            if prefix:
                yield prefix[:-1], path, True
        elif entry.endswith(".py"):
            yield prefix + entry[:-3], path, False
        elif os.path.exists(f"{path}/__init__.py") and (everything or entry not in _SKIPPED_FOLDERS):
            yield from _sources(path, f"{prefix}{entry}.", everything)


class Embedded(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds and loads modules from memory."""

    def __init__(self) -> None:
        # name: (is a package, path it was compiled from, marshalled code)
        self.modules: dict[str, tuple[bool, str, bytes]] = {}
        # path: content, of data files in packages
        self.files: dict[str, bytes] = {}

    def find_spec(self, fullname: str, path: object = None, target: object = None):
        entry = self.modules.get(fullname)
        if entry is None:
            return None
        is_package, origin, _ = entry
        spec = importlib.machinery.ModuleSpec(fullname, self, origin=origin, is_package=is_package)
        spec.has_location = True
        return spec

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> None:
        return None

    def exec_module(self, module: types.ModuleType) -> None:
        exec(marshal.loads(self.modules[module.__name__][2]), module.__dict__)

    def get_resource_reader(self, fullname: str) -> "_Resources":
        """What `importlib.resources` asks for."""
        return _Resources(EmbeddedPath(self.files, self.modules[fullname][1].rpartition("/")[0]))


class _Resources(importlib.resources.abc.TraversableResources):
    def __init__(self, root: "EmbeddedPath") -> None:
        self._root = root

    def files(self) -> "EmbeddedPath":
        return self._root


class EmbeddedPath(importlib.resources.abc.Traversable):
    """A file or folder among the embedded data files, for `importlib.resources.files`."""

    def __init__(self, files: dict[str, bytes], path: str) -> None:
        self._files = files
        self._path = path

    @property
    def name(self) -> str:
        return self._path.rpartition("/")[2]

    def is_file(self) -> bool:
        return self._path in self._files

    def is_dir(self) -> bool:
        return any(path.startswith(f"{self._path}/") for path in self._files)

    def iterdir(self) -> Iterator["EmbeddedPath"]:
        start = len(self._path) + 1
        below = (path for path in self._files if path.startswith(f"{self._path}/"))
        for name in sorted({path[start:].partition("/")[0] for path in below}):
            yield EmbeddedPath(self._files, f"{self._path}/{name}")

    def joinpath(self, *descendants: str) -> "EmbeddedPath":
        return EmbeddedPath(self._files, "/".join((self._path, *map(str, descendants))))

    def open(self, mode: str = "r", *args: object, **kwargs: object):
        if not self.is_file():
            raise FileNotFoundError(f"no embedded file {self._path}")
        content = io.BytesIO(self._files[self._path])
        return content if "b" in mode else io.TextIOWrapper(content, *args, **kwargs)
