"""A function's own files and packages as files: `open`, `os.stat`, `os.listdir`, and what rests on them.

Nothing that WASI knows lies at `/code` and `/packages`, and looking there would leave a handle with the host, which then
takes no snapshot. So the functions of `io` and `os` that take a path are replaced at build time, wherever the library holds
them: for paths below the two folders they ask the host for content and listings, and refuse to write. All other paths go to
the originals as they came.

Relative paths are never ours, because the working folder is elsewhere.
"""

import errno
import functools
import io
import os
import stat
import sys
import zlib
from collections.abc import Callable, Iterator

from hks_guest.packages import Read, is_ours, listed
from hks_guest.text import well_formed

_FILE, _DIRECTORY = stat.S_IFREG | 0o444, stat.S_IFDIR | 0o555
# The number of a device that no other file is on: two files are the same if device and number are.
_DEVICE = int.from_bytes(b"hks")
# When they seem to have been changed: the same in all executions, and nothing that a snapshot could not keep.
# 1980-01-01T00:00:00Z, before which zip files know no time.
_TIME = 315_532_800
_TIMES = {f"st_{what}time{unit}": _TIME * scale for what in "amc" for unit, scale in (("", 1), ("_ns", 10**9))}
_WRITING_MODES = frozenset("wax+")
# As far as the platform has them. The first two arguments of some are paths.
_WRITERS = "chmod link mkdir remove rename replace rmdir symlink truncate unlink utime".split()
_WRITING_FLAGS = (os.O_WRONLY | os.O_RDWR) & ~os.O_RDONLY | os.O_CREAT
_NO_DESCRIPTOR = "the function's own files have no descriptors; open them with open()"
_NO_FOLDER = "the working folder is /tmp; name the function's own files by their whole paths"

_open, _open_code, _open_descriptor, _chdir = io.open, io.open_code, os.open, os.chdir
_stat, _lstat, _access, _readlink = os.stat, os.lstat, os.access, os.readlink
_listdir, _scandir = os.listdir, os.scandir
_fsdecode, _fspath, _normpath = os.fsdecode, os.fspath, os.path.normpath

_Path = str | bytes | os.PathLike


def install(read: Read) -> None:
    """Puts the replacements in place, for modules that are imported already and for later ones."""
    for original, replacement in replacements(read):
        swap(original, replacement)


def swap(old: Callable, new: Callable) -> None:
    """Replaces a function in all modules but our own, and in the sets in which `os` says what its functions can do."""
    for name, module in list(sys.modules.items()):
        if module is None or name.startswith("hks_guest"):
            continue
        for attribute in [attribute for attribute, value in vars(module).items() if value is old]:
            setattr(module, attribute, new)
    for able in (os.supports_fd, os.supports_dir_fd, os.supports_follow_symlinks, os.supports_effective_ids):
        if old in able:
            able.remove(old)
            able.add(new)


def replacements(read: Read) -> list[tuple[Callable, Callable]]:
    """The functions that are replaced, each with what stands in for it."""
    shown = _Shown(read)
    pairs = [*_opening(shown), *_asking(shown), *_refusing(shown)]
    # Not plain functions, because those would become methods where a class keeps one: `opener = open`.
    return [(original, staticmethod(functools.wraps(original)(new))) for original, new in pairs]


def _own(path: object) -> str | None:
    """The path without detours, if the host is to be asked about it."""
    if type(path) is not str:
        if path is None or type(path) is int:
            return None
        try:
            path = _fsdecode(path)
        except TypeError:
            # No path at all, which the original says in its own words.
            return None
    if path[:1] != "/":
        return None
    path = _normpath(path)
    if path.startswith("//"):
        path = path[1:]
    return path if is_ours(path) else None


def _failure(code: int, path: _Path, reason: str | None = None) -> OSError:
    return OSError(code, reason or os.strerror(code), _fspath(path))


