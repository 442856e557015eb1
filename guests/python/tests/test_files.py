"""The function's own files are read by `open`, `os`, `pathlib`, and what rests on them."""

import csv
import errno
import glob
import importlib.util
import io
import json
import os
import pathlib
import shutil
import sys
import tokenize
import tomllib
import zipfile

import pytest
from test_packages import Host

from hks_guest import files
from hks_guest.output import flush_files

FILES = {
    "/code/app.py": b"name = 'app'\n",
    "/code/data.json": b'{"tea": 3}',
    "/code/data/names.txt": "ä\r\nb\r\n".encode(),
    "/code/data/deep/rows.csv": b"a,b\n1,2\n",
    "/code/settings.toml": b"[shop]\nname = 'x'\n",
    "/packages/fruit/large.bin": bytes(range(256)) * 2000,
}
OPEN = open


@pytest.fixture(autouse=True)
def host():
    host = Host()
    host.files.update(FILES)
    pairs = files.replacements(host.read)
    for original, replacement in pairs:
        files.swap(original, replacement)
    yield host
    for original, replacement in pairs:
        files.swap(replacement, original)
    assert open is OPEN and io.open is OPEN and tokenize._builtin_open is OPEN


def test_text_is_read_as_from_a_disk() -> None:
    with open("/code/data/names.txt", encoding="utf-8") as names:
        assert (names.name, names.mode, names.encoding) == ("/code/data/names.txt", "r", "utf-8")
        assert list(names) == ["ä\n", "b\n"]
        assert names.seek(0) == 0 and names.readline() == "ä\n"
    assert names.closed
    assert open("/code/data/names.txt", newline="", encoding="utf-8").read() == "ä\r\nb\r\n"
    assert open("/code/data/names.txt", encoding="ascii", errors="ignore").read() == "\nb\n"
    with pytest.raises(UnicodeDecodeError):
        open("/code/data/names.txt", encoding="ascii").read()


def test_bytes_are_read_as_from_a_disk() -> None:
    content = FILES["/packages/fruit/large.bin"]
    with open("/packages/fruit/large.bin", "rb") as file:
        assert isinstance(file, io.BufferedReader)
        assert (file.name, file.mode, file.readable(), file.writable()) == (file.name, "rb", True, False)
        assert (file.read(3), file.tell(), file.peek(1)[:1]) == (content[:3], 3, b"\3")
        assert (file.seek(-2, os.SEEK_END), file.read()) == (len(content) - 2, content[-2:])
        for ask in (file.fileno, lambda: file.write(b"x"), file.truncate):
            with pytest.raises(io.UnsupportedOperation):
                ask()
        assert not file.isatty()
    with pytest.raises(ValueError, match="closed"):
        file.read()
    with open("/packages/fruit/large.bin", "rb", buffering=0) as raw:
        assert raw.read(2) == content[:2] and raw.read() == content[2:]


@pytest.mark.parametrize(
    "path",
    [
        b"/code/data.json",
        pathlib.Path("/code/data.json"),
        "/code/./data/../data.json",
        "//code/data.json",
        "/tmp/../code/data.json",
    ],
)
def test_any_kind_of_path_will_do(path) -> None:
    assert json.load(open(path)) == {"tea": 3}
    assert open(path).name == os.fspath(path)
    assert os.path.getsize(path) == 10


@pytest.mark.parametrize(
    ("path", "mode", "kind"),
    [
        ("/code/none", "r", FileNotFoundError),
        ("/code/none/none", "rb", FileNotFoundError),
        ("/code/\udcff", "r", FileNotFoundError),
        ("/code", "r", IsADirectoryError),
        ("/code/data/", "rb", IsADirectoryError),
    ],
)
def test_what_cannot_be_opened_says_why(path, mode, kind) -> None:
    with pytest.raises(kind) as caught:
        open(path, mode)
    assert caught.value.filename == path


@pytest.mark.parametrize("mode", ["w", "wb", "a", "x", "r+", "rb+", "w+"])
def test_nothing_is_opened_for_writing(mode) -> None:
    for path in ("/code/data.json", "/code/new"):
        with pytest.raises(OSError) as caught:
            open(path, mode)
        assert (caught.value.errno, caught.value.filename) == (errno.EROFS, path)


