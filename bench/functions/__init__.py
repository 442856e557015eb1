"""The functions that are measured, as files, because programs in Rust read them as well.

They are sources, not modules: nothing imports them but a guest.
"""

from __future__ import annotations

import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
PACKAGES = Path(sys.prefix) / "guest-packages"
"""What they import beyond the standard library: `packages.txt`, put there by `cargo xtask bench`."""

TRIVIAL = FOLDER / "trivial.py"
TRIVIAL_JAVASCRIPT = FOLDER / "trivial.js"
TEXT = FOLDER / "text.py"
TASKS = FOLDER / "tasks.py"
IMPORTS = FOLDER / "imports.py"
TEMPLATE = FOLDER / "template.py"
DATA = FOLDER / "data.py"
