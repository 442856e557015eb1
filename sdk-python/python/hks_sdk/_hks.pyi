"""The native module: the embedded runtime. Private; `stubtest` holds this file and the module together."""

from typing import Callable, Literal, Optional, final

__all__ = ["Execution", "Runtime"]

@final
class Runtime:
    def __new__(cls, guests_dir: str, cache_dir: str) -> Runtime: ...
    def is_compiled(self, language: str) -> bool: ...
    def prepare(self, language: str) -> None: ...
    def start(
        self,
        language: str,
        code: str,
        input: str,
        *,
        timeout_s: float,
        memory_mb: int,
        fuel: Optional[int],
        environment: dict[str, str],
        stream: bool,
        wake: Optional[Callable[[], object]],
    ) -> Execution: ...
    def diagnose(self) -> str: ...

@final
class Execution:
    @property
    def execution_id(self) -> str: ...
    def cancel(self) -> None: ...
    def next(self, timeout_s: float) -> Optional[tuple[Literal["stdout", "stderr", "report"], str]]: ...