def test_arguments_are_checked_as_ever() -> None:
    for arguments in (
        {"mode": "q"},
        {"mode": "rbt"},
        {"mode": "rw"},
        {"mode": "rb", "encoding": "utf-8"},
        {"closefd": False},
        {"buffering": 0},
    ):
        with pytest.raises(ValueError):
            open("/code/data.json", **arguments)
    with pytest.raises(LookupError):
        open("/code/data.json", encoding="none")
    with pytest.raises(TypeError):
        open("/code/data.json", 5)


def test_status_tells_files_and_folders_apart() -> None:
    file, folder = os.stat("/code/data.json"), os.lstat("/code/data")
    assert (file.st_mode, file.st_size, file.st_mtime) == (0o100444, 10, 315_532_800)
    assert (file.st_atime, file.st_ctime) == (file.st_mtime,) * 2
    assert (file.st_mtime_ns, file.st_atime_ns, file.st_ctime_ns) == (file.st_mtime * 10**9,) * 3
    assert (folder.st_mode, folder.st_size) == (0o040555, 0)
    assert os.path.exists("/code") and not os.path.exists("/code/none")
    assert os.path.isfile("/code/app.py") and not os.path.isfile("/code/data")
    assert os.path.isdir("/code/data") and os.path.isdir("/packages/") and not os.path.isdir("/code/app.py")
    assert not os.path.islink("/code/app.py")
    assert os.path.samefile("/code/app.py", "/code/data/../app.py")
    assert not os.path.samefile("/code/app.py", "/code/data.json")
    assert os.path.realpath("/code/data/../app.py") == "/code/app.py"
    with pytest.raises(FileNotFoundError):
        os.stat("/code/none")


def test_access_is_for_reading() -> None:
    assert os.access("/code/app.py", os.R_OK) and os.access("/code", os.R_OK | os.X_OK) and os.access("/code", os.F_OK)
    assert not os.access("/code/app.py", os.W_OK) and not os.access("/code", os.W_OK)
    assert not os.access("/code/app.py", os.X_OK) and not os.access("/code/none", os.F_OK)


def test_folders_are_listed() -> None:
    assert os.listdir("/code") == ["app.py", "data.json", "data", "settings.toml"]
    assert os.listdir(b"/code/data/") == [b"deep", b"names.txt"]
    with os.scandir("/code/data") as entries:
        found = [(entry.name, entry.path, entry.is_dir(), entry.is_file(), entry.stat().st_size) for entry in entries]
    assert found == [
        ("deep", "/code/data/deep", True, False, 0),
        ("names.txt", "/code/data/names.txt", False, True, 7),
    ]
    assert [open(entry, "rb").read(1) for entry in os.scandir(b"/code/data/deep")] == [b"a"]
    for ask in (os.listdir, os.scandir):
        with pytest.raises(NotADirectoryError):
            ask("/code/app.py")
        with pytest.raises(FileNotFoundError):
            ask("/code/none")


def test_trees_are_walked() -> None:
    assert list(os.walk("/code")) == [
        ("/code", ["data"], ["app.py", "data.json", "settings.toml"]),
        ("/code/data", ["deep"], ["names.txt"]),
        ("/code/data/deep", [], ["rows.csv"]),
    ]
    assert glob.glob("/code/*.json") == ["/code/data.json"]
    own = [path for path in FILES if path.startswith("/code")]
    assert sorted(glob.glob("/code/**/*.*", recursive=True)) == sorted(own)
    assert glob.glob("/code/data.json") == ["/code/data.json"]


def test_pathlib_reads() -> None:
    folder = pathlib.Path("/code/app.py").parent
    assert (folder / "data.json").read_text() == '{"tea": 3}'
    assert (folder / "data.json").read_bytes() == b'{"tea": 3}'
    assert (folder / "data.json").exists() and (folder / "data.json").is_file() and (folder / "data").is_dir()
    assert not (folder / "none").exists()
    assert sorted(path.name for path in folder.iterdir()) == ["app.py", "data", "data.json", "settings.toml"]
    assert [str(path) for path in folder.rglob("*.csv")] == ["/code/data/deep/rows.csv"]
    assert (folder / "data" / ".." / "data.json").resolve() == folder / "data.json"
    for write in (lambda: (folder / "x").write_text("x"), (folder / "x").mkdir, (folder / "x").touch):
        with pytest.raises(OSError, match="Read-only"):
            write()


