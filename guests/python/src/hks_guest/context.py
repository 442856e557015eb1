"""The `context` argument of a handler. Made only for handlers that take it, because parsing costs time."""

import json
from collections.abc import Callable

_parse = json.JSONDecoder().decode
_FIELDS = (
    "execution_id",
    "attempt",
    "function_name",
    "function_version",
    "project",
    "trigger",
    "deadline_ms",
    "scheduled_at",
    "memory_limit_mb",
)


class Context:
    """What a handler may know about its own execution.

    `deadline_ms` is Unix time in milliseconds; `scheduled_at` is the nominal time of a cron run, otherwise None.
    A field that the host did not send is None; one that this version does not know is an attribute all the same.
    """

    def __init__(self, text: str, remaining_ms: Callable[[], int]) -> None:
        fields = _parse(text)
        self.__dict__.update({name: fields.pop(name, None) for name in _FIELDS})
        self.__dict__.update(fields)
        self._remaining_ms = remaining_ms

    def remaining_time_ms(self) -> int:
        """Milliseconds until this attempt is stopped."""
        return self._remaining_ms()

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={value!r}" for name, value in self.__dict__.items() if name[0] != "_")
        return f"Context({fields})"
