"""Lets `importlib.metadata` find installed packages, which are in no folder that could be listed.

Many packages ask for their own version when they are imported, and plugins are found by their entry points.
"""

import importlib.metadata
from collections.abc import Iterator

from hks_guest.packages import PackagePath, Read, is_ours, listed

_Finder = importlib.metadata.MetadataPathFinder
_Context = importlib.metadata.DistributionFinder.Context
_SUFFIX = ".dist-info"


def install(read: Read) -> None:
    """Answers for folders of ours, and leaves others to the library: it would look for ours on a disk, and an instance that
    has done so cannot become a snapshot."""
    find_elsewhere = _Finder.find_distributions

    def find_distributions(context: _Context = _Context()) -> Iterator[importlib.metadata.Distribution]:  # noqa: B008
        others = []
        for folder in context.path:
            if is_ours(folder):
                yield from _below(folder, context.name, read)
            else:
                others.append(folder)
        if others:
            yield from find_elsewhere(_Context(name=context.name, path=others))

    _Finder.find_distributions = staticmethod(find_distributions)


def _below(folder: str, name: str | None, read: Read) -> Iterator[importlib.metadata.Distribution]:
    wanted = None if name is None else importlib.metadata.Prepared(name).normalized
    for entry in listed(read, folder):
        known_as, _, suffix = entry.rstrip("/").partition("-")
        is_wanted = wanted is None or importlib.metadata.Prepared(known_as).normalized == wanted
        if is_wanted and suffix.endswith(_SUFFIX):
            yield importlib.metadata.PathDistribution(PackagePath(f"{folder}/{entry.rstrip('/')}", read))
