"""What the numbers were taken on."""

from __future__ import annotations

import datetime
import os
import platform
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def facts() -> dict[str, str]:
    """Processor, kernel, interpreter, commit, date, load. What cannot be found out is `unknown`."""
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": commit(),
        "processor": f"{processor()}, {len(os.sched_getaffinity(0))} cores",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "kernel": f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "load": load(),
    }


class Watch:
    """What other programs take from us meanwhile, which says more of a measurement's worth than the load does."""

    def __init__(self) -> None:
        """Begins to watch."""
        self._began = time.monotonic()
        self._busy_s = _busy_s()
        self._own_s = _own_s()

    def others(self) -> float:
        """Cores that were busy on average for somebody else: programs, or the kernel on its own account.

        Right only when our own children have ended, because what they took is told then.
        """
        seconds = time.monotonic() - self._began
        return max((_busy_s() - self._busy_s) - (_own_s() - self._own_s), 0.0) / seconds


def _busy_s() -> float:
    """Seconds that all cores together were not idle: user, nice, system, irq, softirq and steal of `/proc/stat`."""
    fields = [int(word) for word in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    user, nice, system, _idle, _iowait, irq, softirq, steal = fields
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def _own_s() -> float:
    taken = os.times()
    return taken.user + taken.system + taken.children_user + taken.children_system


def load() -> str:
    """The average over one, five and fifteen minutes."""
    return " ".join(f"{number:.2f}" for number in os.getloadavg())


def processor() -> str:
    """The model's name; where there is none, the architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def commit() -> str:
    """The checkout's commit, marked when files differ from it."""
    try:
        head = _git("rev-parse", "--short=12", "HEAD")
        return f"{head} with changes" if _git("status", "--porcelain") else head
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=ROOT, check=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    return done.stdout.strip()
