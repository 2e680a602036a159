"""One row for each key: the newest, by a total order, so that any order of input gives the same.

A window over a whole table costs more than everything else in a build. Keys that occur once need
none: hashes of all keys, sorted, tell which occur again, and only their rows are compared.
"""

import json
from collections.abc import Iterable, Sequence
from typing import TypeAlias

import duckdb
import numpy
import numpy.typing

from lakewright.engines.duckdb import text
from lakewright.engines.versions import PLACE, Versions

_HASHES_MAX = 64 * 1024 * 1024
"""Hashes held at a time, 8 bytes each: 512 MiB, and as much again while they are fetched."""

_Hashes: TypeAlias = numpy.typing.NDArray[numpy.uint64]

_REPEATED = "lakewright_repeated"
_ROWS = "lakewright_rows"

_STREAMED = {"PROJECTION", "FILTER", "READ_PARQUET", "TABLE_SCAN", "SEQ_SCAN", "EMPTY_RESULT"}
"""Operators that cost little more than reading: a query of only these is run again for each
purpose; any other is run once and its result kept, on disk where it exceeds the memory."""


def newest_sql(
    connection: duckdb.DuckDBPyConnection, select: str, versions: Versions, rows_max: int
) -> str:
    """A SELECT that returns the newest row of each key among those of `select`.

    Args:
        connection: keeps temporary tables that the result reads.
        select: returns the columns of `versions`.
        versions: says what the newest row is.
        rows_max: as many rows as any table has that `select` reads.

    Raises:
        RunFailed: a row has no value in a key column.
    """
    if not _is_streamed(connection, select):
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {_ROWS} AS {select}")
        select = f"SELECT * FROM {_ROWS}"
        found = connection.execute(f"SELECT count(*) FROM {_ROWS}").fetchall()
        rows_max = int(found[0][0])
    check_keys(connection, select, versions)
    repeated = repeated_hashes(connection, select, versions.key, rows_max)
    if not len(repeated):
        return select
    connection.register("lakewright_hashes", {"hash": repeated})
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {_REPEATED} AS SELECT hash FROM lakewright_hashes"
    )
    connection.unregister("lakewright_hashes")
    is_repeated = f"JOIN {_REPEATED} ON hash({text.names(versions.key)}) = {_REPEATED}.hash"
    compared = newest_window_sql(f"SELECT * FROM ({select}) SEMI {is_repeated}", versions)
    return f"SELECT * FROM ({select}) ANTI {is_repeated} UNION ALL ({compared})"


def newest_window_sql(select: str, versions: Versions, tie_breaker: str = "") -> str:
    """A SELECT of the newest row of each key, by a window over all of them.

    Args:
        select: returns the columns of `versions`, and the tie breaker where there is one.
        versions: says what the newest row is.
        tie_breaker: a column; of rows that are equal but for metadata, its smallest value wins.
    """
    keys = text.names(versions.key)
    order = ", ".join(_order(versions, tie_breaker))
    rank = f"row_number() OVER (PARTITION BY {keys} ORDER BY {order})"
    return f"SELECT * FROM ({select}) QUALIFY {rank} = 1"


def check_keys(connection: duckdb.DuckDBPyConnection, select: str, versions: Versions) -> None:
    """Refuse rows without a key: nothing says which row of the table they are.

    Raises:
        RunFailed: a row has no value in a key column.
    """
    versions.check_types()
    counts = ", ".join(f"count(*) - count({text.name(column)})" for column in versions.key)
    row = connection.execute(f"SELECT {counts} FROM ({select})").fetchone() or ()
    missing = {column: count for column, count in zip(versions.key, row, strict=True) if count}
    if missing:
        raise versions.without_key(missing, _examples(connection, select, versions, missing))


def _examples(
    connection: duckdb.DuckDBPyConnection,
    select: str,
    versions: Versions,
    columns: Iterable[str],
) -> Sequence[tuple[object, ...]]:
    """Where the first such rows come from, if the model keeps that."""
    if not versions.has_places:
        return ()
    is_null = " OR ".join(f"{text.name(column)} IS NULL" for column in columns)
    return connection.execute(
        f"SELECT {text.names(PLACE)} FROM ({select}) WHERE {is_null} ORDER BY ALL LIMIT 3"
    ).fetchall()


def repeated_hashes(
    connection: duckdb.DuckDBPyConnection, select: str, key: Sequence[str], rows_max: int
) -> _Hashes:
    """Hashes that more than one row's key has; a superset of the keys that repeat, by chance.

    Args:
        connection: runs the SELECT, more than once if it returns very many rows.
        select: returns the key columns.
        key: their names.
        rows_max: as many rows as it may return.
    """
    found = [numpy.empty(0, dtype=numpy.uint64)]
    passes = max(1, -(-rows_max // _HASHES_MAX))
    for number in range(passes):
        query = f"SELECT hash({text.names(key)}) AS hash FROM ({select})"
        if passes > 1:
            query = f"SELECT hash FROM ({query}) WHERE hash % {passes} = {number}"
        hashes = numpy.asarray(connection.execute(query).fetchnumpy()["hash"])
        hashes.sort()
        found.append(numpy.unique(hashes[1:][hashes[1:] == hashes[:-1]]))
    return numpy.concatenate(found)


def _order(versions: Versions, tie_breaker: str) -> list[str]:
    by_value = [f"{text.name(column)} DESC NULLS LAST" for column in versions.by_value]
    by_origin = [f"{text.name(column)} ASC NULLS LAST" for column in versions.by_origin]
    return by_value + ([tie_breaker] if tie_breaker else []) + by_origin or ["1"]


def _is_streamed(connection: duckdb.DuckDBPyConnection, select: str) -> bool:
    found = connection.execute(f"EXPLAIN (FORMAT json) {select}").fetchall()
    pending = list(json.loads(found[0][1]))
    while pending:
        operator = pending.pop()
        if operator["name"].strip() not in _STREAMED:
            return False
        pending += operator["children"]
    return True
