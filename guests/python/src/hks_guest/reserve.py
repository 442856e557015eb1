"""Memory that is set aside so that running out of memory can still be reported.

A `MemoryError` reaches the driver with nothing left to format it with. Giving back the reserve, and the values that the
failed frames still hold, makes room again. The reserve is part of the snapshot and costs an execution nothing.
"""

import traceback

_BYTES = 1024 * 1024

_clear_frames = traceback.clear_frames


class Reserve:
    """A block of memory to give back in need."""

    def __init__(self) -> None:
        self._block: bytearray | None = None
        self.hold()

    def hold(self) -> None:
        """Sets the block aside, if an earlier run of the same instance gave it back."""
        if self._block is None:
            self._block = bytearray(_BYTES)

    def release(self, error: BaseException) -> None:
        """Gives back the block, and whatever the frames of this error hold."""
        self._block = None
        if error.__traceback__ is not None:
            _clear_frames(error.__traceback__)
