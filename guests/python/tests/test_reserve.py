"""Running out of memory leaves room to report it."""

from hks_guest.reserve import Reserve


def test_release_frees_what_the_failed_frames_held() -> None:
    class Big:
        freed = False

        def __del__(self) -> None:
            Big.freed = True

    def fail() -> None:
        held = Big()
        raise MemoryError(type(held).__name__)

    reserve = Reserve()
    try:
        fail()
    except MemoryError as error:
        reserve.release(error)
        assert Big.freed
    assert reserve._block is None
    reserve.hold()
    assert len(reserve._block) == 1024 * 1024
