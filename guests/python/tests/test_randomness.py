"""What is random differs between executions, although all of them start from the same memory."""

import gc
import json
import logging
import random
import sqlite3
import types
import uuid
from random import Random, SystemRandom

import pytest

from hks_guest import randomness


@pytest.fixture
def module():
    """The module `random` as the build leaves it, and as it was afterwards."""
    methods = {name: vars(random.Random)[name] for name in ("seed", "getstate", "setstate")}
    names, random_uuid = dict(vars(random)), dict(vars(uuid))
    randomness.watch_generators()
    randomness.put_off()
    yield random
    random.__class__ = types.ModuleType
    for name, method in methods.items():
        setattr(random.Random, name, method)
    vars(random).update(names)
    vars(uuid).update(random_uuid)
    randomness._stop_waiting()
    randomness.unwatch()
    randomness._origins.renewed = []
    randomness._origins.shared_waits = False


@pytest.fixture
def twice(module, load, call):
    """What `draw()` is in two executions of a loaded top level, each from the same memory."""

    def draw_twice(top_level: str) -> list[list]:
        code = f"import json, random\n{top_level}\ndef handler(event): return draw()"
        assert load(code) == (None, None)
        gc.unfreeze()
        kind, results = type(random), []
        generators = [item for item in gc.get_objects() if isinstance(item, Random)]
        states = [(item, item.getstate()) for item in generators if not isinstance(item, SystemRandom)]
        for _ in range(2):
            random.__class__ = kind
            for item, state in states:
                randomness._setstate(item, state)
            text, failure = call()
            assert failure is None
            results.append(json.loads(text))
        return results

    return draw_twice


def test_nothing_is_seeded_before_somebody_draws(module, monkeypatch) -> None:
    seeded = []
    monkeypatch.setattr(randomness, "_seed", lambda generator: seeded.append(generator))
    module.seed()
    randomness.renew()
    import random as imported

    assert imported is module and seeded == []
    from random import randint  # noqa: F401

    assert seeded == [module._inst]
    module.random()
    assert seeded == [module._inst]
    assert type(module) is types.ModuleType
    randomness.renew()
    assert seeded == [module._inst] * 2


@pytest.mark.parametrize(
    ("top_level", "draw", "seeded"),
    [
        ("from random import choice, randrange", "None", 0),
        ("from random import choice, randrange", "choice((1, 2))", 1),
        ("import random", "random.random()", 1),
        ("import random; random.random()", "None", 0),
        ("from random import random", "None", 1),
        ("from random import choice, seed", "seed(3), choice((1, 2))", 0),
    ],
)
def test_after_a_snapshot_seeding_waits_where_it_can(module, load, call, monkeypatch, top_level, draw, seeded) -> None:
    assert load(f"{top_level}\ndef handler(event): return str([{draw}])") == (None, None)
    calls, plain = [], randomness._seed

    def seed(generator: Random, *arguments: object) -> None:
        calls.extend(["of the host"] if arguments in ((), (None, 2)) else [])
        plain(generator, *arguments)

    monkeypatch.setattr(randomness, "_seed", seed)
    text, failure = call()
    assert failure is None and text
    assert len(calls) == seeded


def test_seeding_works_again_after_the_start(module) -> None:
    randomness.renew()
    module.seed(7)
    first = module.random()
    module.seed(7)
    assert module.random() == first
    assert module.seed.__name__ == "seed" and module.seed.__self__ is module._inst


