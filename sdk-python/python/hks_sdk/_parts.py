"""The parts of a result that are plain records: frozen, and made from the report's JSON only when somebody looks at
them.

A report of a newer runtime may have more fields than these classes know; they are ignored here and kept by
`ExecutionResult.to_dict()`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, ClassVar, Mapping, Optional

from hks_sdk._json import encode_text


@dataclass(frozen=True)
class Logs:
    """What the function printed, line by line and without line feeds, up to the log limit."""

    stdout: list[str]
    stderr: list[str]


@dataclass(frozen=True)
class FunctionFailure:
    """Why an execution did not succeed: the function's own exception, or the limit that it met."""

    name: str
    """The exception's type, such as `ValueError`, or what happened, such as `TimeoutExceeded`."""
    value: str
    """The message."""
    traceback: str
    """With the function's own source lines; empty where there is none."""


@dataclass(frozen=True)
class Artifact:
    """A file that the function left under `/outputs`."""

    path: str
    mime: str
    size: int
    """In bytes."""
    sha256: str
    """Lower-case hexadecimal."""
    url: str


@dataclass(frozen=True)
class Usage:
    """What an execution used."""

    fuel: int = 0
    """Units of WebAssembly work. The same code and input use the same fuel on every machine, but for compiling: the
    first two executions of a source in a process include it, later ones do not.
    """
    cpu_ms: float = 0.0
    """Processor time of the guest's thread in milliseconds, start and host calls included."""
    wall_ms: float = 0.0
    """From start to end in milliseconds."""
    memory_peak_bytes: int = 0
    """Largest size of the instance's memories together, the interpreter included."""
    egress_bytes: int = 0
    """Sent and received over the network."""
    start_us: int = 0
    """Until the function's own code could begin, in microseconds."""


@dataclass(frozen=True)
class Limits:
    """What an execution might have used."""

    memory_mb: int = 0
    timeout_s: float = 0.0
    fuel: int = 0
    output_bytes: int = 0
    """Value and rich results together."""
    log_bytes: int = 0
    """stdout and stderr together."""
    tmp_bytes: int = 0
    """Size of the private `/tmp`."""


@dataclass(frozen=True)
class RichResult:
    """One thing that the function published, in one or more formats. Binary formats are base64 text."""

    text: Optional[str] = None
    html: Optional[str] = None
    markdown: Optional[str] = None
    svg: Optional[str] = None
    png: Optional[str] = None
    jpeg: Optional[str] = None
    pdf: Optional[str] = None
    latex: Optional[str] = None
    json: Any = None
    javascript: Optional[str] = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Formats that this version does not know."""

    NAMES: ClassVar[tuple[str, ...]] = (
        "text", "html", "markdown", "svg", "png", "jpeg", "pdf", "latex", "json", "javascript",
    )  # fmt: skip

    @classmethod
    def from_formats(cls, formats: Mapping[str, Any]) -> RichResult:
        """From the report: a format that ought to be text and is other JSON becomes the text of that JSON."""
        known = {name: _as_text(name, formats[name]) for name in cls.NAMES if name in formats}
        return cls(**known, extra={name: value for name, value in formats.items() if name not in cls.NAMES})

    def formats(self) -> list[str]:
        """The names of the formats that there are."""
        return [name for name in self.NAMES if getattr(self, name) is not None] + list(self.extra)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        """For notebooks. The function is not trusted: nothing in the bundle can run in the page; see `_display`."""
        from hks_sdk._display import mime_bundle

        return mime_bundle(self)


_RECORDS = {"error": FunctionFailure, "logs": Logs, "usage": Usage, "limits": Limits}


def make(name: str, raw: Any) -> Any:
    """The part `name` of a result from that entry of its report."""
    if name in _RECORDS:
        return record(_RECORDS[name], raw)
    if name == "results":
        return [RichResult.from_formats(formats) for formats in raw]
    if name == "artifacts":
        return [record(Artifact, artifact) for artifact in raw]
    return parse_time(raw)


def record(kind: Any, raw: Mapping[str, Any]) -> Any:
    """The dataclass `kind` from those entries of `raw` that it knows."""
    return kind(**{name: raw[name] for name in kind.__dataclass_fields__ if name in raw})


def parse_time(text: str) -> datetime:
    """An RFC 3339 time in UTC with any number of fractional digits; what is finer than a microsecond is cut off.

    `datetime.fromisoformat` of Python 3.9 and 3.10 takes neither `Z` nor nine digits.
    """
    seconds, _, fraction = text.rstrip("Zz").partition(".")
    moment = datetime.strptime(seconds.replace("t", "T"), "%Y-%m-%dT%H:%M:%S")
    return moment.replace(microsecond=int(f"{fraction:0<6}"[:6]), tzinfo=timezone.utc)


def _as_text(name: str, value: Any) -> Any:
    return value if name == "json" or value is None or isinstance(value, str) else encode_text(value)
