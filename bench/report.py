"""Tables and bars, as text, as Markdown and as JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Mapping, Optional, Sequence, Union

Value = Union[str, float, int, None]
Format = Callable[[Any], str]

NOT_ALL = "what it compares was not all measured"


@dataclass(frozen=True)
class Column:
    """One column: the key in the rows, the heading, and how a value is written."""

    key: str
    heading: str
    write: Format = str


@dataclass
class Row:
    """One thing that was measured, or the reason why it was not."""

    name: str
    values: Mapping[str, Value] = field(default_factory=dict)
    empty: Optional[str] = None


@dataclass
class Bar:
    """A promise and what became of it."""

    promise: str
    passed: Optional[bool]
    """`None`: what it speaks of was not measured."""
    found: str

    @property
    def verdict(self) -> str:
        """For people."""
        return {True: "PASS", False: "FAIL", None: "NOT MEASURED"}[self.passed]


@dataclass
class Section:
    """What one benchmark found."""

    name: str
    title: str
    columns: Sequence[Column]
    rows: list[Row]
    bars: list[Bar] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    others_cores: Optional[float] = None
    """Cores that others used meanwhile."""

    def as_json(self) -> dict[str, object]:
        """Plain values, unrounded."""
        return {
            "title": self.title,
            "rows": [
                {"name": row.name, **row.values, **({"empty": row.empty} if row.empty else {})} for row in self.rows
            ],
            "bars": [{"promise": bar.promise, "passed": bar.passed, "found": bar.found} for bar in self.bars],
            "notes": self.notes,
            "others_cores": self.others_cores,
        }


def at_most(promise: str, found: Optional[float], limit: float, write: Format) -> Bar:
    """A promise that `found` is `limit` or less."""
    if found is None:
        return Bar(promise, None, NOT_ALL)
    return Bar(promise, found <= limit, write(found))


def at_least(promise: str, found: Optional[float], limit: float, write: Format) -> Bar:
    """A promise that `found` is `limit` or more."""
    if found is None:
        return Bar(promise, None, NOT_ALL)
    return Bar(promise, found >= limit, write(found))


def milliseconds(value: float) -> str:
    """Three digits that mean something."""
    return f"{value:.3f}" if value < 10 else f"{value:.1f}" if value < 1000 else f"{value:,.0f}"


def times(value: float) -> str:
    """A ratio, written as a fraction where that reads better. Digits enough to see which side of a bar it is on."""
    if value >= 0.5:
        return f"{value:.2f}"
    inverse = 1 / value
    return f"1/{inverse:.2f}" if inverse < 10 else f"1/{inverse:.1f}" if inverse < 100 else f"1/{inverse:,.0f}"


def whole(value: float) -> str:
    """A number without decimals."""
    return f"{value:,.0f}"


def one_decimal(value: float) -> str:
    """A number with one decimal."""
    return f"{value:,.1f}"


def as_text(section: Section) -> str:
    """Aligned columns."""
    cells, reasons = _cells(section)
    widths = [max(len(line[index]) for line in cells) for index in range(len(cells[0]))]
    lines = [f"{section.name}: {section.title}"]
    for line, reason in zip(cells, reasons):
        if reason:
            lines.append(f"  {line[0]:<{widths[0]}}  not measured: {reason}")
            continue
        numbers = "  ".join(f"{cell:>{width}}" for cell, width in zip(line[1:], widths[1:]))
        lines.append(f"  {line[0]:<{widths[0]}}  {numbers}".rstrip())
    lines += [f"  {bar.verdict}  {bar.promise}: {bar.found}" for bar in section.bars]
    lines += [f"  - {note}" for note in section.notes]
    return "\n".join(lines) + "\n"


def as_markdown(section: Section) -> str:
    """A table to paste."""
    cells, reasons = _cells(section)
    lines = [f"### `{section.name}`: {section.title}", ""]
    for index, (line, reason) in enumerate(zip(cells, reasons)):
        shown = [line[0], f"not measured: {reason}", *[""] * (len(line) - 2)] if reason else line
        lines.append(f"| {' | '.join(cell.replace('|', '/') for cell in shown)} |")
        if index == 0:
            lines.append("|---|" + "---:|" * (len(line) - 1))
    lines.append("")
    lines += [f"- **{bar.verdict}** {bar.promise}: {bar.found}" for bar in section.bars]
    lines += [f"- {note}" for note in section.notes]
    return "\n".join(lines) + "\n"


def _cells(section: Section) -> tuple[list[list[str]], list[Optional[str]]]:
    cells = [["", *(column.heading for column in section.columns)]]
    for row in section.rows:
        values = [(column, row.values.get(column.key)) for column in section.columns]
        cells.append([row.name, *("" if value is None else column.write(value) for column, value in values)])
    return cells, [None, *(row.empty for row in section.rows)]