@pytest.mark.parametrize(
    "top_level",
    [
        "def draw(): return random.random()",
        "from random import random as number\ndef draw(): return number()",
        "random.random()\ndef draw(): return random.random()",
        "from random import choice\ndef draw(): return choice(range(10**12))",
        "from random import getrandbits as bits\ndef draw(): return bits(64)",
        "own = random._inst\ndef draw(): return own.random()",
        "deal = random.shuffle\ndef draw(): cards = list(range(99)); deal(cards); return cards",
        "number = random.gauss\nnumber(0, 1)\ndef draw(): return number(0, 1)",
        "state = random.getstate\ndef draw(): return list(state()[1])",
        "own = random.Random()\ndef draw(): return own.random()",
        "class Dice(random.Random):\n  def roll(self): return self.random()\nown = Dice()\ndef draw(): return own.roll()",
        "own = random.Random(3)\nown.seed()\ndef draw(): return own.random()",
        "own = random.Random()\nown.gauss(0, 1)\ndef draw(): return own.gauss(0, 1)",
        "kept = random.getstate()\nrandom.seed(3)\nrandom.setstate(kept)\ndef draw(): return random.random()",
        "import copy\nown = copy.deepcopy(random.Random())\ndef draw(): return own.random()",
        "import tempfile\ntempfile.mktemp()\ndef draw(): return tempfile.mktemp()",
        "import email.utils\nemail.utils.make_msgid()\ndef draw(): return random.getrandbits(64)",
        "import uuid\nuuid.getnode = lambda: None\ndef draw(): return str(uuid.uuid4())",
        "import secrets\ndef draw(): return secrets.token_hex()",
    ],
)
def test_what_the_host_seeded_differs_between_executions(twice, top_level: str) -> None:
    first, second = twice(top_level)
    assert first != second


@pytest.mark.parametrize(
    "top_level",
    [
        "random.seed(42)\ndef draw(): return random.random()",
        "own = random.Random(42)\ndef draw(): return own.random()",
        "own = random.Random()\nown.seed('x')\ndef draw(): return own.random()",
        "own = random.Random()\nown.setstate(random.Random(42).getstate())\ndef draw(): return own.random()",
        "import copy\nown = copy.copy(random.Random(1))\ndef draw(): return own.random()",
    ],
)
def test_what_the_top_level_seeded_is_kept(twice, top_level: str) -> None:
    first, second = twice(top_level)
    assert first == second


def test_seeded_top_level_goes_on_where_it_was(module, load, call) -> None:
    expected = random.Random(42)
    expected.random()
    load("import random\nrandom.seed(42)\nrandom.random()\ndef handler(event): return random.random()")
    assert call() == (str(expected.random()), None)


def test_node_and_clock_of_uuids_are_forgotten(module, load, call) -> None:
    load("import uuid\nuuid.uuid1()\ndef handler(event): return [uuid._node, uuid._last_timestamp]")
    assert uuid._last_timestamp is not None or uuid._generate_time_safe
    uuid._node, uuid._last_timestamp = 5, 2**70
    assert call() == ("[null, null]", None)


def test_logging_counts_from_the_start_of_the_call(module, load, call, monkeypatch) -> None:
    monkeypatch.setattr(logging, "_startTime", 1)
    load("import logging\ndef handler(event): return logging._startTime")
    before = logging._startTime
    assert int(call()[0]) > before


def test_generators_that_are_gone_are_forgotten(module, load) -> None:
    load("import random\nfor _ in range(5): random.Random()\ndef handler(event): pass")
    assert (randomness._origins.renewed, randomness._origins.shared_waits) == ([], True)


def test_shared_generator_is_seeded_again() -> None:
    random.seed(1)
    expected = random.random()
    random.seed(1)
    randomness.renew()
    assert random.random() != expected


def test_build_fails_on_a_generator_of_its_own() -> None:
    stray = random.Random(1)
    with pytest.raises(RuntimeError, match="seeded at build time"):
        randomness.check()
    del stray


@pytest.mark.parametrize("hold", [lambda: [random._inst], lambda: [random.randint], lambda: [random._inst.random]])
def test_build_fails_on_whoever_could_draw_without_seeding(hold) -> None:
    held = hold()
    with pytest.raises(RuntimeError, match="without looking into it"):
        randomness._check_holders()
    del held


def test_sqlite_asks_the_host(monkeypatch) -> None:
    monkeypatch.setattr(sqlite3, "connect", sqlite3.connect)
    monkeypatch.setattr(sqlite3.dbapi2, "connect", sqlite3.dbapi2.connect)
    monkeypatch.setattr(randomness, "_urandom", lambda length: b"\x02" * length)
    randomness.fix_sqlite()
    connection = sqlite3.connect(":memory:", isolation_level=None)
    row = connection.execute("select random(), randomblob(3), randomblob(-1)").fetchone()
    connection.close()
    assert row == (0x0202020202020202, b"\x02" * 3, b"\x02")
