"""Prints arrive at the host, complete and in order."""

import array
import contextlib
import io
import sys

import pytest
from interpreter_state import streams_kept

from hks_guest.output import Streams


@contextlib.contextmanager
def installed():
    """Streams in place of this interpreter's own, and the list of what they sent."""
    texts: list[str] = []
    streams = Streams(texts.append, lambda text: texts.append(f"E:{text}"))
    with streams_kept():
        streams.install()
        yield streams, texts


def test_lines_are_sent_when_complete() -> None:
    with installed() as (_, texts):
        print("a", "b")
        print("c", end="")
        assert texts == ["a b\n"]
        print("d", flush=True)
        assert texts == ["a b\n", "cd\n"]


def test_many_lines_at_once_are_one_call() -> None:
    with installed() as (_, texts):
        sys.stdout.write("1\n2\n3\n")
        assert texts == ["1\n2\n3\n"]


def test_rest_is_sent_at_the_end() -> None:
    with installed() as (streams, texts):
        print("no newline", end="")
        print("error", end="", file=sys.stderr)
        streams.flush()
        assert texts == ["no newline", "E:error"]


def test_bytes_are_decoded_across_writes() -> None:
    with installed() as (_, texts):
        raw = sys.stdout.buffer
        raw.write(b"\xc3")
        raw.flush()
        raw.write(b"\xa9\n")
        raw.flush()
        assert "".join(texts) == "é\n"


def test_bytes_that_are_no_text_are_escaped() -> None:
    with installed() as (streams, texts):
        sys.stdout.buffer.write(b"a\xff\n\xe2\x82")
        streams.flush()
        assert "".join(texts) == "a\\xff\n\\xe2\\x82"


def test_lone_surrogates_are_escaped() -> None:
    with installed() as (_, texts):
        print("a\ud800")
        assert texts == ["a\\ud800\n"]


def test_raw_stream_takes_any_buffer() -> None:
    with installed() as (_, texts):
        assert sys.stdout.buffer.raw.write(array.array("H", [0x4241, 0x0A43])) == 4
        assert sys.stdout.buffer.raw.write(array.array("H", [0xFFFF])) == 2
    assert "".join(texts) == "ABC\n\\xff\\xff"


def test_large_writes_are_split_between_characters() -> None:
    with installed() as (streams, texts):
        text = "é" * 300_000
        sys.stdout.write(text)
        streams.flush()
        assert "".join(texts) == text
        assert max(map(len, texts)) <= 256 * 1024


def test_streams_that_replace_ours_are_flushed_too() -> None:
    with installed() as (streams, texts):
        sys.stdout = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8")
        print("held back")
        streams.flush()
        assert texts == ["held back\n"]
        sys.stdout.detach()


def test_closed_streams_are_opened_again() -> None:
    with installed() as (streams, texts):
        sys.stdout.close()
        sys.stderr.detach()
        streams.install()
        print("again")
        assert texts == ["again\n"]


def test_streams_look_like_real_ones() -> None:
    with installed() as _:
        assert sys.stdout.encoding == "utf-8"
        assert not sys.stdout.isatty()
        assert sys.stdout.name == "<stdout>"
        assert sys.stdin.read() == ""
        with pytest.raises(io.UnsupportedOperation):
            sys.stdout.fileno()
