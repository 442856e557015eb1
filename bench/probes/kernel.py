"""What the kernel says of the memory of this process."""

from __future__ import annotations

from pathlib import Path


def memory_kib() -> dict[str, int]:
    """KiB by the kernel's names: `Rss`, `Pss`, `Private_Dirty` and so on, and `VmPTE` for the page tables."""
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()[1:]
    lines += [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmPTE")]
    return {line.partition(":")[0]: int(line.split()[1]) for line in lines}
