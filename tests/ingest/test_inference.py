from pathlib import Path

import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakewright.ingest import inference
from lakewright.plan.landed import CsvPart
from lakewright.project.source import Dialect


def kind(*values: str | None, null_words: tuple[str, ...] = ("",)) -> str:
    column = inference.ColumnType(null_words)
    for value in values:
        column.see(pyarrow.array([value], pyarrow.string()))
    together = inference.ColumnType(null_words)
    together.see(pyarrow.array(list(values), pyarrow.string()))
    assert column.kind == together.kind
    return str(column.kind)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((), "unknown"),
        (("", None), "unknown"),
        (("true", "False", "TRUE"), "boolean"),
        (("true", "yes"), "string"),
        (("1", "-2", ""), "bigint"),
        (("9223372036854775807", "-9223372036854775808"), "bigint"),
        (("9223372036854775808",), "string"),
        (("007",), "string"),
        (("0", "1", "01"), "string"),
        (("+1",), "string"),
        (("-0",), "double"),
        (("1", "1.50"), "double"),
        ((".5", "5.", "1e5", "-1.5E-3"), "double"),
        (("1.5", "12345678901234567890"), "string"),
        (("1e999",), "string"),
        (("1,5",), "string"),
        (("nan",), "string"),
        (("2024-01-31", "2024-02-29"), "date"),
        (("2023-02-29",), "string"),
        (("0000-01-01",), "string"),
        (("2024-01-31", "2024-01-31 10:00"), "timestamp_ntz"),
        (("2024-01-31T10:00:00.123456",), "timestamp_ntz"),
        (("2024-01-31T10:00:00.1234567",), "string"),
        (("2024-01-31T24:00:00",), "string"),
        (("2024-01-31T10:00:00Z", "2024-01-31 10:00:00.5+02:00"), "timestamp"),
        (("2024-01-31T10:00:00Z", "2024-01-31T10:00:00"), "string"),
        (("31/01/2024",), "string"),
        (("1", "a"), "string"),
        ((" 1",), "string"),
        (("1\n",), "string"),
        (("\u0661",), "string"),
    ],
)
def test_the_type_is_the_narrowest_that_loses_nothing(
    values: tuple[str | None, ...], expected: str
) -> None:
    assert kind(*values) == expected


def test_null_words_say_nothing_about_a_type() -> None:
    assert kind("1", "NA", "", null_words=("", "NA")) == "bigint"
    assert kind("1", "NA") == "string"


def test_a_decimal_comma_is_read_where_it_is_declared() -> None:
    column = inference.ColumnType(decimal_separator=",")
    column.see(pyarrow.array(["1,5", "2", ",5"]))
    assert str(column.kind) == "double"
    column.see(pyarrow.array(["1.5"]))
    assert str(column.kind) == "string"


@given(values=st.lists(st.integers(-(2**63), 2**63 - 1).map(str), min_size=1))
def test_whole_numbers_of_64_bits_are_bigint(values: list[str]) -> None:
    assert kind(*values) == "bigint"


@given(values=st.lists(st.text(max_size=12), max_size=6))
def test_any_texts_have_a_type_and_bigint_never_changes_them(values: list[str]) -> None:
    if kind(*values) == "bigint":
        assert all(str(int(value)) == value for value in values if value)


def test_a_part_is_seen_to_its_last_value(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    lines = b'1,"x\ny",2024-01-31\n' * 5000 + b"ragged,1\n" + b"2.5,z,2024-01-31\n"
    path.write_bytes(b"a,b,c\n" + lines)
    part = CsvPart(
        path=str(path),
        byte_start=6,
        byte_end=6 + len(lines),
        first_record=1,
        records=5002,
        offsets_path="",
        offsets_start=0,
    )
    columns = {0: inference.ColumnType(), 2: inference.ColumnType()}
    dialect = Dialect(delimiter=",", quote='"', escape='"')
    inference.see_part(part, dialect, 3, columns)
    assert [str(column.kind) for column in columns.values()] == ["double", "date"]
