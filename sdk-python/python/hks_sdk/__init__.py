"""HKS Functions: run code that nobody trusts in a WebAssembly sandbox, from Python.

>>> import hks_sdk
>>> hks_sdk.functions.execute("def handler(event): return event * 2", 21).value
42

`hks_sdk.functions` has `execute` and `aexecute`; both return an `ExecutionResult`. For functions that are called often
it has `load`, `aload` and `resume`, which return a `LoadedFunction`. `hks_sdk.errors` has all exceptions.
"""

from typing import TYPE_CHECKING

from hks_sdk import errors, functions
from hks_sdk._loaded import LoadedFunction
from hks_sdk._result import ExecutionResult
from hks_sdk.errors import (
    ForkedProcessError,
    FunctionError,
    GuestNotFoundError,
    HksError,
    InfrastructureError,
    InvalidArgumentError,
    OverloadedError,
)

if TYPE_CHECKING:
    from hks_sdk._parts import Artifact, FunctionFailure, Limits, Logs, RichResult, Usage
else:

    def __getattr__(name: str) -> object:
        """The classes of a result's parts, loaded when somebody names one: most programs only look at the value."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from hks_sdk import _parts

        return getattr(_parts, name)


__version__ = "0.1.0"
"""Equal to the version in the package's metadata, which comes from Cargo; a test holds them together."""

__all__ = [
    "Artifact",
    "ExecutionResult",
    "ForkedProcessError",
    "FunctionError",
    "FunctionFailure",
    "GuestNotFoundError",
    "HksError",
    "InfrastructureError",
    "InvalidArgumentError",
    "Limits",
    "LoadedFunction",
    "Logs",
    "OverloadedError",
    "RichResult",
    "Usage",
    "__version__",
    "errors",
    "functions",
]
