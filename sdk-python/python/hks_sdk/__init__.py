"""HKS Functions: run code that nobody trusts in a WebAssembly sandbox, from Python.

>>> import hks_sdk
>>> hks_sdk.functions.execute("def handler(event): return event * 2", 21).value
42

`hks_sdk.functions` has `execute` and `aexecute`; both return an `ExecutionResult`. `hks_sdk.errors` has all
exceptions.
"""

from hks_sdk import errors, functions
from hks_sdk._parts import Artifact, FunctionFailure, Limits, Logs, RichResult, Usage
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
    "Logs",
    "OverloadedError",
    "RichResult",
    "Usage",
    "__version__",
    "errors",
    "functions",
]
