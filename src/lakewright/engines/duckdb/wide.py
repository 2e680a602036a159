"""Records of very many columns, judged some columns at a time.

An engine works on 2,048 rows at once, and keeps room for as many results of every step of every
expression, however few rows there are: 0.4 MB for a column's value, 5 MB for the reasons against
it. So beyond some hundred columns they are judged in slices: each slice's results are a temporary
table, and the tables stand side by side in the end.
"""

from collections.abc import Iterable, Iterator, Sequence

import duckdb

from lakewright.engines.duckdb import typing

WIDE_COLUMNS_MIN = 500
"""Fewer are typed in one go, without a temporary table."""
SLICE_COLUMNS = 250
"""Smaller slices gain little: planning grows with the number of tables, that of larger ones with
the square of their columns."""

JUDGED_COLUMNS_MIN = 100
JUDGED_SLICE_COLUMNS = 50
"""The same where reasons are asked for."""

REASONS = "__reasons"
"""The column of `judged` that holds every reason against a record."""

_ARRIVED = "lakewright_arrived"
_SLICE = "lakewright_slice"


def typed(
    cursor: duckdb.DuckDBPyConnection,
    relation: str,
    fields: Sequence[typing.Field],
    condition: str,
) -> str:
    """A SELECT like `typing.typed`'s, for any number of fields.

    Args:
        cursor: holds temporary tables that the SELECT reads, until it is closed or asked again.
        relation: a SELECT.
        fields: what its columns become.
        condition: what else a record must meet.
    """
    if len(fields) < WIDE_COLUMNS_MIN:
        return typing.typed(relation, fields, condition)
    slices = _cut(fields, SLICE_COLUMNS)
    return _in_slices(cursor, relation, slices, condition, reasons=False)


def judged(
    cursor: duckdb.DuckDBPyConnection,
    relation: str,
    fields: Sequence[typing.Field],
    condition: str,
) -> str:
    """The same SELECT, with the reasons against each record that is refused."""
    if len(fields) < JUDGED_COLUMNS_MIN:
        whole = typing.typed(relation, fields, condition)
        return f"SELECT *, {typing.reasons(fields)} AS {REASONS} FROM ({whole})"
    slices = _cut(fields, JUDGED_SLICE_COLUMNS)
    return _in_slices(cursor, relation, slices, condition, reasons=True)


def slices(fields: Sequence[typing.Field]) -> Iterator[Sequence[typing.Field]]:
    """The fields, so many at a time that an engine has room for them."""
    return (fields for _, fields in _cut(fields, SLICE_COLUMNS))


def _cut(fields: Sequence[typing.Field], size: int) -> Iterator[tuple[int, Sequence[typing.Field]]]:
    """Each slice, and the number of its first field."""
    for first in range(0, len(fields), size):
        yield first, fields[first : first + size]


def _in_slices(
    cursor: duckdb.DuckDBPyConnection,
    relation: str,
    slices: Iterable[tuple[int, Sequence[typing.Field]]],
    condition: str,
    *,
    reasons: bool,
) -> str:
    cursor.execute(f"CREATE OR REPLACE TEMP TABLE {_ARRIVED} AS {relation}")
    tables: list[str] = []
    for first, fields in slices:
        table = f"{_SLICE}{len(tables)}"
        slice_sql = _slice(fields, first, len(tables), reasons=reasons)
        cursor.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS {slice_sql}")
        tables.append(table)
    beside = "".join(f" POSITIONAL JOIN {table}" for table in tables)
    oks = "".join(f" AND {_accepted(number)}" for number in range(len(tables)))
    listed = ", ".join(f"{REASONS}{number}" for number in range(len(tables)))
    found = f", flatten([{listed}]) AS {REASONS}" if reasons else ""
    return f"SELECT *, ({condition}){oks} AS {typing.ACCEPTED}{found} FROM {_ARRIVED}{beside}"


def _slice(fields: Sequence[typing.Field], first: int, number: int, *, reasons: bool) -> str:
    arrived = sorted({field.arrived for field in fields if field.arrived is not None})
    judged_sql = typing.typed(
        f"SELECT {', '.join(arrived) or 'NULL'} FROM {_ARRIVED}", fields, "true", first
    )
    columns = [
        *(typing.value_name(i) for i in range(first, first + len(fields))),
        f"{typing.ACCEPTED} AS {_accepted(number)}",
    ]
    if reasons:
        against = (
            f"CASE WHEN NOT {typing.ACCEPTED} THEN {typing.reasons(fields, first)} ELSE [] END"
        )
        columns.append(f"{against} AS {REASONS}{number}")
    return f"SELECT {', '.join(columns)} FROM ({judged_sql})"


def _accepted(number: int) -> str:
    return f"{typing.ACCEPTED}{number}"