def test_what_rests_on_open_reads(tmp_path, host) -> None:
    assert list(csv.DictReader(open("/code/data/deep/rows.csv", newline=""))) == [{"a": "1", "b": "2"}]
    assert tomllib.load(open("/code/settings.toml", "rb")) == {"shop": {"name": "x"}}
    assert shutil.copy("/code/data.json", tmp_path / "copy") == tmp_path / "copy"
    assert (tmp_path / "copy").read_bytes() == b'{"tea": 3}'
    with tokenize.open("/code/app.py") as source:
        assert source.read() == "name = 'app'\n"
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as written:
        written.writestr("inside.txt", "text")
    host.files["/code/archive.zip"] = archive.getvalue()
    with zipfile.ZipFile("/code/archive.zip") as read:
        assert read.read("inside.txt") == b"text" and zipfile.is_zipfile("/code/archive.zip")


def test_modules_are_loaded_by_their_file(monkeypatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    spec = importlib.util.spec_from_file_location("plugin", "/code/app.py")
    plugin = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(plugin)
    assert plugin.name == "app"


def test_nothing_is_changed(tmp_path) -> None:
    for change in (
        lambda: os.remove("/code/app.py"),
        lambda: os.rename("/code/app.py", tmp_path / "app.py"),
        lambda: os.replace(tmp_path / "app.py", "/code/app.py"),
        lambda: os.mkdir(path="/code/x"),
        lambda: os.utime("/code/app.py", (1, 1)),
        lambda: os.open("/code/x", os.O_CREAT | os.O_WRONLY),
        lambda: os.makedirs("/code/data/more/x"),
    ):
        with pytest.raises(OSError) as caught:
            change()
        assert caught.value.errno == errno.EROFS
    os.makedirs("/code/data", exist_ok=True)


def test_what_needs_a_real_file_system_says_so() -> None:
    with pytest.raises(OSError, match="open them with open"):
        os.open("/code/app.py", os.O_RDONLY)
    with pytest.raises(OSError, match="whole paths"):
        os.chdir("/code")
    with pytest.raises(OSError, match="Invalid argument"):
        os.readlink("/code/app.py")
    for ask in (lambda: os.open("/code/none", os.O_RDONLY), lambda: os.chdir("/code/none")):
        with pytest.raises(FileNotFoundError):
            ask()


def test_other_paths_are_left_to_the_originals(tmp_path, host, monkeypatch) -> None:
    monkeypatch.setattr(host, "read", None)
    monkeypatch.chdir(tmp_path)
    os.mkdir("code")
    with open("code/x", "w") as file:
        file.write("text")
    with open(tmp_path / "code" / "x") as file:
        assert (file.read(), type(file.buffer.raw)) == ("text", io.FileIO)
    assert (os.listdir(), os.listdir("code")) == (["code"], ["x"])
    assert [entry.name for entry in os.scandir(b"code")] == [b"x"]
    descriptor = os.open("code/x", os.O_RDONLY)
    assert os.stat(descriptor).st_size == os.lstat("code/x").st_size == 4
    with open(descriptor) as file:
        assert file.read() == "text"
    assert os.access("code/x", os.W_OK) and not os.path.exists("/codes") and not os.path.exists("/code x")
    os.rename("code/x", "code/y")
    os.remove("code/y")
    for wrong in (lambda: open(None), lambda: os.stat(1.5), lambda: os.listdir(["x"])):
        with pytest.raises(TypeError):
            wrong()


def test_a_class_may_keep_the_functions() -> None:
    class Reader:
        opener = open
        status = os.stat

    assert Reader().opener("/code/data.json").read() == '{"tea": 3}'
    assert Reader().status("/code/data.json").st_size == 10


def test_the_library_knows_what_the_functions_can_do() -> None:
    assert os.stat in os.supports_dir_fd and os.scandir in os.supports_fd and os.stat in os.supports_follow_symlinks


def test_files_left_open_are_no_harm_at_the_end() -> None:
    flush_files({"left": open("/code/data.json")})
