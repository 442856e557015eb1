import csv
import glob
import json
import os
import shutil
import tomllib
from pathlib import Path

HERE = os.path.dirname(__file__)
with open(HERE + "/data.json") as file:
    DATA = json.load(file)
TEXT = (Path(__file__).parent / "data" / "names.txt").read_text()
LISTED = sorted(os.listdir(HERE))
THERE = [os.path.exists("/code/none"), os.path.isdir("/code/data"), Path("/code/data.json").is_file()]
assert sorted(path.name for path in Path(HERE).iterdir()) == LISTED
assert sorted(glob.glob("/code/**/*.t*", recursive=True)) == ["/code/data/names.txt", "/code/data/x.toml"]


def refused(write):
    try:
        write()
    except OSError as error:
        return str(error)


def read():
    assert json.loads(Path(HERE, "data.json").read_bytes()) == DATA
    assert open(__file__).read().startswith("import csv\n")
    assert os.path.getsize(__file__) > 1000 and os.stat(__file__).st_mtime == 315_532_800
    assert list(csv.reader(open("/code/data/rows.csv", newline=""))) == [["a", "b"]]
    assert tomllib.load(open("/code/data/x.toml", "rb")) == {"x": 1}
    assert [str(path) for path in Path("/code").rglob("*.csv")] == ["/code/data/rows.csv"]
    assert [folder for folder, _, _ in os.walk("/code")] == ["/code", "/code/data"]
    assert [folder.name for folder, _, _ in Path("/code").walk()] == ["code", "data"]
    assert Path("/code/data/../data.json").resolve().samefile("/code/data.json")
    info = Path("/code/data").info
    assert info.exists() and info.is_dir() and not info.is_file()


def copy():
    shutil.copy("/code/data.json", "one.json")
    shutil.copy2("/code/data.json", "/tmp/two.json")
    shutil.copytree("/code/data", "/tmp/data")
    Path("/code/data.json").copy("/tmp/three.json")
    assert sorted(os.listdir("/tmp")) == ["data", "one.json", "three.json", "two.json"]
    assert Path("one.json").read_text() == open("two.json").read() == Path("/tmp/three.json").read_text()
    with open("one.json", "a") as file:
        file.write("\n")


def write():
    writes = [
        lambda: os.remove(__file__),
        lambda: Path("/code/new").mkdir(),
        lambda: Path("/code/new").touch(),
        lambda: shutil.copy("one.json", "/code"),
    ]
    assert all("Read-only file system" in refused(write) for write in writes), [refused(write) for write in writes]
    assert "No such file" in refused(lambda: open("/code/none"))
    assert "directory" in refused(lambda: open("/code/data"))
    return refused(lambda: open("/code/new", "w"))


def handler(event):
    read()
    copy()
    return [DATA, TEXT, LISTED, THERE, write()]
