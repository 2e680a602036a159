from collections.abc import Mapping, Sequence

import pytest

from lakewright.runs.operations import examples
from lakewright.runs.records import Json

WIDE = {f"c{number}": "x" * 20 for number in range(30)}
CASES: Mapping[str, tuple[Mapping[str, Json], Sequence[str], str]] = {
    "the columns that it is about come first": (
        {"columns": ["c7", "c9"]}, (), f"such as c7 = {'x' * 20}, c9 = {'x' * 20}, …",
    ),
    "then the key": ({"column": "c7"}, ("c3",), f"such as c7 = {'x' * 20}, c3 = {'x' * 20}, …"),
    "of a condition, the columns that it names": (
        {"sql": "c8 > upper(c5)"}, (), f"such as c8 = {'x' * 20}, c5 = {'x' * 20}, …",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_row_of_a_wide_table_is_shown_by_what_matters(case: str) -> None:
    check, key, expected = CASES[case]
    assert examples.rows(check, [WIDE], key) == [expected]


def test_rows_that_are_alike_are_shown_once_and_only_a_few() -> None:
    samples = [{"a": str(number % 5), "b": str(number)} for number in range(50)]
    assert examples.rows({"column": "a"}, samples) == [
        "such as a = 0, b = 0", "such as a = 1, b = 1", "such as a = 2, b = 2",
    ]  # fmt: skip


def test_a_long_value_is_cut_and_a_missing_one_is_named() -> None:
    (long,) = examples.rows({"column": "a"}, [{"a": "y" * 1000}])
    assert (len(long), long[-1]) == (128, "…")
    assert examples.rows({"column": "a"}, [{"a": None}]) == ["such as a = null"]
