"""Installed packages are found by `importlib.metadata`."""

import importlib.metadata
import sys

import pytest

from hks_guest import distributions
from hks_guest.packages import FOLDER

_FILES = {
    f"{FOLDER}/": b"fruit\nFruit_Salad-1.5.dist-info/\nfruit-2.0.dist-info/\n",
    f"{FOLDER}/fruit-2.0.dist-info/": b"METADATA\n",
    f"{FOLDER}/fruit-2.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: fruit\nVersion: 2.0\n",
    f"{FOLDER}/Fruit_Salad-1.5.dist-info/METADATA": b"Metadata-Version: 2.1\nName: Fruit-Salad\nVersion: 1.5\n",
    f"{FOLDER}/Fruit_Salad-1.5.dist-info/entry_points.txt": b"[bowls]\nlarge = fruit:salad\n",
}


@pytest.fixture
def installed(monkeypatch):
    finder = importlib.metadata.MetadataPathFinder
    original = vars(finder)["find_distributions"]
    monkeypatch.setattr(sys, "path", [FOLDER])
    distributions.install(_FILES.get)
    yield
    finder.find_distributions = original


def test_versions_are_known_by_any_spelling(installed) -> None:
    assert importlib.metadata.version("fruit") == "2.0"
    assert importlib.metadata.version("fruit.salad") == importlib.metadata.version("Fruit-Salad") == "1.5"
    with pytest.raises(importlib.metadata.PackageNotFoundError):
        importlib.metadata.version("vegetable")


def test_entry_points_and_all_distributions(installed) -> None:
    [large] = importlib.metadata.entry_points(group="bowls")
    assert (large.name, large.value, large.dist.name) == ("large", "fruit:salad", "Fruit-Salad")
    assert sorted(found.name for found in importlib.metadata.distributions()) == ["Fruit-Salad", "fruit"]


def test_other_folders_are_left_to_the_library(installed, tmp_path) -> None:
    folder = tmp_path / "nut-3.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: nut\nVersion: 3\n")
    sys.path.append(str(tmp_path))
    assert importlib.metadata.version("nut") == "3"
