from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakewright.project import cell
from lakewright.project.yaml import Plain
from lakewright.sql import types


@pytest.mark.parametrize(
    ("plain", "kind", "expected"),
    [
        (None, "int", None),
        ("true", "boolean", True),
        ("-2147483648", "int", -(2**31)),
        ("9223372036854775807", "bigint", 2**63 - 1),
        ("0.1", "double", 0.1),
        ("0.1", "float", 0.10000000149011612),
        ("1e3", "decimal(6,2)", Decimal("1000.00")),
        ("-0.5", "decimal(1,1)", Decimal("-0.5")),
        ("9" * 36 + ".99", "decimal(38,2)", Decimal("9" * 36 + ".99")),
        ("0e500", "decimal(1,0)", Decimal(0)),
        ("", "string", ""),
        ("null", "string", "null"),
        ("aGk=", "binary", b"hi"),
        ("2024-02-29", "date", date(2024, 2, 29)),
        ("2024-02-29", "timestamp_ntz", datetime.fromisoformat("2024-02-29")),
        ("2024-02-29T01:00:00", "timestamp", datetime(2024, 2, 29, 1, tzinfo=UTC)),
        ("2024-02-29T01:00:00+02:00", "timestamp", datetime(2024, 2, 28, 23, tzinfo=UTC)),
        (["1", None], "array<int>", [1, None]),
        ({"a": "1"}, "map<string,int>", [("a", 1)]),
        ({"b": "x"}, "struct<a:int,b:string>", {"a": None, "b": "x"}),
    ],
)
def test_a_value_is_read_as_exactly_its_columns_type(
    plain: Plain, kind: str, expected: cell.Cell
) -> None:
    assert cell.read(plain, types.parse(kind)) == expected


@pytest.mark.parametrize(
    ("plain", "kind", "why"),
    [
        ("yes", "boolean", "true or false"),
        ("1.0", "int", "no whole number"),
        ("1_000", "bigint", "no whole number"),
        ("2147483648", "int", "does not fit 32 bits"),
        ("1,5", "double", "no number"),
        ("1e39", "float", "does not fit 32 bits"),
        ("1e999", "double", "does not fit 64 bits"),
        ("1" * 5000, "bigint", "does not fit 64 bits"),
        ("1.005", "decimal(12,2)", "more than 2 decimal places"),
        ("1000", "decimal(5,2)", "more than 3 digits"),
        ("NaN", "decimal(5,2)", "no number"),
        ("?", "binary", "base64"),
        ("2023-02-29", "date", "no such day"),
        ("2024-02-29T00:00:00", "date", "written 2026-01-31"),
        ("noon", "timestamp", "2026-01-31T08:30:00"),
        ("2024-02-29T01:00:00Z", "timestamp_ntz", "has a zone"),
        ("1", "array<int>", "a list"),
        (["1"], "map<string,int>", "a map"),
        (["1"], "struct<a:int>", "a struct"),
        ({"c": "1"}, "struct<a:int>", "no field c"),
        (["1"], "int", "one word"),
        ("1", "unknown", "no type yet"),
    ],
)
def test_what_is_no_value_of_the_type_is_refused_with_the_reason(
    plain: Plain, kind: str, why: str
) -> None:
    wanted = types.UNKNOWN if kind == "unknown" else types.parse(kind)
    with pytest.raises(cell.NoValueError, match=why):
        cell.read(plain, wanted)


@pytest.mark.hypothesis
@given(st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-99, max_value=99))
def test_a_decimal_is_read_without_losing_a_digit(number: Decimal) -> None:
    assert cell.read(str(number), types.Decimal(10, 3)) == number


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, None),
        (True, "true"),
        (1.5, "1.5"),
        (float("-inf"), "-Infinity"),
        (Decimal("1E+2"), "100"),
        (datetime(2024, 1, 1, tzinfo=UTC), "2024-01-01T00:00:00Z"),
        (date(2024, 1, 1), "2024-01-01"),
        ([1, None, ""], "[1, ~, '']"),
        ([("a", 1)], "{a: 1}"),
        ({"a": b"hi"}, "{a: aGk=}"),
    ],
)
def test_a_value_is_shown_as_it_could_be_written(value: cell.Cell, text: str | None) -> None:
    assert cell.shown(value) == text
