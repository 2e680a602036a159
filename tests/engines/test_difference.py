from collections.abc import Sequence

import pytest

from lakewright.engines import difference
from lakewright.engines.difference import Difference, Row
from lakewright.sql import types


def compare(
    columns: str, expected: Sequence[Row], actual: Sequence[Row], key: Sequence[str] = ()
) -> Difference:
    pairs = (column.split(" ") for column in columns.split(", "))
    fields = tuple(types.Field(name=name, type=types.parse(kind)) for name, kind in pairs)
    return difference.difference(types.Schema(fields), expected, actual, key)


@pytest.mark.parametrize(
    ("columns", "expected", "actual"),
    [
        ("a int", [(1,), (2,)], [(2,), (1,)]),
        ("a int", [(1,), (1,)], [(1,), (1,)]),
        ("a double", [(0.1 + 0.2,)], [(0.3,)]),
        ("a double", [(0.0,)], [(-0.0,)]),
        ("a double", [(float("nan"),)], [(float("nan"),)]),
        ("a float", [(0.1,)], [(0.10000000149011612,)]),
        ("a array<double>", [([0.1 + 0.2],)], [([0.3],)]),
        ("a map<string,int>", [([("x", 1), ("y", 2)],)], [([("y", 2), ("x", 1)],)]),
        ("a struct<b:double>", [({"b": 0.1 + 0.2},)], [({"b": 0.3},)]),
    ],
)
def test_rows_are_the_same_in_any_order_and_as_far_as_doubles_go(
    columns: str, expected: Sequence[Row], actual: Sequence[Row]
) -> None:
    assert compare(columns, expected, actual).is_empty


def test_a_row_that_comes_twice_is_one_too_many() -> None:
    found = compare("a int", [(1,)], [(1,), (1,)])
    assert (found.missing, found.surplus, found.differing) == ((), (("1",),), ())


def test_rows_that_agree_in_most_columns_are_the_same_row_with_other_cells() -> None:
    found = compare("a int, b int, c int", [(1, 2, 3), (7, 8, 9)], [(1, 2, 4), (0, 0, 0)])
    (pair,) = found.differing
    assert (pair.expected, pair.actual, pair.columns) == (("1", "2", "3"), ("1", "2", "4"), ("c",))
    assert found.missing == (("7", "8", "9"),)
    assert found.surplus == (("0", "0", "0"),)


def test_rows_with_the_same_key_are_the_same_row_and_others_never_are() -> None:
    found = compare("k int, a int, b int", [(1, 2, 3), (2, 0, 0)], [(1, 9, 9), (3, 0, 0)], ["k"])
    assert [pair.columns for pair in found.differing] == [("a", "b")]
    assert found.missing == (("2", "0", "0"),)
    assert found.surplus == (("3", "0", "0"),)


def test_null_is_no_text() -> None:
    found = compare("a string", [(None,)], [("",)])
    assert (found.missing, found.surplus) == (((None,),), (("",),))