class _Shown:
    """What the host shows below the two folders. Takes paths of `_own`, and those that the caller used for errors."""

    def __init__(self, read: Read) -> None:
        self._read = read

    def content(self, own: str) -> bytes | None:
        # Text that is not well-formed cannot cross the border, so nothing has such a name.
        return self._read(own) if well_formed(own) == own else None

    def entries(self, own: str) -> list[str]:
        """Names in a folder, those of folders with a slash at the end. No folder is empty."""
        return listed(self.content, own)

    def file(self, own: str, path: _Path) -> bytes:
        content = self.content(own)
        if content is None:
            raise _failure(errno.EISDIR if self.entries(own) else errno.ENOENT, path)
        return content

    def folder(self, own: str, path: _Path) -> list[str]:
        entries = self.entries(own)
        if not entries:
            raise _failure(errno.ENOENT if self.content(own) is None else errno.ENOTDIR, path)
        return entries

    def status(self, own: str, path: _Path) -> os.stat_result:
        if self.entries(own):
            mode, size = _DIRECTORY, 0
        else:
            mode, size = _FILE, len(self.file(own, path))
        return os.stat_result((mode, _number(own), _DEVICE, 1, 0, 0, size, _TIME, _TIME, _TIME), _TIMES)

    def scan(self, own: str, path: _Path) -> Iterator["_Entry"]:
        folder = _fspath(path)
        encode = os.fsencode if isinstance(folder, bytes) else str
        for entry in self.folder(own, path):
            name = entry.rstrip("/")
            yield _Entry(encode(name), os.path.join(folder, encode(name)), f"{own}/{name}", entry != name, self)


def _number(own: str) -> int:
    return zlib.crc32(own.encode("utf-8", "surrogatepass"))


class _File(io.RawIOBase):
    """The content of a file, as `io.FileIO` would give it, but without a descriptor."""

    mode = "rb"

    def __init__(self, content: bytes, name: str | bytes) -> None:
        self._content = io.BytesIO(content)
        self.name = name

    def readable(self) -> bool:
        return self._content.readable()

    def seekable(self) -> bool:
        return self._content.seekable()

    def readinto(self, buffer: object) -> int:
        return self._content.readinto(buffer)

    def readall(self) -> bytes:
        return self._content.read()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._content.seek(offset, whence)

    def tell(self) -> int:
        return self._content.tell()

    def close(self) -> None:
        super().close()
        self._content.close()

    def __repr__(self) -> str:
        return f"<read-only file name={self.name!r}>"


class _Entry(os.PathLike):
    """What `os.scandir` gives: the attributes and methods of `os.DirEntry`, which nobody can make."""

    __slots__ = ("_is_dir", "_own", "_shown", "name", "path")

    def __init__(self, name: str | bytes, path: str | bytes, own: str, is_dir: bool, shown: _Shown) -> None:
        self.name = name
        self.path = path
        self._own = own
        self._is_dir = is_dir
        self._shown = shown

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        return self._is_dir

    def is_file(self, *, follow_symlinks: bool = True) -> bool:
        return not self._is_dir

    def is_symlink(self) -> bool:
        return False

    def is_junction(self) -> bool:
        return False

    def inode(self) -> int:
        return _number(self._own)

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        return self._shown.status(self._own, self.path)

    def __fspath__(self) -> str | bytes:
        return self.path

    def __repr__(self) -> str:
        return f"<DirEntry {self.name!r}>"


class _Scan:
    """The iterator of `os.scandir`, which is closed early or by `with`."""

    def __init__(self, entries: list[_Entry]) -> None:
        self._entries = iter(entries)

    def __iter__(self) -> "_Scan":
        return self

    def __next__(self) -> _Entry:
        return next(self._entries)

    def close(self) -> None:
        self._entries = iter(())

    def __enter__(self) -> "_Scan":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _StopBeforeOpening(Exception):
    pass


def _stop(path: str, flags: int) -> int:
    raise _StopBeforeOpening


