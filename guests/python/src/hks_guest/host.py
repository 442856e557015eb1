"""What the guest asks of its host, as plain functions.

A value instead of direct imports, because the host's functions cannot be called while the component is built: the
driver is warmed up against `SILENT` first and given the real ones afterwards.
"""

from collections.abc import Callable
from typing import NamedTuple


class Host(NamedTuple):
    """The functions of the world `interpreter` that the driver uses."""

    write_stdout: Callable[[str], None]
    write_stderr: Callable[[str], None]
    # Takes a JSON object from format to content; raises what the host says is wrong with it.
    publish: Callable[[str], None]
    remaining_ms: Callable[[], int]
    variables: Callable[[], list[tuple[str, str]]]
    # The module at a path without its ending, as the record `packages.module`; None if there is none.
    find_module: Callable[[str], object | None]
    # A file of a package by its path, or the names in a folder by its path with a slash at the end.
    read_file: Callable[[str], bytes | None]


SILENT = Host(
    write_stdout=lambda text: None,
    write_stderr=lambda text: None,
    publish=lambda formats: None,
    remaining_ms=lambda: 0,
    variables=list,
    find_module=lambda name: None,
    read_file=lambda path: None,
)
