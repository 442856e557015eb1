"""The result of an execution: one report, read once, in the words of the contract.

A result is data about what happened, whether the function succeeded or not. It never changes. Most callers look at
`value` only: the rest of the report is parsed, and its parts become objects, when they are first looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Iterator, Literal, NoReturn, Optional, cast

from hks_sdk._escapes import clip
from hks_sdk._json import decode, decode_report, encode_text
from hks_sdk.errors import FunctionError

if TYPE_CHECKING:
    from datetime import datetime

    from hks_sdk._parts import Artifact, FunctionFailure, Limits, Logs, RichResult, Usage

Status = Literal["succeeded", "failed", "limit_exceeded", "canceled", "host_error"]
Outcome = Literal[
    "succeeded",
    "failed",
    "exited",
    "trapped",
    "timed_out",
    "out_of_fuel",
    "out_of_memory",
    "stack_overflow",
    "output_too_large",
    "canceled",
]
Trigger = Literal["api", "http", "cron", "event"]


class ExecutionResult:
    """How an execution went, what it returned, printed and used.

    `result["key"]`, `in`, `len`, iteration, `get`, `keys`, `values` and `items` reach into `value`. `bool(result)` is
    `ok`.
    """

    __slots__ = ("_json", "_parts", "_read", "_value")

    _json: str
    # The report, once it was parsed; until then its value by itself.
    _read: Optional[dict[str, Any]]
    _value: Any
    _parts: dict[str, Any]

    def __init__(self, report_json: str) -> None:
        """From the JSON of a report, as `to_json` gives it back."""
        _fill(self, report_json, decode_report(report_json), None)

    @classmethod
    def _of(cls, ended: tuple[str, Optional[str]]) -> ExecutionResult:
        """From the native module: a report's JSON, and beside it that of its value unless it is large."""
        report_json, value_json = ended
        if value_json is None:
            return cls(report_json)
        result = cls.__new__(cls)
        _fill(result, report_json, None, decode(value_json))
        return result

    @property
    def _report(self) -> dict[str, Any]:
        report = self._read
        if report is None:
            report = decode_report(self._json)
            # What the caller may have looked at already.
            report["value"] = self._value
            _set(self, "_read", report)
        return report

    # What happened

    @property
    def execution_id(self) -> str:
        """Unique and sortable by time: `exe_…`."""
        return cast(str, self._report["execution_id"])

    @property
    def function(self) -> str:
        """The function's name; `execute` for code that was never deployed."""
        return cast(str, self._report["function"])

    @property
    def version(self) -> str:
        """The function's version."""
        return cast(str, self._report["version"])

    @property
    def status(self) -> Status:
        """The coarse answer: `succeeded`, `failed`, `limit_exceeded`, `canceled` or `host_error`."""
        return cast(Status, self._report["status"])

    @property
    def outcome(self) -> Outcome:
        """The fine answer, such as `timed_out` or `out_of_memory`."""
        return cast(Outcome, self._report["outcome"])

    @property
    def ok(self) -> bool:
        """The handler returned a value."""
        return bool(self._report["status"] == "succeeded")

    @property
    def error(self) -> Optional[FunctionFailure]:
        """Why it did not succeed; `None` if it did."""
        return None if self._report.get("error") is None else cast("FunctionFailure", self._part("error"))

    def raise_for_error(self) -> ExecutionResult:
        """This result if the function succeeded; otherwise raises its error as `FunctionError`."""
        if self.ok:
            return self
        failure = self.error
        if failure is None:
            raise FunctionError(self.outcome, f"the execution ended as {self.status}", "", self)
        raise FunctionError(failure.name, failure.value, failure.traceback, self)

    # What came back

    @property
    def value(self) -> Any:
        """What the handler returned, as JSON gives it back: a tuple is a list. `None` unless it succeeded."""
        return self._value if self._read is None else self._read["value"]

    @property
    def text(self) -> Optional[str]:
        """The value as text: a `str` as it is, anything else as JSON.

        Where there is no value (it failed, or returned `None`), it is the text of the last rich result that has one;
        without such, it is `"null"` for a success and `None` for everything else.
        """
        value = self.value
        if value is not None:
            return value if isinstance(value, str) else encode_text(value)
        rich = next((result.text for result in reversed(self.results) if result.text is not None), None)
        return "null" if rich is None and self.ok else rich

    @property
    def results(self) -> list[RichResult]:
        """Rich results in the order in which the function published them."""
        return cast("list[RichResult]", self._part("results"))

    @property
    def logs(self) -> Logs:
        """What it printed."""
        return cast("Logs", self._part("logs"))

    @property
    def truncated(self) -> bool:
        """Some log lines or rich results were dropped, because a limit was reached."""
        return cast(bool, self._report["truncated"])

    @property
    def artifacts(self) -> list[Artifact]:
        """Files that it left under `/outputs`."""
        return cast("list[Artifact]", self._part("artifacts"))

    # What it took

    @property
    def usage(self) -> Usage:
        """What it used."""
        return cast("Usage", self._part("usage"))

    @property
    def limits(self) -> Limits:
        """What it might have used."""
        return cast("Limits", self._part("limits"))

    @property
    def trigger(self) -> Trigger:
        """What started it; `api` for the SDK."""
        return cast(Trigger, self._report["trigger"])

    @property
    def attempt(self) -> int:
        """Which attempt this was, counted from 1."""
        return cast(int, self._report["attempt"])

    @property
    def created_at(self) -> datetime:
        """When it was asked for, in UTC."""
        return cast("datetime", self._part("created_at"))

    @property
    def started_at(self) -> datetime:
        """When the instance started, in UTC."""
        return cast("datetime", self._part("started_at"))

    @property
    def finished_at(self) -> datetime:
        """When it had ended, in UTC."""
        return cast("datetime", self._part("finished_at"))

    @property
    def trace_id(self) -> Optional[str]:
        """W3C trace id, if the caller is traced."""
        return cast("Optional[str]", self._report.get("trace_id"))

    def to_dict(self) -> dict[str, Any]:
        """The report as plain JSON values: a fresh copy in the one shape of the SDKs, the HTTP API and the command
        line.
        """
        return decode_report(self._json)

    def to_json(self) -> str:
        """The report as JSON text. `ExecutionResult(text)` reads it back."""
        return self._json

    # Access into the value

    def __getitem__(self, key: Any) -> Any:
        """An entry of `value`. `KeyError`, `IndexError` or `TypeError` say what there is instead, and why."""
        value = self._container("indexed with []", (dict, list))
        try:
            return value[key]
        except KeyError:
            raise _MissingKey(f"the value has no key {key!r}; it has {clip(repr(list(value)), 300)}") from None
        except IndexError:
            raise IndexError(f"the value has no index {key!r}; its length is {len(value)}") from None
        except TypeError:
            raise TypeError(f"the value is a {type(value).__name__}; {key!r} cannot be looked up in it") from None

    def __contains__(self, key: object) -> bool:
        return key in self._container("searched with in", (dict, list))

    def __iter__(self) -> Iterator[Any]:
        return iter(self._container("iterated", (dict, list)))

    def __len__(self) -> int:
        return len(self._container("measured with len()", (dict, list)))

    def __bool__(self) -> bool:
        return self.ok

    def get(self, key: str, default: Any = None) -> Any:
        """`value[key]`, or `default` where the key is missing. Raises `TypeError` if there is no dict to look into."""
        return self._container("asked with get()", (dict,)).get(key, default)

    def keys(self) -> Any:
        """The keys of `value`."""
        return self._container("asked for keys()", (dict,)).keys()

    def values(self) -> Any:
        """The values of `value`."""
        return self._container("asked for values()", (dict,)).values()

    def items(self) -> Any:
        """The items of `value`."""
        return self._container("asked for items()", (dict,)).items()

    def _container(self, action: str, kinds: tuple[type, ...]) -> Any:
        value = self.value
        if isinstance(value, kinds):
            return value
        if not self.ok:
            failure = self.error
            why = f": {clip(f'{failure.name}: {failure.value}', 500)}" if failure else ""
            raise TypeError(f"there is no value, so it cannot be {action}: the execution ended as {self.status}{why}")
        raise TypeError(f"the value is {clip(repr_value(value), 100)}, which cannot be {action}; use result.value")

    # Its nature

    def _part(self, name: str) -> Any:
        """The part `name`, made at most once. Two threads may both make it; they are equal, and one is kept."""
        part = self._parts.get(name)
        if part is None:
            from hks_sdk import _parts

            part = self._parts.setdefault(name, _parts.make(name, self._report[name]))
        return part

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"an ExecutionResult never changes; {name} cannot be set")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"an ExecutionResult never changes; {name} cannot be deleted")

    def __reduce__(self) -> tuple[type[ExecutionResult], tuple[str]]:
        return ExecutionResult, (self._json,)

    def __copy__(self) -> ExecutionResult:
        return self

    def __eq__(self, other: object) -> bool:
        return self._json == other._json if isinstance(other, ExecutionResult) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._json)

    def __repr__(self) -> str:
        from hks_sdk._display import text_of

        return text_of(self)

    def _repr_html_(self) -> str:
        from hks_sdk._display import html_of

        return html_of(self)


def repr_value(value: Any) -> str:
    """`repr`, but for values of any depth."""
    try:
        return repr(value)
    except (RecursionError, ValueError):
        return encode_text(value)


class _MissingKey(KeyError):
    """A `KeyError` whose message is a sentence, not the `repr` of one."""

    def __str__(self) -> str:
        return str(self.args[0])


_set = object.__setattr__


def _fill(result: ExecutionResult, report_json: str, report: Optional[dict[str, Any]], value: Any) -> None:
    _set(result, "_json", report_json)
    _set(result, "_read", report)
    _set(result, "_value", value)
    _set(result, "_parts", {})
