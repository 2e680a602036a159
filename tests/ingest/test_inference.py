import re
from collections.abc import Sequence
from pathlib import Path

import numpy
import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakewright.ingest import inference
from lakewright.plan.landed import ArrivedColumn, CsvPart
from lakewright.project.contract import INFERRED_NULL_WORDS
from lakewright.project.source import Dialect
from lakewright.sql import types


def kind(*values: str | None, null_words: tuple[str, ...] = ("",)) -> str:
    column = inference.ColumnType(null_words)
    for value in values:
        column.see(pyarrow.array([value], pyarrow.string()))
    together = inference.ColumnType(null_words)
    together.see(pyarrow.array(list(values), pyarrow.string()))
    one_by_one, seen = column.seen(), together.seen()
    assert (one_by_one.type, one_by_one.format) == (seen.type, seen.format)
    return f"{seen.type} {seen.format or ''}".strip()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((), "unknown"),
        (("", None), "unknown"),
        (("true", "False", "TRUE"), "boolean"),
        (("true", "yes"), "string"),
        (("1", "-2", ""), "bigint"),
        (("9223372036854775807", "-9223372036854775808"), "bigint"),
        (("9223372036854775808", "-5"), "decimal(19,0)"),
        (("1" * 38,), "decimal(38,0)"),
        (("1" * 39,), "string"),
        (("yes", "No"), "boolean"),
        (("no", "NO"), "string"),
        (("T", "f"), "boolean"),
        (("y", "f"), "string"),
        (("1", "0"), "bigint"),
        (("9007199254740993",), "bigint"),
        (("9007199254740993", "0.5"), "string"),
        (("9007199254740992", "0.5"), "double"),
        (("0x1F",), "string"),
        (("0xFFFFFFFF",), "string"),
        (("1,5", "2"), "double 0,0"),
        (("0,125",), "double 0,0"),
        (("1,234",), "string"),
        (("1,5", "1.5"), "string"),
        (("1,234,567",), "string"),
        (("1.234.567",), "string"),
        (("1 234",), "string"),
        (("5 €", "12%"), "string"),
        (("31.01.2024",), "date dd.MM.yyyy"),
        (("03.04.2024",), "date dd.MM.yyyy"),
        (("01.31.2024", "03.04.2024"), "date MM.dd.yyyy"),
        (("03/04/2024",), "string"),
        (("03/04/2024", "25/04/2024"), "date dd/MM/yyyy"),
        (("03/04/2024", "04/25/2024"), "date MM/dd/yyyy"),
        (("25/04/2024", "04/25/2024"), "string"),
        (("3/4/2024", "12/25/2024"), "date M/d/yyyy"),
        (("2024/01/31",), "date yyyy/MM/dd"),
        (("2024-1-31", "2024-10-01"), "date yyyy-M-d"),
        (("2024-10-01", "2024-1-31"), "date yyyy-M-d"),
        (("31-JAN-2024", "1-Feb-2024"), "date d-MMM-yyyy"),
        (("Jan 31, 2024",), "date MMM dd, yyyy"),
        (("31 January 2024",), "date dd MMMM yyyy"),
        (("05 May 2024",), "string"),
        (("29.02.2023",), "string"),
        (("20240131",), "bigint"),
        (("31.01.24",), "string"),
        (("10:00:00",), "string"),
        (("31.01.2024 10:05",), "timestamp_ntz dd.MM.yyyy HH:mm"),
        (("31.01.2024 10:05", "31.01.2024 10:05:01"), "string"),
        (("1/31/2024 9:05:01 PM",), "timestamp_ntz M/d/yyyy h:mm:ss a"),
        (("2024-01-31 10:00:00 +0200",), "timestamp yyyy-MM-dd HH:mm:ss XX"),
        (("2024-01-31 10:00:00 UTC",), "timestamp yyyy-MM-dd HH:mm:ss 'UTC'"),
        (("2024-01-31 10:00:00.1200000",), "timestamp_ntz"),
        (("2024-01-31 10",), "string"),
        (("2024-01-31 101500",), "string"),
        (("6f9619ff-8b86-d011-b42d-00cf4fc964ff",), "string"),
        (('{"a":1}',), "string"),
        (("007",), "string"),
        (("0", "1", "01"), "string"),
        (("+1",), "string"),
        (("-0",), "double"),
        (("1", "1.50"), "double"),
        ((".5", "5.", "1e5", "-1.5E-3"), "double"),
        (("1.5", "12345678901234567890"), "string"),
        (("1e999",), "string"),
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
        (("31/01/2024",), "date dd/MM/yyyy"),
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


