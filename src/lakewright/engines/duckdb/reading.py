"""Tables as relations: the columns of Parquet files, found by their field ids.

An older file may lack a column, name it otherwise or hold a narrower type: its rows read as if it
had been written today. Fields inside structs are found by their names, as nothing in a project
renames them.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import duckdb

from lakewright.engines.duckdb import text
from lakewright.lake.staged import FileSet

BY_CONTENT = "hive_partitioning = false"
"""A folder called `a=7` on the way to a file says nothing about the column `a`."""

FILE_INDEX = "index of the file"
"""The column that tells a row's file; no table has one of this name, which is not standard."""

_VIRTUAL = "file_index"
"""DuckDB's virtual column for that; a file's own column of the name hides it, so that is read under
another. (`filename` would change a `file:` URI.)"""


def relation_sql(file_set: FileSet, columns: Sequence[str] | None = None) -> str:
    """A SELECT that returns the table's rows.

    Args:
        file_set: the table; without files the result has no rows but the right types.
        columns: which columns, in which order; None: all. `FILE_INDEX` may be among them: the place
            of a row's file in `file_set.files`, from 0.
    """
    wanted = file_set.schema.names if columns is None else tuple(columns)
    if not file_set.files:
        return f"SELECT {_empty(file_set, wanted)} WHERE false"
    return f"SELECT {', '.join(map(_selected, wanted))} FROM {_scan(file_set)}"


def _selected(column: str) -> str:
    if column == FILE_INDEX:
        return f"{_VIRTUAL} AS {text.name(column)}"
    name = text.name(column)
    scanned = text.name(_scanned(column))
    return name if scanned == name else f"{scanned} AS {name}"


def _scanned(column: str) -> str:
    """What the scan calls a column."""
    return f"{column} of the table" if column.lower() == _VIRTUAL else column


def _scan(file_set: FileSet) -> str:
    paths = text.literals(file.path for file in file_set.files)
    entries = ", ".join(
        f"{file_set.field_ids[field.name]}: {{'name': {text.literal(_scanned(field.name))},"
        f" 'type': {text.literal(text.type_name(field.type))}, 'default_value': NULL}}"
        for field in file_set.schema.fields
    )
    # With a given schema DuckDB looks into no file beforehand and knows no number of rows.
    rows = f"explicit_cardinality = {file_set.rows}"
    return f"read_parquet({paths}, schema = MAP {{{entries}}}, {rows}, {BY_CONTENT})"


def _empty(file_set: FileSet, columns: Sequence[str]) -> str:
    kinds = {field.name: text.type_name(field.type) for field in file_set.schema.fields}
    kinds.setdefault(FILE_INDEX, "UBIGINT")
    return ", ".join(f"NULL::{kinds[name]} AS {text.name(name)}" for name in columns)


def register(connection: duckdb.DuckDBPyConnection, name: str, file_set: FileSet) -> None:
    """Make the table readable as `layer.table`; an earlier meaning of the name is replaced."""
    _create_view(connection, name, relation_sql(file_set))


@contextmanager
def registered(
    connection: duckdb.DuckDBPyConnection, relations: Mapping[str, str]
) -> Iterator[None]:
    """Make each SELECT readable by its `layer.table`, for a while."""
    for name, select in relations.items():
        _create_view(connection, name, select)
    try:
        yield
    finally:
        for name in relations:
            connection.execute(f"DROP VIEW IF EXISTS {text.table(name)}")


def _create_view(connection: duckdb.DuckDBPyConnection, name: str, select: str) -> None:
    layer = name.partition(".")[0]
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {text.name(layer)}")
    connection.execute(f"CREATE OR REPLACE VIEW {text.table(name)} AS {select}")
