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


def relation_sql(file_set: FileSet, columns: Sequence[str] | None = None) -> str:
    """A SELECT that returns the table's rows.

    Args:
        file_set: the table; without files the result has no rows but the right types.
        columns: which columns, in which order; None: all. `filename` and `file_row_number` may be
            among them: a row's file as the file set names it, and its place there from 0.
    """
    wanted = file_set.schema.names if columns is None else tuple(columns)
    if not file_set.files:
        return f"SELECT {_empty(file_set, wanted)} WHERE false"
    return f"SELECT {text.names(wanted)} FROM {_scan(file_set)}"


def _scan(file_set: FileSet) -> str:
    paths = text.literals(file.path for file in file_set.files)
    entries = ", ".join(
        f"{file_set.field_ids[field.name]}: {{'name': {text.literal(field.name)},"
        f" 'type': {text.literal(text.type_name(field.type))}, 'default_value': NULL}}"
        for field in file_set.schema.fields
    )
    return f"read_parquet({paths}, schema = MAP {{{entries}}})"


def _empty(file_set: FileSet, columns: Sequence[str]) -> str:
    kinds = {field.name: text.type_name(field.type) for field in file_set.schema.fields}
    kinds |= {"filename": "VARCHAR", "file_row_number": "BIGINT"} | kinds
    return ", ".join(f"NULL::{kinds[name]} AS {text.name(name)}" for name in columns)


def register(connection: duckdb.DuckDBPyConnection, name: str, file_set: FileSet) -> None:
    """Make the table readable as `layer.table`; an earlier meaning of the name is replaced."""
    layer = name.partition(".")[0]
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {text.name(layer)}")
    view = f"CREATE OR REPLACE VIEW {text.table(name)} AS {relation_sql(file_set)}"
    connection.execute(view)


@contextmanager
def registered(
    connection: duckdb.DuckDBPyConnection, tables: Mapping[str, FileSet]
) -> Iterator[None]:
    """Make the tables readable by their names, for a while."""
    for name, file_set in tables.items():
        register(connection, name, file_set)
    try:
        yield
    finally:
        for name in tables:
            connection.execute(f"DROP VIEW IF EXISTS {text.table(name)}")
