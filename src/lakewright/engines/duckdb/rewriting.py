"""Rows leave a table only with their whole files: find these, and write their other rows anew.

Small files become few by being written anew too.
"""

from collections.abc import Sequence
from dataclasses import replace

import duckdb

from lakewright.engines.duckdb import reading, text, writing
from lakewright.engines.engine import Remainder
from lakewright.lake.staged import DataFile, FileSet, Target


def touched(
    connection: duckdb.DuckDBPyConnection, table: FileSet, columns: Sequence[str], join: str
) -> FileSet:
    """The table with only those of its files that hold a row which the join matches.

    Args:
        connection: where the join's other side is known.
        table: is called `present` in the join.
        columns: those that the join needs; no others are read.
        join: `JOIN <other> ON ...`.
    """
    if not table.files:
        return table
    rows = reading.relation_sql(table, (*columns, reading.FILE_INDEX))
    found = connection.execute(
        f"SELECT DISTINCT {text.name(reading.FILE_INDEX)} FROM ({rows}) AS present SEMI {join}"
        " ORDER BY 1"
    ).fetchall()
    return replace(table, files=tuple(table.files[index] for (index,) in found))


def without(
    connection: duckdb.DuckDBPyConnection,
    table: FileSet,
    columns: Sequence[str],
    join: str,
    target: Target,
) -> Remainder:
    """Take the rows that a join matches out of a table; the arguments are those of `touched`."""
    gone = touched(connection, table, columns, join)
    return Remainder(
        removed=tuple(file.path for file in gone.files),
        rewritten=_rest(connection, gone, join, target),
    )


def _rest(
    connection: duckdb.DuckDBPyConnection, gone: FileSet, join: str, target: Target
) -> tuple[DataFile, ...]:
    if not gone.files:
        writing.remove_leftovers(target, "rest")
        return ()
    new = [each.name for each in target.schema.fields if each.name not in gone.schema.names]
    values = ", ".join(["present.*", *(f"NULL AS {text.name(name)}" for name in new)])
    rows = f"SELECT {values} FROM ({reading.relation_sql(gone)}) AS present ANTI {join}"
    file_rows = max(file.rows for file in gone.files)
    return writing.copy(connection, rows, target, "rest", max(file_rows, writing.FILE_ROWS_MIN))


def remove_uploads(
    connection: duckdb.DuckDBPyConnection,
    table: FileSet,
    upload_ids: Sequence[str],
    target: Target,
) -> Remainder:
    """Find the files that hold rows of these uploads, and rewrite what else they hold."""
    if not upload_ids:
        return Remainder(removed=(), rewritten=())
    values = f"unnest({text.literals(upload_ids)})"
    join = f"JOIN (SELECT {values} AS id) AS gone ON present._upload_id = gone.id"
    with connection.cursor() as cursor:
        return without(cursor, table, ("_upload_id",), join, target)


def compact(
    connection: duckdb.DuckDBPyConnection, files: FileSet, target: Target
) -> tuple[DataFile, ...]:
    """Write the rows of these files again, as few files as their partitions allow."""
    file_rows = writing.merged_file_rows(target.base.rows if target.base else 0)
    with connection.cursor() as cursor:
        return writing.copy(cursor, reading.relation_sql(files), target, "compact", file_rows)