def inferred(*columns: Sequence[str]) -> inference.Inferred:
    found = {}
    for place, values in enumerate(columns):
        found[place] = inference.ColumnType(more_null_words=INFERRED_NULL_WORDS)
        found[place].see(pyarrow.array(values, pyarrow.string()))
    arrived = [ArrivedColumn(name=f"c{place}", type=types.UNKNOWN) for place in found]
    return inference.infer(arrived, found)


@pytest.mark.parametrize(
    ("values", "kind", "words"),
    [
        (("1", "NA", "-", ""), "bigint", ("-", "NA")),
        (("2024-01-31", "null"), "date", ("null",)),
        (("yes", "no", "N/A"), "boolean", ("N/A",)),
        (("DE", "NA"), "string", ()),
        (("NA", "DE"), "string", ()),
        (("NA", "-"), "string", ("-", "NA")),
        (("", ""), "unknown", ()),
        (("1.5", "NaN"), "double", ("NaN",)),
    ],
)
def test_null_words_are_null_only_among_values_that_are_no_texts(
    values: Sequence[str], kind: str, words: Sequence[str]
) -> None:
    (column,) = inferred(values).columns
    assert (str(column.type), column.evidence.null_words) == (kind, words)


def test_a_column_whose_dates_are_open_follows_those_of_the_same_form() -> None:
    columns = inferred(("03/04/2024",), ("25/04/2024",), ("03-04-2024",)).columns
    assert [column.format for column in columns] == ["dd/MM/yyyy", "dd/MM/yyyy", None]
    columns = inferred(("03/04/2024",), ("25/04/2024",), ("04/25/2024",)).columns
    assert [column.format for column in columns] == [None, "dd/MM/yyyy", "MM/dd/yyyy"]


def test_a_point_may_separate_thousands_in_a_file_with_decimal_commas() -> None:
    kinds = [str(each.type) for each in inferred(("1.234",), ("12,50",), ("1.5",)).columns]
    assert kinds == ["string", "double", "double"]
    assert str(inferred(("1.234",), ("12",)).columns[0].type) == "double"


@pytest.mark.parametrize(
    ("values", "remark"),
    [
        (("1", "2"), None),
        (("some", "text"), None),
        (("1", "NA"), "NA is null here, as all other values are bigint"),
        (("31.01.2024",), "date, written as dd.MM.yyyy"),
        (("03/04/2024",), "may be date written as dd/MM/yyyy or date written as MM/dd/yyyy"),
        (("1,234",), "may be double written as 0,0"),
        (("yes",), "may be boolean"),
        (("-",), "holds nothing but -"),
        (("007",), "leading zeros"),
        (("1,234,567",), "the format #,##0.0"),
        (("1.234.567",), "the format #.##0,0"),
        (("1 234",), "# ##0,0"),
        (("$5.00", "$1,000.00"), "amounts with a currency"),
        (("12.5%",), "0.0%"),
        (("31.01.24",), "dd.MM.yy"),
        (("10:05",), "times without a date"),
        (("20240131",), "format: yyyyMMdd"),
        (("31.02.2024",), "some do not exist"),
        (('{"a": [1]}', "[]"), "the first values are JSON"),
        (("9" * 20,), "whole numbers beyond 64 bits"),
    ],
)
def test_what_is_not_what_it_looks_like_is_said(values: Sequence[str], remark: str | None) -> None:
    said = inferred(values).evidence
    assert len(said) == (remark is not None)
    assert remark is None or remark in said[0]


def test_columns_of_which_the_same_is_said_stand_together() -> None:
    (said,) = inferred(*[("31.01.2024",)] * 7).evidence
    assert said == "columns c0, c1, c2, c3, c4 and 2 more: date, written as dd.MM.yyyy"


@given(text=st.text("0123456789-: T.Z+x", max_size=27))
def test_a_timestamp_is_what_the_form_allows_whatever_arrow_takes(text: str) -> None:
    day = r"(?!0000)\d{4}-\d\d-\d\d"
    shape = rf"{day}(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{{1,6}}0*)?)?)?"
    if kind(text) == "timestamp_ntz":
        assert re.fullmatch(shape, text, re.ASCII)


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
    offsets = numpy.cumsum([0, *map(len, [b'1,"x\ny",2024-01-31\n'] * 5000), 9, 17])
    (tmp_path / "offsets").write_bytes(offsets.astype("<u4").tobytes())
    part = CsvPart(
        path=str(path),
        byte_start=6,
        byte_end=6 + len(lines),
        first_record=1,
        records=5002,
        offsets_path=str(tmp_path / "offsets"),
        offsets_start=0,
    )
    columns = {0: inference.ColumnType(), 2: inference.ColumnType()}
    dialect = Dialect(delimiter=",", quote='"', escape='"')
    inference.see_part(part, dialect, 3, columns)
    assert [str(column.kind) for column in columns.values()] == ["double", "date"]