def _opening(shown: _Shown) -> Iterator[tuple[Callable, Callable]]:
    def open(file, mode="r", buffering=-1, encoding=None, errors=None, newline=None, closefd=True, opener=None):
        own = _own(file)
        if own is None or opener is not None:
            return _open(file, mode, buffering, encoding, errors, newline, closefd, opener)
        try:
            # The original finds what is wrong with the other arguments, and then asks `_stop` for a descriptor.
            _open(file, mode, buffering, encoding, errors, newline, closefd, _stop)
        except _StopBeforeOpening:
            pass
        if not _WRITING_MODES.isdisjoint(mode):
            raise _failure(errno.EROFS, file)
        if buffering == 0 and "b" not in mode:
            raise ValueError("can't have unbuffered text I/O")
        raw = _File(shown.file(own, file), _fspath(file))
        if buffering == 0:
            return raw
        binary = io.BufferedReader(raw, buffering if buffering > 1 else io.DEFAULT_BUFFER_SIZE)
        if "b" in mode:
            return binary
        text = io.TextIOWrapper(binary, encoding, errors, newline, line_buffering=buffering == 1)
        text.mode = mode
        return text

    def open_code(path):
        return _open_code(path) if _own(path) is None else open(path, "rb")

    def open_descriptor(path, flags, mode=0o777, *, dir_fd=None):
        own = _own(path)
        if own is None:
            return _open_descriptor(path, flags, mode, dir_fd=dir_fd)
        if flags & _WRITING_FLAGS:
            raise _failure(errno.EROFS, path)
        shown.status(own, path)
        raise _failure(errno.ENOTSUP, path, _NO_DESCRIPTOR)

    yield from ((_open, open), (_open_code, open_code), (_open_descriptor, open_descriptor))


def _asking(shown: _Shown) -> Iterator[tuple[Callable, Callable]]:
    def stat(path, *, dir_fd=None, follow_symlinks=True):
        own = _own(path)
        if own is None:
            return _stat(path, dir_fd=dir_fd, follow_symlinks=follow_symlinks)
        return shown.status(own, path)

    def lstat(path, *, dir_fd=None):
        own = _own(path)
        return _lstat(path, dir_fd=dir_fd) if own is None else shown.status(own, path)

    def access(path, mode, *, dir_fd=None, effective_ids=False, follow_symlinks=True):
        own = _own(path)
        if own is None:
            return _access(path, mode, dir_fd=dir_fd, effective_ids=effective_ids, follow_symlinks=follow_symlinks)
        if shown.entries(own):
            return not mode & os.W_OK
        return shown.content(own) is not None and not mode & (os.W_OK | os.X_OK)

    def listdir(path=None):
        own = _own(path)
        return _listdir(path) if own is None else [entry.name for entry in shown.scan(own, path)]

    def scandir(path=None):
        own = _own(path)
        return _scandir(path) if own is None else _Scan(list(shown.scan(own, path)))

    yield from ((_stat, stat), (_lstat, lstat), (_access, access), (_listdir, listdir), (_scandir, scandir))


def _refusing(shown: _Shown) -> Iterator[tuple[Callable, Callable]]:
    def readlink(path, *, dir_fd=None):
        own = _own(path)
        if own is None:
            return _readlink(path, dir_fd=dir_fd)
        shown.status(own, path)
        raise _failure(errno.EINVAL, path)

    def chdir(path):
        own = _own(path)
        if own is None:
            return _chdir(path)
        shown.folder(own, path)
        raise _failure(errno.ENOTSUP, path, _NO_FOLDER)

    def read_only(original: Callable) -> Callable:
        def write(*args, **kwargs):
            for path in (*args[:2], *kwargs.values()):
                if _own(path) is not None:
                    raise _failure(errno.EROFS, path)
            return original(*args, **kwargs)

        return write

    yield from ((_readlink, readlink), (_chdir, chdir))
    for name in _WRITERS:
        if hasattr(os, name):
            yield getattr(os, name), read_only(getattr(os, name))
