"""Results become JSON text, or an error that names the culprit by its path."""

import collections
import dataclasses
import datetime
import decimal
import enum
import json
import types
import uuid

import pytest

from hks_guest.results import InvalidResultError, encode


class Color(enum.Enum):
    RED = 1


class Number(enum.IntEnum):
    ONE = 1


@dataclasses.dataclass
class Point:
    x: int = 1


class Model:
    def model_dump(self) -> dict:
        return {}


Pair = collections.namedtuple("Pair", "a b")


@pytest.mark.parametrize(
    "value",
    [None, True, 0, -1.5, "", "é\u2028\U0001f600", [], {}, [1, [2, {"a": None}]], {"a": {"b": []}}, 10**400],
)
def test_json_values_survive(value: object) -> None:
    assert json.loads(encode(value)) == value


def test_text_is_not_escaped() -> None:
    assert encode({"ä": "ö"}) == '{"ä": "ö"}'


def test_tuples_named_tuples_and_int_enums_are_what_json_makes_of_them() -> None:
    assert encode((1, Pair(2, 3), Number.ONE)) == "[1, [2, 3], 1]"


def test_keys_that_json_converts_are_allowed() -> None:
    assert json.loads(encode({1: "a", None: "b", 1.5: "c"})) == {"1": "a", "null": "b", "1.5": "c"}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"items": [1, {"price": decimal.Decimal(1)}]}, 'result["items"][1]["price"] is a Decimal'),
        (decimal.Decimal(1), "convert it with float() or str()"),
        ({"when": datetime.datetime(2026, 1, 1)}, "convert it with .isoformat()"),
        (datetime.timedelta(1), ".total_seconds()"),
        ([{1, 2}], "result[0] is a set, which JSON cannot hold; convert it with list() or sorted()"),
        (b"x", "result is a bytes"),
        (bytearray(b"x"), "base64"),
        (uuid.UUID(int=1), "convert it with str()"),
        (Color.RED, "use its .value"),
        (Point(), "dataclasses.asdict()"),
        (Model(), "convert it with .model_dump()"),
        (range(3), "convert it with list()"),
        ({"a": (x for x in ())}, 'result["a"] is a generator'),
        (types.MappingProxyType({}), "convert it with dict()"),
        (ValueError("x"), "convert it with str(), or raise it"),
        (object(), "return dict, list, str, int, float, bool or None instead"),
        (len, "is a builtin_function_or_method"),
        (Point, "is a type"),
        (1j, "[value.real, value.imag]"),
        ([0.0, float("nan")], "result[1] is nan"),
        ({"a": float("-inf")}, 'result["a"] is -inf'),
        ({"a": {(1, 2): 3}}, 'result["a"] has the key (1, 2) (a tuple)'),
        ({float("nan"): 1}, "result has the key nan, which is nan"),
        ({"a": ["\ud83d"]}, 'result["a"][0] holds half a character (the lone surrogate U+D83D at position 0)'),
        ({"a\ud800": 1}, "has the key"),
        ([10**5000], "result[0] is an int with more digits"),
    ],
)
def test_culprit_is_named(value: object, message: str) -> None:
    with pytest.raises(InvalidResultError) as caught:
        encode(value)
    assert message in str(caught.value)


def test_cycle_is_named_by_the_place_where_it_closes() -> None:
    value: dict = {"x": {}}
    value["x"]["y"] = [value]
    with pytest.raises(InvalidResultError, match=r'result\["x"\]\["y"\]\[0\] contains itself'):
        encode(value)


def test_the_same_list_twice_is_no_cycle() -> None:
    shared = [1]
    assert encode([shared, shared]) == "[[1], [1]]"
    with pytest.raises(InvalidResultError, match=r"result\[2\] is a set"):
        encode([shared, shared, set()])


def test_path_is_right_after_leaving_nested_values() -> None:
    with pytest.raises(InvalidResultError, match=r'result\["b"\]\[1\] is a set'):
        encode({"a": [[1], {"c": [2]}], "b": [[], set()]})


def test_deep_nesting_is_an_error_of_the_result() -> None:
    value: list = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(InvalidResultError, match="nested too deeply"):
        encode(value)


def test_long_paths_and_keys_are_cut() -> None:
    value: object = set()
    for _ in range(100):
        value = {"k" * 1000: value}
    with pytest.raises(InvalidResultError) as caught:
        encode(value)
    assert len(str(caught.value)) < 4000


def test_values_that_fail_to_print_are_still_named() -> None:
    class Rude:
        def __repr__(self) -> str:
            raise RuntimeError

    with pytest.raises(InvalidResultError, match="has the key <Rude>"):
        encode({Rude(): 1})
