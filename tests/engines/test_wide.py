"""Judged in slices or in one go, records become the same values, for the same reasons."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from lakewright.engines.duckdb import casting, range_reader, ranges, session, typing, wide
from lakewright.project.source import Dialect
from lakewright.sql import types

KINDS = (types.BIGINT, types.STRING, types.DATE, types.Decimal(5, 2), types.BOOLEAN)
ROWS = (
    lambda number: "2024-01-31" if number % 5 == 2 else "1",
    lambda number: None if number % 7 else "1",
    lambda number: "x" if number in (3, 60, 120) else None,
)


@pytest.fixture(name="connection")
def open_connection(tmp_path: Path) -> duckdb.DuckDBPyConnection:
    return session.connect(
        folders=[str(tmp_path)],
        temp_folder=str(tmp_path / "spill"),
        threads=1,
        memory_limit_bytes=3 * 2**30,
    )


def fields(count: int) -> list[typing.Field]:
    return [
        typing.Field(
            name=f"c{number}",
            kind=KINDS[number % 5],
            source=f"__arrived{number}",
            cast=casting.from_text(KINDS[number % 5]),
            is_required=number == 0,
            arrived=f"__arrived{number}",
        )
        for number in range(count)
    ]


def relation(count: int) -> str:
    rows = (
        ", ".join("NULL" if cell is None else f"'{cell}'" for cell in map(row, range(count)))
        for row in ROWS
    )
    names = ", ".join(f"__arrived{number}" for number in range(count))
    values = ", ".join(f"({number}, {row})" for number, row in enumerate(rows, start=1))
    return f"SELECT * FROM (VALUES {values}) AS v(_record, {names})"


def test_slices_give_what_one_query_gives(connection: duckdb.DuckDBPyConnection) -> None:
    count = wide.JUDGED_COLUMNS_MIN + wide.JUDGED_SLICE_COLUMNS // 2
    given, condition = fields(count), "_record < 3"
    values = ", ".join(typing.value_name(number) for number in range(count))
    shown = f"SELECT _record, {typing.ACCEPTED}, {values}, {wide.REASONS} FROM"
    at_once = typing.typed(relation(count), given, condition)
    at_once = f"SELECT *, {typing.reasons(given)} AS {wide.REASONS} FROM ({at_once})"
    expected = connection.execute(f"{shown} ({at_once}) ORDER BY _record").fetchall()
    sliced = wide.judged(connection, relation(count), given, condition)
    assert connection.execute(f"{shown} ({sliced}) ORDER BY _record").fetchall() == expected
    assert {row[0]: len(row[-1]) for row in expected} == {1: 0, 2: 4, 3: 4}


def test_very_many_columns_keep_their_values(connection: duckdb.DuckDBPyConnection) -> None:
    count = wide.WIDE_COLUMNS_MIN + wide.SLICE_COLUMNS // 2
    query = wide.typed(connection, relation(count), fields(count), "_record < 3")
    last = count - 1
    shown = ", ".join(typing.value_name(number) for number in (0, 1, 2, 3, last))
    rows = connection.execute(
        f"SELECT {typing.ACCEPTED}, {shown} FROM ({query}) ORDER BY _record"
    ).fetchall()
    assert rows == [
        (True, 1, "1", date(2024, 1, 31), Decimal("1.00"), True),
        (False, 1, None, None, None, None),
        (False, None, None, None, None, None),
    ]


def test_records_of_many_columns_are_numbered_in_their_order(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    width = wide.WIDE_COLUMNS_MIN
    path = tmp_path / "wide.csv"
    path.write_text("".join(",".join([str(row)] * width) + "\n" for row in range(5000)))
    dialect = Dialect(delimiter=",", quote='"', escape='"', comment="")
    numbering = range_reader.numbering(connection, 7, width)
    query = ranges.relation([str(path)], dialect, width, numbering)
    found = connection.execute(f"SELECT __arrived0, _record FROM ({query})").fetchall()
    assert found == [(str(row), row + 7) for row in range(5000)]
