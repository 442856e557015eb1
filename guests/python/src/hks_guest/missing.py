"""Says what to do when a module is not in the sandbox.

The error stays a ModuleNotFoundError with its `name`, and `importlib.util.find_spec` still answers None, because
libraries probe for optional modules with both. Only the message is better, and only failed imports pay for it.
"""

import importlib._bootstrap
import sys

from hks_guest.unsupported import NO_NETWORK, NO_PROCESSES

_NO_NATIVE = "the sandbox loads no native libraries. Use the container runtime for code that needs it"
_NO_TERMINAL = "a function has no terminal and no screen. Return text, or show it with the builtin display()"
_ZLIB_INSTEAD = "this compression is not in the sandbox. Use zlib or gzip, or the container runtime"

# Modules of the standard library that cannot work here. They are left out of the component, so that importing them
# fails at once instead of half-way. Names without a dot include what is below them.
UNSUPPORTED = {
    "ssl": f"{NO_NETWORK} for TLS",
    "ctypes": _NO_NATIVE,
    "bz2": _ZLIB_INSTEAD,
    "lzma": _ZLIB_INSTEAD,
    "compression.bz2": _ZLIB_INSTEAD,
    "compression.lzma": _ZLIB_INSTEAD,
    "compression.zstd": _ZLIB_INSTEAD,
    "mmap": "files cannot be mapped into memory in the sandbox. Read them instead",
    "fcntl": "the sandbox has no file locks and no device control. No other program can touch a function's files",
    "resource": "the host sets the limits. See context.memory_limit_mb and context.remaining_time_ms()",
    "pwd": "the sandbox has no users",
    "grp": "the sandbox has no users",
    "syslog": "the sandbox has no system log. Print, or use logging",
    "pty": NO_PROCESSES,
    "tty": _NO_TERMINAL,
    "termios": _NO_TERMINAL,
    "curses": _NO_TERMINAL,
    "readline": _NO_TERMINAL,
    "tkinter": _NO_TERMINAL,
    "turtle": _NO_TERMINAL,
    "turtledemo": _NO_TERMINAL,
    "idlelib": _NO_TERMINAL,
    "dbm.gnu": "this database is not in the sandbox. Use sqlite3 or dbm.sqlite3",
    "dbm.ndbm": "this database is not in the sandbox. Use sqlite3 or dbm.sqlite3",
    "ensurepip": "nothing can be installed at run time. Declare packages when you deploy",
    "venv": "nothing can be installed at run time. Declare packages when you deploy",
    "pip": "nothing can be installed at run time. Declare packages when you deploy",
}
# Well-known packages with native code, for which "declare it" would be the wrong advice.
_NATIVE = frozenset(
    """
    numpy pandas scipy sklearn torch tensorflow matplotlib PIL cv2 lxml polars pyarrow psycopg2 cryptography grpc
    duckdb numba jax shapely spacy transformers
    """.split()
)
_DECLARE = (
    "declare it under `packages` when you deploy or execute (packages in pure Python only), or use the container "
    "runtime"
)
_HINTS = {
    "IPython": "it is not in the sandbox. Its display() is a builtin here; otherwise " + _DECLARE,
    "requests": f"it is not in the sandbox, and {NO_NETWORK}",
    "httpx": f"it is not in the sandbox, and {NO_NETWORK}",
    "aiohttp": f"it is not in the sandbox, and {NO_NETWORK}",
}


def is_unsupported(name: str) -> bool:
    """Whether a module of the standard library is left out, itself or with its package."""
    return name in UNSUPPORTED or name.partition(".")[0] in UNSUPPORTED


def explain(name: str) -> str:
    """The message for a module that cannot be found."""
    root = name.partition(".")[0]
    if is_unsupported(name):
        return f"No module named {name!r}: {UNSUPPORTED.get(name) or UNSUPPORTED[root]}"
    if is_unsupported(root.lstrip("_")):
        return f"No module named {name!r}: {UNSUPPORTED[root.lstrip('_')]}"
    if root in sys.stdlib_module_names:
        return f"No module named {name!r}: this part of the standard library is made for another platform"
    if root in _NATIVE:
        return (
            f"No module named {name!r}: it is not in the sandbox, which cannot run its native code. "
            "Use the standard library (math, statistics, csv, sqlite3, ...), or the container runtime"
        )
    return f"No module named {name!r}: {_HINTS.get(root) or f'it is not in the sandbox; {_DECLARE}'}"


def install() -> None:
    """Wraps the step of the import system that raises ModuleNotFoundError."""
    find_and_load = importlib._bootstrap._find_and_load_unlocked

    def _find_and_load_unlocked(name, import_):
        try:
            return find_and_load(name, import_)
        except ModuleNotFoundError as error:
            # A module that its package lacks is the package's business.
            ours = "." not in name or is_unsupported(name)
            if ours and error.name == name and error.msg == f"No module named {name!r}":
                error.msg = explain(name)
                error.args = (error.msg,)
            raise

    # Under this file name the interpreter leaves the frame out of tracebacks, like the import system's others.
    code = _find_and_load_unlocked.__code__.replace(co_filename="<frozen importlib._bootstrap>")
    _find_and_load_unlocked.__code__ = code
    importlib._bootstrap._find_and_load_unlocked = _find_and_load_unlocked
