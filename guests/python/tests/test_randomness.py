"""What is random differs between executions, although all of them start from the same memory."""

import random
import sqlite3

import pytest

from hks_guest import randomness


def test_shared_generator_is_seeded_again() -> None:
    random.seed(1)
    expected = random.random()
    random.seed(1)
    randomness.reseed()
    assert random.random() != expected


def test_build_fails_on_a_generator_of_its_own() -> None:
    stray = random.Random(1)
    with pytest.raises(RuntimeError, match="seeded at build time"):
        randomness.check()
    del stray


def test_sqlite_asks_the_host(monkeypatch) -> None:
    monkeypatch.setattr(sqlite3, "connect", sqlite3.connect)
    monkeypatch.setattr(sqlite3.dbapi2, "connect", sqlite3.dbapi2.connect)
    monkeypatch.setattr(randomness, "_urandom", lambda length: b"\x02" * length)
    randomness.fix_sqlite()
    connection = sqlite3.connect(":memory:", isolation_level=None)
    row = connection.execute("select random(), randomblob(3), randomblob(-1)").fetchone()
    connection.close()
    assert row == (0x0202020202020202, b"\x02" * 3, b"\x02")
