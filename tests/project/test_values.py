import pytest

from lakewright.project import values
from lakewright.sql import types

CASES = [
    ("12", types.INT, True),
    ("1.5", types.INT, False),
    ("1.5", types.Decimal(4, 1), True),
    ("x", types.Decimal(4, 1), False),
    ("1e3", types.DOUBLE, True),
    ("x", types.FLOAT, False),
    ("2024-02-30", types.DATE, False),
    ("2024-02-28", types.DATE, True),
    ("2024-02-28 10:00:00", types.TIMESTAMP, True),
    ("yesterday", types.TIMESTAMP_NTZ, False),
    ("TRUE", types.BOOLEAN, True),
    ("maybe", types.BOOLEAN, False),
    ("anything", types.STRING, True),
    ("anything", types.Array(types.INT), True),
]


@pytest.mark.parametrize(("text", "kind", "expected"), CASES)
def test_a_text_can_be_a_value_or_not(text: str, kind: types.Type, *, expected: bool) -> None:
    assert values.is_value(text, kind) is expected


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        (types.INT, types.BIGINT, True),
        (types.INT, types.Decimal(5, 2), True),
        (types.DATE, types.TIMESTAMP_NTZ, True),
        (types.STRING, types.STRING, True),
        (types.STRING, types.INT, False),
        (types.DATE, types.INT, False),
        (types.BOOLEAN, types.INT, False),
    ],
)
def test_columns_of_types_without_common_values_cannot_be_compared(
    left: types.Type, right: types.Type, *, expected: bool
) -> None:
    assert values.is_comparable(left, right) is expected
    assert values.is_comparable(right, left) is expected
